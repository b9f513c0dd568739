import { type Scalar, type SmartOsOperator, smartOsFields, smartOsOperators } from "@wattboard/protocol";
import type { Row } from "./dataset.ts";

interface Filter {
  readonly name: string;
  readonly operator: SmartOsOperator;
  readonly value: string;
}

interface Sort {
  readonly name: string;
  readonly isDescending: boolean;
}

/** What a web client asks of the dataset: all filters must be met, and the first sort counts most. */
export interface Query {
  readonly filters: readonly Filter[];
  readonly sorts: readonly Sort[];
}

/** Filters and sorts of one query; with one more it is refused. */
const conditionsMax = 32;
const operators = Object.keys(smartOsOperators);
/** The value may hold colons, as times do. */
const filterPattern = /^filter:([^:]*):([^:]*):(.*)$/s;
const sortPattern = /^sort:([^:]*):([^:]*):([^:]*)$/;
const knownNames: ReadonlySet<string> = new Set(smartOsFields.map(({ name }) => name));

/** Reads `["filter:serial_number:=:0", "sort:serial_number:<:abc"]`, in any order; or gives what is wrong with it, in words. */
export function readQuery(message: unknown): Query | string {
  if (!Array.isArray(message))
    return 'message must be a list such as ["filter:serial_number:=:0","sort:serial_number:<:abc"]';
  if (message.length > conditionsMax)
    return `a query has at most ${conditionsMax} filters and sorts, not ${message.length}`;
  const filters: Filter[] = [];
  const sorts: Sort[] = [];
  for (const condition of message) {
    if (typeof condition !== "string") return `${shown(condition)} is no text such as "filter:country:=:AT"`;
    const [, filtered = "", operator = "", value = ""] = filterPattern.exec(condition) ?? [];
    const [, sorted = "", direction = "", alphabet = ""] = sortPattern.exec(condition) ?? [];
    if (filtered !== "") {
      if (!operators.includes(operator))
        return `${shown(condition)}: the operator must be one of ${operators.join(" ")}`;
      filters.push({ name: filtered, operator: operator as SmartOsOperator, value });
    } else if (sorted !== "") {
      if (direction !== "<" && direction !== ">") {
        return `${shown(condition)}: the direction must be < (small to big, a to z) or > (big to small, z to a)`;
      }
      if (alphabet !== "abc" && alphabet !== "123") return `${shown(condition)}: it must end in abc or 123`;
      sorts.push({ name: sorted, isDescending: direction === ">" });
    } else return `${shown(condition)} is neither filter:NAME:OPERATOR:VALUE nor sort:NAME:<:abc`;
  }
  return { filters, sorts };
}

/** The rows that meet the query, in its order; or what is wrong with it, in words: a field that no row has. */
export function answer({ filters, sorts }: Query, rows: readonly Row[]): Row[] | string {
  for (const { name } of [...filters, ...sorts]) {
    if (!knownNames.has(name) && !rows.some((row) => Object.hasOwn(row, name)))
      return `no device has a field ${shown(name)}`;
  }
  const found = rows.filter((row) => filters.every((filter) => meets(fieldOf(row, filter.name), filter)));
  return sorts.length === 0 ? found : found.sort((one, other) => compareRows(one, other, sorts));
}

/** Only the row's own: a field may be called `constructor`. */
function fieldOf(row: Row, name: string): Scalar {
  return Object.hasOwn(row, name) ? (row[name] ?? null) : null;
}

function meets(value: Scalar, { operator, value: wanted }: Filter): boolean {
  // What a device has not told meets no condition.
  if (value === null) return false;
  const text = String(value);
  if (operator === "=") return text.toLowerCase().includes(wanted.toLowerCase());
  if (operator === "^") return text.toLowerCase().startsWith(wanted.toLowerCase());
  const wantedNumber = asNumber(wanted);
  const number = asNumber(value);
  if (operator === "==") return wantedNumber === null ? text === wanted : number === wantedNumber;
  // A number is compared with numbers, a text (a date, a version) with texts.
  if ((number === null) !== (wantedNumber === null)) return false;
  const order = number === null || wantedNumber === null ? compareTexts(text, wanted) : number - wantedNumber;
  if (operator === "<") return order < 0;
  if (operator === ">") return order > 0;
  return operator === "<=" ? order <= 0 : order >= 0;
}

function compareRows(one: Row, other: Row, sorts: readonly Sort[]): number {
  for (const { name, isDescending } of sorts) {
    const order = compareValues(fieldOf(one, name), fieldOf(other, name), isDescending);
    if (order !== 0) return order;
  }
  return 0;
}

/** Numbers come before texts, and what was not told comes last in either direction. */
function compareValues(one: Scalar, other: Scalar, isDescending: boolean): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  const [oneNumber, otherNumber] = [asNumber(one), asNumber(other)];
  const isMixed = (oneNumber === null) !== (otherNumber === null);
  const order = isMixed
    ? Number(oneNumber === null) - Number(otherNumber === null)
    : oneNumber === null || otherNumber === null
      ? compareTexts(String(one), String(other))
      : oneNumber - otherNumber;
  return isDescending ? -order : order;
}

function compareTexts(one: string, other: string): number {
  const [oneLower, otherLower] = [one.toLowerCase(), other.toLowerCase()];
  if (oneLower === otherLower) return 0;
  return oneLower < otherLower ? -1 : 1;
}

/** A number, or a text that is one: postcodes and serial numbers are kept as text. */
function asNumber(value: Scalar): number | null {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)) return null;
  return Number(value);
}

/** A bit of what the peer sent, safe for an answer. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
