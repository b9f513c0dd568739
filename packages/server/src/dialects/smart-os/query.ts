import {
  limits,
  parseDecimal,
  type Scalar,
  type SmartOsOperator,
  smartOsFields,
  smartOsOperators,
} from "@wattboard/protocol";
import { sortInSteps } from "../../base/time-slices.ts";
import type { Row } from "./dataset.ts";

/** What a web client asks of the dataset: all filters must be met, and the first sort counts most. */
export interface Query {
  readonly filters: readonly Filter[];
  readonly sorts: readonly SortFilter[];
}

interface Filter {
  readonly name: string;
  readonly isMetBy: (value: Scalar) => boolean;
}

interface SortFilter {
  readonly name: string;
  readonly isDescending: boolean;
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
  const sorts: SortFilter[] = [];
  for (const condition of message) {
    if (typeof condition !== "string") return `${shown(condition)} is no text such as "filter:country:=:AT"`;
    const [, filtered = "", operator = "", value = ""] = filterPattern.exec(condition) ?? [];
    const [, sorted = "", direction = "", alphabet = ""] = sortPattern.exec(condition) ?? [];
    if (value.length > limits.textLengthMax)
      return `${shown(condition)}: a value has at most ${limits.textLengthMax} characters`;
    if (filtered !== "") {
      if (!operators.includes(operator))
        return `${shown(condition)}: the operator must be one of ${operators.join(" ")}`;
      filters.push({ name: filtered, isMetBy: conditionOf(operator as SmartOsOperator, value) });
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

/**
 * The entries whose rows meet the query, in its order; or what is wrong with it, in words: a field that no row has. In steps of one row or a few
 * comparisons, since a fleet may be large.
 */
export function* answer<Entry extends { readonly row: Row }>(
  { filters, sorts }: Query,
  entries: readonly Entry[],
): Generator<void, readonly Entry[] | string> {
  const unknown = new Set([...filters, ...sorts].map(({ name }) => name).filter((name) => !knownNames.has(name)));
  const found: Match<Entry>[] = [];
  for (const entry of entries) {
    const { row } = entry;
    for (const name of unknown) if (Object.hasOwn(row, name)) unknown.delete(name);
    if (filters.every(({ name, isMetBy }) => isMetBy(fieldOf(row, name)))) {
      found.push({ entry, keys: sorts.map(({ name }) => sortKeyOf(fieldOf(row, name))) });
    }
    yield;
  }
  const [absent] = unknown;
  if (absent !== undefined) return `no device has a field ${shown(absent)}`;
  const inOrder =
    sorts.length === 0 ? found : yield* sortInSteps(found, (one, other) => compareFound(one, other, sorts));
  return inOrder.map(({ entry }) => entry);
}

/** What a value is compared by: a number, also where it is a text that says one, since postcodes and serial numbers are texts; else its text in small letters. */
type SortKey = number | string;

interface Match<Entry> {
  readonly entry: Entry;
  /** One for each sort, made once and not for each comparison; null: not told. */
  readonly keys: readonly (SortKey | null)[];
}

/** Only the row's own: a field may be called `constructor`. */
function fieldOf(row: Row, name: string): Scalar {
  return Object.hasOwn(row, name) ? (row[name] ?? null) : null;
}

function sortKeyOf(value: Scalar): SortKey | null {
  if (value === null || typeof value === "number") return value;
  const text = String(value);
  return parseDecimal(text) ?? text.toLowerCase();
}

/** Numbers come before texts. */
function compareSortKeys(one: SortKey, other: SortKey): number {
  if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1;
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** Reads what is wanted once, for all rows. */
function conditionOf(operator: SmartOsOperator, wanted: string): Filter["isMetBy"] {
  const wantedLower = wanted.toLowerCase();
  const wantedKey = sortKeyOf(wanted) ?? "";
  /** A number is compared with numbers, a text (a date, a version) with texts; what a device has not told meets nothing. */
  const inOrder = (isMet: (order: number) => boolean) => (value: Scalar) => {
    const key = sortKeyOf(value);
    return typeof key === typeof wantedKey && isMet(compareSortKeys(key as SortKey, wantedKey));
  };
  const inText = (isMet: (text: string) => boolean) => (value: Scalar) =>
    value !== null && isMet(String(value).toLowerCase());
  switch (operator) {
    case "=":
      return inText((text) => text.includes(wantedLower));
    case "^":
      return inText((text) => text.startsWith(wantedLower));
    case "==":
      return typeof wantedKey === "number"
        ? (value) => sortKeyOf(value) === wantedKey
        : (value) => value !== null && String(value) === wanted;
    case "<":
      return inOrder((order) => order < 0);
    case ">":
      return inOrder((order) => order > 0);
    case "<=":
      return inOrder((order) => order <= 0);
    case ">=":
      return inOrder((order) => order >= 0);
  }
}

/** What was not told comes last in either direction. */
function compareFound(one: Match<unknown>, other: Match<unknown>, sorts: readonly SortFilter[]): number {
  for (const [at, { isDescending }] of sorts.entries()) {
    const [oneKey = null, otherKey = null] = [one.keys[at], other.keys[at]];
    if (oneKey === null || otherKey === null) {
      if (oneKey !== otherKey) return oneKey === null ? 1 : -1;
      continue;
    }
    const order = compareSortKeys(oneKey, otherKey);
    if (order !== 0) return isDescending ? -order : order;
  }
  return 0;
}

/** A bit of what the peer sent, safe for an answer. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
