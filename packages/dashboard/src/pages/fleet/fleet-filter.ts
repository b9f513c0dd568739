import { type FleetRow, parseDecimal, type Scalar, type SmartOsOperator, smartOsOperators } from "@wattboard/protocol";
import { placeOf } from "../../domain/place.ts";
import { fleetField } from "./fleet-field.ts";

/** One condition, as in the queries of SMART-OS: a field, how it is compared, and with what. */
export interface Condition {
  readonly field: string;
  readonly operator: SmartOsOperator;
  readonly value: string;
}

export const operators = Object.keys(smartOsOperators) as SmartOsOperator[];

/** How a condition reads between its field and its value. */
export const operatorWords: Readonly<Record<SmartOsOperator, string>> = {
  "=": "contains",
  "==": "equals",
  "^": "starts with",
  "<": "<",
  ">": ">",
  "<=": "≤",
  ">=": "≥",
};

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
  const tests = conditions.map(conditionTest);
  return rows.filter(
    (row) =>
      belongsTo(part, row) && tests.every((test) => test(row, nowMs)) && (words.length === 0 || holds(row, words)),
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

/** Reads the condition once, since it is asked for every row. What a device has not told meets no condition. */
function conditionTest({ field, operator, value }: Condition): (row: FleetRow, nowMs: number) => boolean {
  const { read } = fleetField(field);
  const meets = scalarTest(operator, value);
  return (row, nowMs) => {
    const told = read(row, nowMs);
    return told !== null && meets(told);
  };
}

function scalarTest(operator: SmartOsOperator, wanted: string): (told: Scalar) => boolean {
  const wantedLower = wanted.toLowerCase();
  const wantedNumber = asNumber(wanted);
  if (operator === "=") return (told) => String(told).toLowerCase().includes(wantedLower);
  if (operator === "^") return (told) => String(told).toLowerCase().startsWith(wantedLower);
  if (operator === "==") {
    return wantedNumber === null
      ? (told) => String(told).toLowerCase() === wantedLower
      : (told) => asNumber(told) === wantedNumber;
  }
  const accepts = { "<": isBelow, ">": isAbove, "<=": not(isAbove), ">=": not(isBelow) }[operator];
  // A number is compared with numbers, a text (a date, a version) with texts.
  if (wantedNumber !== null) {
    return (told) => {
      const number = asNumber(told);
      return number !== null && accepts(number - wantedNumber);
    };
  }
  return (told) => asNumber(told) === null && accepts(compareTexts(String(told).toLowerCase(), wantedLower));
}

const isBelow = (order: number) => order < 0;
const isAbove = (order: number) => order > 0;
const not = (test: (order: number) => boolean) => (order: number) => !test(order);

function compareTexts(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

/** A number, or a text that is one: properties are texts, postcodes and counts among them. */
export function asNumber(value: Scalar): number | null {
  if (typeof value === "number") return value;
  return typeof value === "string" ? parseDecimal(value) : null;
}
