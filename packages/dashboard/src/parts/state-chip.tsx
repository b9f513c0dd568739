import type { DeviceState } from "@wattboard/protocol";
import { own } from "../ui/own.ts";

const words: Record<DeviceState, string> = {
  IDLE: "Idle",
  CHARGING: "Charging",
  DISCHARGING: "Discharging",
  FULL: "Full",
  EMPTY: "Empty",
  ERROR: "Error",
};

interface StateChipProps {
  readonly online: boolean;
  /** Null where the device does not tell one, as SolMates never do. */
  readonly state: DeviceState | null;
  /** Whether it has said anything at all. */
  readonly isHeard: boolean;
}

/** The state in a word and a colour; an offline device has no state of its own, however it was when last heard. */
export function StateChip({ online, state, isHeard }: StateChipProps) {
  if (!online) return <span className="chip chip-offline">Offline</span>;
  if (!isHeard) return <span className="chip chip-silent">No data yet</span>;
  if (state === null) return <span className="chip chip-online">Online</span>;
  return <span className={`chip chip-${state.toLowerCase()}`}>{stateWord(state)}</span>;
}

export function stateWord(state: DeviceState): string {
  return own(words, state) ?? state;
}
