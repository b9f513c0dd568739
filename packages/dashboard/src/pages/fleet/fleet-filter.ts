import { type Condition, type FleetRow, fleetTest } from "@wattboard/protocol";
import { placeOf } from "../../domain/place.ts";

/** Which devices are asked for, besides the conditions. */
export const fleetParts = ["all", "online", "offline", "error"] as const;
export type FleetPart = (typeof fleetParts)[number];

export interface FleetFilter {
  /** Words, each of which must occur somewhere. */
  readonly text: string;
  readonly part: FleetPart;
  readonly conditions: readonly Condition[];
}

/** The rows that are in the part, hold every word of the text, and meet every condition. */
export function filterFleet(
  rows: readonly FleetRow[],
  { text, part, conditions }: FleetFilter,
  nowMs: number,
): readonly FleetRow[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const test = fleetTest(conditions);
  return rows.filter(
    (row) => belongsTo(part, row) && test(row, nowMs) === "meets" && (words.length === 0 || holds(row, words)),
  );
}

export function isSimulated({ properties }: Pick<FleetRow, "properties">): boolean {
  return properties.simulated === "true";
}

/** Whether something at the device wants a person: its state, or a flag that it raises. */
export function hasError({ state, error_flags }: FleetRow): boolean {
  return state === "ERROR" || error_flags.length > 0;
}

function belongsTo(part: FleetPart, row: FleetRow): boolean {
  switch (part) {
    case "all":
      return true;
    case "online":
      return row.online;
    case "offline":
      return !row.online;
    case "error":
      return row.online && hasError(row);
  }
}

function holds(row: FleetRow, words: readonly string[]): boolean {
  const { id, name, properties, state, mode, error_flags } = row;
  const told = [id, name, placeOf(properties), state, mode, ...error_flags, ...Object.values(properties)];
  told.push(row.online ? "online" : "offline");
  if (isSimulated(row)) told.push("simulated");
  const haystack = told.filter(Boolean).join("\n").toLowerCase();
  return words.every((word) => haystack.includes(word));
}
