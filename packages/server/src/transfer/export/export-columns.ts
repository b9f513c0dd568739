import { points as catalogue } from "@wattboard/protocol/constants";
import type { PointValue } from "../../store/algebra/point-value.ts";
import type { PointInfo } from "../../store/store.ts";

/** A column of an export behind the three that every export begins with. */
export interface ExportColumn {
  readonly name: string;
  /** What it holds besides nulls: one kind, or values of several kinds (and lists) as JSON. */
  readonly type: "number" | "text" | "boolean" | "json";
}

/** What every export begins with. */
export const leadingColumns = ["device_id", "observed_at", "received_at"] as const;

const places = new Map<string, number>(catalogue.map(({ name }, place) => [name, place]));

/**
 * The columns for devices with these points: the catalogue's in its order, then all others by name, so that the order does not hang on the
 * devices. A point that has never held a value has no column, nor has one that is called as a leading column is.
 */
export function exportColumns(devices: readonly (readonly PointInfo[])[]): ExportColumn[] {
  const kinds = new Map<string, Set<string>>();
  for (const { name, kinds: held } of devices.flat()) {
    if (held.length === 0 || (leadingColumns as readonly string[]).includes(name)) continue;
    kinds.set(name, new Set([...(kinds.get(name) ?? []), ...held]));
  }
  return [...kinds].map(([name, held]): ExportColumn => ({ name, type: typeOf(held) })).sort(compareColumns);
}

/** The value as a column of that type can hold it; null where it has none. A kind that came up after the columns were set has no place in them. */
export function fitting(value: PointValue | undefined, type: ExportColumn["type"]): PointValue {
  if (value === undefined || value === null) return null;
  if (type === "json") return JSON.stringify(value);
  return typeof value === (type === "text" ? "string" : type) ? value : null;
}

function typeOf(kinds: ReadonlySet<string>): ExportColumn["type"] {
  const [only] = kinds;
  return kinds.size === 1 && (only === "number" || only === "text" || only === "boolean") ? only : "json";
}

function compareColumns(a: ExportColumn, b: ExportColumn): number {
  const placeOf = ({ name }: ExportColumn): number => places.get(name) ?? places.size;
  return placeOf(a) - placeOf(b) || (a.name < b.name ? -1 : 1);
}
