import {
  type CommandBody,
  type FleetDeviceStatus,
  hasEnded,
  type SetMode,
  type SetParameter,
  type TargetMode,
} from "@wattboard/protocol";
import { formatNumber } from "../ui/format-number.ts";

export const targetWords: Readonly<Record<TargetMode, string>> = {
  AUTO: "Auto",
  MANUAL_CHARGE: "Charge",
  MANUAL_DISCHARGE: "Discharge",
  MANUAL_IDLE: "Idle",
};

/** What a command asks for: `Discharge, 500 W, for 15 min`. */
export function commandWords({ action, payload }: Pick<CommandBody, "action" | "payload">): string {
  switch (action) {
    case "SET_MODE": {
      const { target_mode, target_power, lease_ms } = payload as SetMode["payload"];
      const power = target_power === undefined ? "" : `, ${formatNumber(target_power, 0)} W`;
      const lease = lease_ms === undefined ? "" : `, for ${leaseWords(lease_ms)}`;
      return `${targetWords[target_mode]}${power}${lease}`;
    }
    case "RESET_ERROR":
      return "Reset error";
    case "SET_PARAMETER": {
      const { name, value } = payload as SetParameter["payload"];
      return `${name} = ${value}`;
    }
    case "RESTART":
      return "Restart";
  }
}

/** `15 min`, `4 h`, `90 s`. */
export function leaseWords(leaseMs: number): string {
  const minutes = leaseMs / 60_000;
  if (!Number.isInteger(minutes)) return `${formatNumber(leaseMs / 1_000, 0)} s`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`;
}

/** How a status is to be looked at: under way, as wished, or not; nothing to look at. */
export type StatusTone = "open" | "good" | "bad" | "dull";

export function statusTone(status: FleetDeviceStatus): StatusTone {
  if (status === "waiting" || status === "skipped") return "dull";
  if (!hasEnded(status)) return "open";
  if (status === "applied") return "good";
  return status === "superseded" || status === "cancelled" ? "dull" : "bad";
}
