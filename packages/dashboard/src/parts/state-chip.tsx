import type { DeviceState } from "@wattboard/protocol";

const words: Record<DeviceState, string> = {
  IDLE: "Idle",
  CHARGING: "Charging",
  DISCHARGING: "Discharging",
  FULL: "Full",
  EMPTY: "Empty",
  ERROR: "Error",
};

/** The state in a word and a colour; an offline device has no state of its own, however it was when last heard. */
export function StateChip({ online, state }: { readonly online: boolean; readonly state: DeviceState | null }) {
  if (!online) return <span className="chip chip-offline">Offline</span>;
  if (state === null) return <span className="chip chip-silent">No data yet</span>;
  return <span className={`chip chip-${state.toLowerCase()}`}>{stateWord(state)}</span>;
}

export function stateWord(state: DeviceState): string {
  return words[state] ?? state;
}
