import { asNumber, type FleetRow, type Scalar } from "@wattboard/protocol";
import { locale } from "../../ui/locale.ts";
import { fleetField } from "./fleet-field.ts";

/** One column that the rows are ordered by; the first one counts most. */
export interface Sort {
  readonly field: string;
  readonly descending: boolean;
}

const collator = new Intl.Collator(locale, { numeric: true, sensitivity: "base" });

/** What wants a person comes first, and what rests comes last. */
const stateRanks = new Map(
  ["ERROR", "EMPTY", "DISCHARGING", "CHARGING", "FULL", "IDLE"].map((state, at) => [state, at]),
);

/** A value as it is compared: numbers before texts. */
type OrderKey = number | string | null;

/**
 * A sorted copy. Rows without a value come last in either direction; equal ones stand in the order of their ids. Rows that come nearly in order,
 * as those of half a second ago do, cost about one comparison each.
 */
export function sortFleet(rows: readonly FleetRow[], sorts: readonly Sort[], nowMs: number): FleetRow[] {
  const columns = sorts.map(({ field, descending }) => ({ keyOf: keyReader(field), descending }));
  const keyed = rows.map((row) => ({ row, keys: columns.map(({ keyOf }) => keyOf(row, nowMs)) }));
  keyed.sort((one, other) => {
    for (const [at, { descending }] of columns.entries()) {
      const order = compareOrderKeys(one.keys[at] ?? null, other.keys[at] ?? null, descending);
      if (order !== 0) return order;
    }
    return compareIds(one.row.id, other.row.id);
  });
  return keyed.map(({ row }) => row);
}

function keyReader(name: string): (row: FleetRow, nowMs: number) => OrderKey {
  const { read, kind } = fleetField(name);
  if (name === "state") return (row) => (row.online && row.state !== null ? (stateRanks.get(row.state) ?? 99) : null);
  // The youngest first, by the instant itself.
  if (name === "age") return ({ observed_at_ms }) => (observed_at_ms === null ? null : -observed_at_ms);
  if (name === "id" || name === "name") return (row, nowMs) => String(read(row, nowMs));
  return (row, nowMs) => keyOfScalar(read(row, nowMs), kind === "number");
}

function keyOfScalar(value: Scalar, isNumber: boolean): OrderKey {
  if (value === null || value === "") return null;
  if (typeof value === "boolean") return value ? 0 : 1;
  return typeof value === "number" ? value : isNumber ? (asNumber(value) ?? value) : value;
}

function compareOrderKeys(one: OrderKey, other: OrderKey, descending: boolean): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  const order =
    typeof one === "number"
      ? typeof other === "number"
        ? one - other
        : -1
      : typeof other === "number"
        ? 1
        : collator.compare(one, other);
  return descending ? -order : order;
}

/** Two ids may be the same to a collator (`A1` and `a01`); the order must still be one. */
function compareIds(one: string, other: string): number {
  return collator.compare(one, other) || (one < other ? -1 : one > other ? 1 : 0);
}
