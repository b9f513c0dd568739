import type { Capabilities, PointValue, SetMode, SetParameter } from "@wattboard/protocol";
import type { Values } from "../devices/sample.ts";
import type { CommandRecord } from "./command-record.ts";

/** How far the battery's power may be from its target and still show it, W and as a share. */
const toleranceW = 25;
const toleranceShare = 0.05;

/**
 * Whether a device's telemetry shows that the command took effect: what shows it, in words, or null. `values` must have been received at
 * `receivedAtMs`, after the command was sent.
 */
export function evidenceOf(
  command: CommandRecord,
  values: Values,
  receivedAtMs: number,
  capabilities: Capabilities | null,
): string | null {
  switch (command.action) {
    case "SET_MODE":
      return evidenceOfMode(command.payload as SetMode["payload"], values);
    case "RESET_ERROR":
      return evidenceOfNoError(values);
    case "SET_PARAMETER": {
      const { name, value } = command.payload as SetParameter["payload"];
      const point = capabilities?.parameters?.find((each) => each.name === name)?.point ?? `parameters.${name}`;
      return isSameValue(pointOf(values, point), value) ? `${point} is ${value}` : null;
    }
    case "RESTART": {
      const uptimeS = pointOf(values, "system_status.uptime");
      const isNew = typeof uptimeS === "number" && receivedAtMs - uptimeS * 1_000 > (command.sentAtMs ?? receivedAtMs);
      return isNew ? `system_status.uptime is ${uptimeS} s` : null;
    }
  }
}

function evidenceOfMode(
  { target_mode: target, target_power: targetW }: SetMode["payload"],
  values: Values,
): string | null {
  const mode = pointOf(values, "system_status.mode");
  if (mode !== (target === "AUTO" ? "AUTO" : "MANUAL")) return null;
  if (target === "AUTO") return "system_status.mode is AUTO";
  const shownTarget = pointOf(values, "system_status.target_mode");
  if (shownTarget !== undefined && shownTarget !== null) {
    if (shownTarget !== target) return null;
    if (targetW === undefined) return `system_status.target_mode is ${target}`;
    const shownW = pointOf(values, "system_status.target_power");
    if (isSameValue(shownW, targetW)) return `system_status.target_mode is ${target}, target_power ${targetW} W`;
  }
  return evidenceOfPower(target, targetW, values);
}

function evidenceOfPower(
  target: SetMode["payload"]["target_mode"],
  targetW: number | undefined,
  values: Values,
): string | null {
  const state = pointOf(values, "system_status.state");
  const powerW = pointOf(values, "battery.power");
  const shown = typeof powerW === "number" ? `battery.power is ${powerW} W` : `system_status.state is ${state}`;
  const manual = `system_status.mode is MANUAL, ${shown}`;
  if (target === "MANUAL_IDLE") {
    const isStill = typeof powerW === "number" ? Math.abs(powerW) <= toleranceW : state === "IDLE";
    return isStill ? manual : null;
  }
  const isCharge = target === "MANUAL_CHARGE";
  // Without room for it the battery does what it can: nothing.
  if (state === (isCharge ? "FULL" : "EMPTY")) return `system_status.mode is MANUAL, state ${state}`;
  if (typeof powerW !== "number") {
    return targetW === undefined && state === (isCharge ? "CHARGING" : "DISCHARGING") ? manual : null;
  }
  const directedW = isCharge ? powerW : -powerW;
  if (targetW === undefined) return directedW > 0 ? manual : null;
  return Math.abs(directedW - targetW) <= Math.max(toleranceW, targetW * toleranceShare) ? manual : null;
}

function evidenceOfNoError(values: Values): string | null {
  const state = pointOf(values, "system_status.state");
  const flags = pointOf(values, "system_status.error_flags");
  if (state === undefined && flags === undefined) return null;
  if (state === "ERROR" || (Array.isArray(flags) && flags.length > 0)) return null;
  return state === undefined || state === null
    ? "system_status.error_flags is empty"
    : `system_status.state is ${state}`;
}

function isSameValue(shown: unknown, wanted: string | number | boolean): boolean {
  if (typeof shown !== "number" || typeof wanted !== "number") return shown === wanted;
  return Math.abs(shown - wanted) <= 1e-6 * Math.max(1, Math.abs(wanted));
}

/** `pointOf(values, "battery.soc")`; undefined where the telemetry does not have it. */
function pointOf(values: Values, name: string): PointValue | undefined {
  const [section = "", field] = name.split(".");
  const body = values[section];
  if (field === undefined) return isSection(body) ? undefined : body;
  return isSection(body) ? body[field] : undefined;
}

function isSection(body: Values[string] | undefined): body is Readonly<Record<string, PointValue>> {
  return typeof body === "object" && body !== null;
}
