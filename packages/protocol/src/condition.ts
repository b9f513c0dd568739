import { parseDecimal } from "./decimal.ts";
import { type FleetPoint, type FleetRow, ownTimeMsOf } from "./fleet.ts";
import { freshnessOf, isPresent } from "./freshness.ts";
import { limits } from "./limits.ts";
import { isRefusal, type Refusal, refuse } from "./refusals.ts";
import type { Scalar } from "./telemetry.ts";

/** How a condition compares, and how that reads between a field and a value. */
export const operators = {
  "=": "is",
  "!=": "is not",
  "~": "contains",
  "^": "starts with",
  "<": "<",
  "<=": "≤",
  ">": ">",
  ">=": "≥",
} as const;
export type Operator = keyof typeof operators;

/** One condition on a device, the same for the fleet table, fleet commands and the API: `battery.soc > 80`. */
export interface Condition {
  /** `id`, `name`, `online`, `state`, `mode`, `error_flags`, `clock`, `age` (s), `properties.NAME`, or a point. */
  readonly field: string;
  readonly operator: Operator;
  /** Compared as a number if both sides are numbers, otherwise as text, whatever the case. */
  readonly value: string;
}

/** `unknown`: the device has not reported the field, or not recently enough to say what it is now. */
export type Verdict = "meets" | "fails" | "unknown";

/** What a field of a device holds; null or undefined if that is not known. */
export type FieldValue = Scalar | readonly string[] | undefined;

const operatorsLongestFirst = (Object.keys(operators) as Operator[]).sort((a, b) => b.length - a.length);
const fieldStart = /^[A-Za-z_][A-Za-z0-9_.]*/;

/** Reads `FIELD OPERATOR VALUE`; a value may stand in quotes. `==` is read as `=`. Refuses with what is wrong (`invalid_request`). */
export function parseCondition(text: string): Condition | Refusal {
  const shown = JSON.stringify(text.slice(0, 100));
  if (text.length > limits.conditionLengthMax) {
    return refuse("invalid_request", `The condition ${shown}… has more than ${limits.conditionLengthMax} characters.`);
  }
  const trimmed = text.trim();
  const field = fieldStart.exec(trimmed)?.[0] ?? "";
  const afterField = trimmed.slice(field.length).trimStart();
  const operator = operatorsLongestFirst.find((each) => afterField.startsWith(each));
  if (field === "" || operator === undefined) {
    const known = Object.keys(operators).join(" ");
    return refuse(
      "invalid_request",
      `${shown} is not a condition. Write FIELD OPERATOR VALUE, such as battery.soc > 80 or properties.region = SE; operators: ${known}`,
    );
  }
  const isDoubled = operator === "=" && afterField.startsWith("==");
  const rest = afterField.slice(isDoubled ? 2 : operator.length).trim();
  const quote = rest[0];
  const isQuoted = rest.length > 1 && (quote === '"' || quote === "'") && rest.endsWith(quote);
  const value = isQuoted ? rest.slice(1, -1) : rest;
  if (value === "" && !isQuoted) {
    return refuse("invalid_request", `${shown} has no value. An empty one is written "".`);
  }
  if (field === "online" && !/^(true|false)$/i.test(value)) {
    return refuse("invalid_request", `${shown}: online is true or false.`);
  }
  return { field, operator, value };
}

/** Reads conditions, all of which are to be met; refuses with the first that cannot be read. */
export function parseConditions(texts: readonly string[]): Condition[] | Refusal {
  const conditions: Condition[] = [];
  for (const text of texts) {
    const condition = parseCondition(text);
    if (isRefusal(condition)) return condition;
    conditions.push(condition);
  }
  return conditions;
}

