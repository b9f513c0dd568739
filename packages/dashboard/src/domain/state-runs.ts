import { deviceModes, deviceStates, type PointValue } from "@wattboard/protocol";
import { modeWord, stateWord } from "./state-words.ts";

/** How long a point kept a value. Between two runs that do not touch nothing is known. */
export interface StateRun {
  readonly fromMs: number;
  readonly toMs: number;
  readonly value: PointValue;
}

/** A value of a band, with how long it was held in all. */
export interface HeldValue {
  readonly word: string;
  /** Names a colour of the band: `data-tone`. */
  readonly tone: string;
  readonly heldMs: number;
}

/** What a person reads for a value; null where the device said that it knows none. */
export function wordOf(point: string, value: PointValue): string | null {
  if (value === null) return null;
  if (Array.isArray(value)) return value.length === 0 ? "None" : value.join(", ");
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (point === "system_status.state") return stateWord(String(value));
  if (point === "system_status.mode") return modeWord(String(value));
  return String(value);
}

/** Colours for values that nobody has given one, in the order in which they come; all that come later share one more. */
const furtherTones = ["one", "two", "three", "four"];

/** The values of a band in the order in which they first came. Errors are of one colour, whatever they say. */
export function heldValues(point: string, runs: readonly StateRun[]): HeldValue[] {
  const held = new Map<string, HeldValue>();
  for (const { fromMs, toMs, value } of runs) {
    const word = wordOf(point, value);
    if (word === null) continue;
    const { tone, heldMs } = held.get(word) ?? { tone: toneOf(point, value, held.size), heldMs: 0 };
    held.set(word, { word, tone, heldMs: heldMs + toMs - fromMs });
  }
  return [...held.values()];
}

const knownWords: ReadonlySet<string> = new Set([
  ...deviceStates.map((state) => `system_status.state ${state}`),
  ...deviceModes.map((mode) => `system_status.mode ${mode}`),
]);

function toneOf(point: string, value: PointValue, at: number): string {
  if (Array.isArray(value)) return value.length === 0 ? "none" : "error";
  if (knownWords.has(`${point} ${value}`)) return String(value).toLowerCase();
  return furtherTones[at] ?? "other";
}
