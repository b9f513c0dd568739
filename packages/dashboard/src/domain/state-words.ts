import type { DeviceMode, DeviceState } from "@wattboard/protocol";
import { own } from "../ui/own.ts";

const states: Record<DeviceState, string> = {
  IDLE: "Idle",
  CHARGING: "Charging",
  DISCHARGING: "Discharging",
  FULL: "Full",
  EMPTY: "Empty",
  ERROR: "Error",
};

/** Another word than these is the device's own, and shown as it is. */
export function stateWord(state: string): string {
  return own(states, state) ?? state;
}

const modes: Record<DeviceMode, string> = { AUTO: "Auto", MANUAL: "Manual" };

export function modeWord(mode: string | null): string {
  return mode === null ? "—" : (own(modes, mode) ?? mode);
}
