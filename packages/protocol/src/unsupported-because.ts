import type { Capabilities, Parameter } from "./capabilities.ts";
import type { Command, SetMode, SetParameter } from "./command.ts";
import { targetModes } from "./states.ts";

/** A command without its id: what is judged. */
export type Order = Pick<Command, "action" | "payload">;

/**
 * Why this device cannot be told so, with what is allowed instead; null where it can. `capabilities` is null for a device that has announced
 * nothing: it is taken to know what the EMS communication interface has, SET_MODE without a lease and RESET_ERROR.
 */
export function unsupportedBecause(order: Order, capabilities: Capabilities | null): string | null {
  switch (order.action) {
    case "SET_MODE":
      return modeUnsupportedBecause(order.payload as SetMode["payload"], capabilities);
    case "SET_PARAMETER":
      return parameterUnsupportedBecause(order.payload as SetParameter["payload"], capabilities?.parameters ?? []);
    case "RESET_ERROR":
      return capabilities === null || capabilities.commands.RESET_ERROR !== undefined
        ? null
        : unknownAction(order.action);
    case "RESTART":
      return capabilities?.commands.RESTART === undefined ? unknownAction(order.action) : null;
  }
}

function unknownAction(action: string): string {
  return `The device has not announced ${action}.`;
}

function modeUnsupportedBecause(payload: SetMode["payload"], capabilities: Capabilities | null): string | null {
  const { target_mode: mode, target_power: powerW, lease_ms: leaseMs } = payload;
  if (leaseMs !== undefined && mode === "AUTO") return "AUTO needs no lease: a lease ends in AUTO.";
  if (powerW !== undefined && (mode === "AUTO" || mode === "MANUAL_IDLE")) return `${mode} takes no target_power.`;
  if (capabilities === null) {
    return leaseMs === undefined
      ? null
      : "The device has not announced that it keeps leases; without lease_ms the command can be sent.";
  }
  const known = capabilities.commands.SET_MODE;
  if (known === undefined) return unknownAction("SET_MODE");
  const modes = known.target_modes ?? targetModes;
  if (!modes.includes(mode)) return `target_mode may be ${modes.join(", ")}.`;
  if (leaseMs !== undefined && known.leases !== true) {
    return "The device has not announced that it keeps leases; without lease_ms the command can be sent.";
  }
  if (powerW === undefined || (mode !== "MANUAL_CHARGE" && mode !== "MANUAL_DISCHARGE")) return null;
  const fault = describeRangeFault(powerW, known.target_power?.[mode] ?? {}, " W");
  return fault === null ? null : `target_power of ${mode} ${fault}, not ${powerW} W.`;
}

function parameterUnsupportedBecause(
  { name, value }: SetParameter["payload"],
  parameters: readonly Parameter[],
): string | null {
  const parameter = parameters.find((each) => each.name === name);
  if (parameter === undefined) {
    const names = parameters.map((each) => each.name).join(", ");
    return names === ""
      ? "The device has announced no parameters."
      : `The device has no parameter ${JSON.stringify(name)}; it has ${names}.`;
  }
  const { type, choices, unit } = parameter;
  const isRight = type === "text" ? typeof value === "string" : typeof value === (type === "boolean" ? type : "number");
  if (!isRight || (type === "integer" && !Number.isInteger(value))) {
    const words = { number: "a number", integer: "a whole number", text: "a text", boolean: "true or false" };
    return `${name} is ${words[type]}, not ${JSON.stringify(value)}.`;
  }
  if (choices !== undefined && !choices.includes(String(value))) return `${name} may be ${choices.join(", ")}.`;
  const fault =
    typeof value === "number" ? describeRangeFault(value, parameter, unit === undefined ? "" : ` ${unit}`) : null;
  return fault === null ? null : `${name} ${fault}, not ${value}.`;
}

function describeRangeFault(
  value: number,
  { minimum, maximum }: { readonly minimum?: number; readonly maximum?: number },
  unit: string,
): string | null {
  if (value >= (minimum ?? Number.NEGATIVE_INFINITY) && value <= (maximum ?? Number.POSITIVE_INFINITY)) return null;
  if (minimum === undefined) return `may be at most ${maximum}${unit}`;
  if (maximum === undefined) return `must be at least ${minimum}${unit}`;
  return `may be ${minimum} to ${maximum}${unit}`;
}