/** The condition as `parseCondition` reads it. */
export function formatCondition({ field, operator, value }: Condition): string {
  const needsQuotes = value === "" || value.trim() !== value || /^["'=]/.test(value);
  return `${field} ${operator} ${needsQuotes ? `"${value}"` : value}`;
}

/** Prepares a condition once, to be asked for many devices. */
export function conditionTest({ operator, value }: Condition): (actual: FieldValue) => Verdict {
  const wanted = value.toLowerCase();
  const wantedNumber = asNumber(value);
  const isNegated = operator === "!=";
  const test = isNegated ? equals(wanted, wantedNumber) : testOf(operator, wanted, wantedNumber);
  return (actual) => {
    if (actual === undefined || actual === null) return "unknown";
    const isMet = typeof actual === "object" ? actual.some(test) : test(actual);
    return isMet === isNegated ? "fails" : "meets";
  };
}

type Test = (actual: string | number | boolean) => boolean;

function testOf(operator: Exclude<Operator, "!=">, wanted: string, wantedNumber: number | null): Test {
  switch (operator) {
    case "=":
      return equals(wanted, wantedNumber);
    case "~":
      return (actual) => String(actual).toLowerCase().includes(wanted);
    case "^":
      return (actual) => String(actual).toLowerCase().startsWith(wanted);
    case "<":
      return ordered(wanted, wantedNumber, (order) => order < 0);
    case "<=":
      return ordered(wanted, wantedNumber, (order) => order <= 0);
    case ">":
      return ordered(wanted, wantedNumber, (order) => order > 0);
    case ">=":
      return ordered(wanted, wantedNumber, (order) => order >= 0);
  }
}

function equals(wanted: string, wantedNumber: number | null): Test {
  return (actual) => {
    const number = wantedNumber === null ? null : asNumber(actual);
    return number === null ? String(actual).toLowerCase() === wanted : number === wantedNumber;
  };
}

/** Numbers are compared with numbers, texts (a date, a version) with texts. */
function ordered(wanted: string, wantedNumber: number | null, accepts: (order: number) => boolean): Test {
  return (actual) => {
    const number = asNumber(actual);
    if (wantedNumber !== null) return number !== null && accepts(number - wantedNumber);
    const text = String(actual).toLowerCase();
    return number === null && accepts(text === wanted ? 0 : text < wanted ? -1 : 1);
  };
}

/** A number, or a text that is one (properties are texts: postcodes, counts); otherwise null. */
export function asNumber(value: Scalar): number | null {
  return typeof value === "string" ? parseDecimal(value) : typeof value === "number" ? value : null;
}

const propertyPrefix = "properties.";
/** The points of fields that have a short name. */
const pointNames: ReadonlyMap<string, string> = new Map(
  ["state", "mode", "error_flags"].map((name) => [name, `system_status.${name}`]),
);

/**
 * What a field of a device holds at `nowMs`. What is measured counts only while it says something of the present (`isPresent`): neither a filter
 * nor a command reaches a device by what it was once. A property that is not set is the empty text.
 */
export function readField(row: FleetRow, field: string, nowMs: number): FieldValue {
  switch (field) {
    case "id":
    case "online":
      return row[field];
    case "name":
      return row.name === "" ? row.id : row.name;
    case "clock":
      return row.received_at_ms === null ? null : row.clock;
    case "age": {
      const { observed_at_ms: observedAtMs, received_at_ms: receivedAtMs } = row;
      if (observedAtMs === null || receivedAtMs === null) return null;
      return Math.max(0, (nowMs - Math.min(observedAtMs, receivedAtMs)) / 1_000);
    }
  }
  if (field.startsWith(propertyPrefix)) {
    const property = field.slice(propertyPrefix.length);
    return Object.hasOwn(row.properties, property) ? row.properties[property] : "";
  }
  // From the receipt, but for what was measured long before it, or came in an earlier message.
  const atMs = ownTimeMsOf(row, pointNames.get(field) ?? field) ?? row.received_at_ms;
  const ageMs = atMs === null ? null : nowMs - atMs;
  return isPresent(freshnessOf(row, ageMs)) ? measuredValue(row, field) : null;
}

function measuredValue(row: FleetRow, field: string): FieldValue {
  switch (field) {
    case "state":
    case "system_status.state":
      return row.state;
    case "mode":
    case "system_status.mode":
      return row.mode;
    case "error_flags":
    case "system_status.error_flags":
      return row.error_flags;
  }
  if (Object.hasOwn(row.points, field)) return row.points[field as FleetPoint];
  return Object.hasOwn(row.others, field) ? row.others[field] : undefined;
}

/** Prepares conditions, all of which must be met. A device that fails one fails; otherwise one unknown field makes it `unknown`. */
export function fleetTest(conditions: readonly Condition[]): (row: FleetRow, nowMs: number) => Verdict {
  const tests = conditions.map((condition) => ({ field: condition.field, test: conditionTest(condition) }));
  return (row, nowMs) => {
    let verdict: Verdict = "meets";
    for (const { field, test } of tests) {
      const each = test(readField(row, field, nowMs));
      if (each === "fails") return each;
      if (each === "unknown") verdict = each;
    }
    return verdict;
  };
}
