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

export function stateWord(state: DeviceState): string {
  return own(states, state) ?? state;
}

const modes: Record<DeviceMode, string> = { AUTO: "Auto", MANUAL: "Manual" };

export function modeWord(mode: DeviceMode | null): string {
  return mode === null ? "—" : (own(modes, mode) ?? mode);
}
