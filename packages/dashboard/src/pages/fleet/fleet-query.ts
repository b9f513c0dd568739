import type { FleetPoint, FleetRow } from "@wattboard/protocol";
import { placeOf } from "../../parts/place.ts";

/** The columns that the fleet can be sorted by. */
export const sortKeys = ["device", "place", "state", "mode", "soc", "solar", "load", "battery", "grid", "age"] as const;
export type SortKey = (typeof sortKeys)[number];

export interface Sort {
  readonly key: SortKey;
  readonly descending: boolean;
}

/** Which devices are asked for, besides the text. */
export const fleetParts = ["all", "online", "offline", "error"] as const;
export type FleetPart = (typeof fleetParts)[number];

/** A sort as it stands in the address: `solar`, or `-solar` for the largest first. */
export function parseSort(text: string | null): Sort {
  const descending = text?.startsWith("-") === true;
  const key = sortKeys.find((known) => known === (descending ? text?.slice(1) : text));
  return key === undefined ? { key: "device", descending: false } : { key, descending };
}

export function formatSort({ key, descending }: Sort): string {
  return descending ? `-${key}` : key;
}

/** The order that a first click on a column gives: quantities largest first, since that is what one looks for. */
export function nextSort(current: Sort, key: SortKey): Sort {
  if (current.key === key) return { key, descending: !current.descending };
  return { key, descending: ["soc", "solar", "load", "battery", "grid"].includes(key) };
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

/** The rows in which every word of `text` occurs somewhere: id, name, place, state, mode, flags, `online`, `offline`, `simulated`. */
export function filterFleet(rows: readonly FleetRow[], text: string, part: FleetPart): readonly FleetRow[] {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0 && part === "all") return rows;
  return rows.filter((row) => {
    if (!belongsTo(part, row)) return false;
    if (wanted.length === 0) return true;
    const { id, name, properties, state, mode, error_flags } = row;
    const told = [
      id,
      name,
      placeOf(row.properties),
      properties.country,
      row.online ? "online" : "offline",
      state,
      mode,
      ...error_flags,
    ];
    if (isSimulated(row)) told.push("simulated");
    const haystack = told.filter(Boolean).join("\n").toLowerCase();
    return wanted.every((word) => haystack.includes(word));
  });
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** A power as the table shows it: a device that is offline has none, whatever it had before. */
export function presentPower({ online, points }: FleetRow, point: FleetPoint): number | null {
  return online ? (points[point] ?? null) : null;
}

/** What wants a person comes first, what rests comes late, and a state from before a device went away is not its state. */
const stateOrder = ["ERROR", "EMPTY", "DISCHARGING", "CHARGING", "FULL", "IDLE"];

function stateRank({ online, state }: FleetRow): number {
  if (!online) return stateOrder.length + 1;
  return state === null ? stateOrder.length : stateOrder.indexOf(state);
}

function sortValue(row: FleetRow, key: SortKey): string | number | null {
  switch (key) {
    case "device":
      return row.name || row.id;
    case "place":
      return placeOf(row.properties) || null;
    case "state":
      return stateRank(row);
    case "mode":
      return row.mode;
    case "soc":
      return row.points["battery.soc"] ?? null;
    case "solar":
      return presentPower(row, "solar.power");
    case "load":
      return presentPower(row, "load.power");
    case "battery":
      return presentPower(row, "battery.power");
    case "grid":
      return presentPower(row, "grid.power");
    case "age":
      // Youngest first, so the newest instant is the smallest.
      return row.observed_at_ms === null ? null : -row.observed_at_ms;
  }
}

/** A sorted copy. Rows without a value come last in either direction; equal ones stand in the order of their ids. */
export function sortFleet(rows: readonly FleetRow[], { key, descending }: Sort): FleetRow[] {
  const keyed = rows.map((row) => ({ row, value: sortValue(row, key) }));
  keyed.sort((left, right) => {
    if (left.value === null || right.value === null) {
      if (left.value !== right.value) return left.value === null ? 1 : -1;
    } else {
      const order =
        typeof left.value === "number" && typeof right.value === "number"
          ? left.value - right.value
          : collator.compare(String(left.value), String(right.value));
      if (order !== 0) return descending ? -order : order;
    }
    return collator.compare(left.row.id, right.row.id);
  });
  return keyed.map(({ row }) => row);
}
