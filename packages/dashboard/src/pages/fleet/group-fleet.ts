import type { FleetRow } from "@wattboard/protocol";
import { locale } from "../../ui/locale.ts";
import { type FleetField, fleetField } from "./fleet-field.ts";
import { type FleetTotals, fleetTotals } from "./fleet-totals.ts";

/** Devices that say the same in the field by which they are grouped. */
export interface FleetGroup {
  /** Null: they say nothing. */
  readonly value: string | null;
  readonly ids: readonly string[];
}

/** What stands above the first device of a group on a page of the list. */
export interface GroupHeading {
  readonly field: string;
  readonly value: string | null;
  readonly totals: FleetTotals;
  /** Whether the group begins on a page before. */
  readonly isContinued: boolean;
}

const collator = new Intl.Collator(locale, { numeric: true, sensitivity: "base" });

/** The devices by groups, these in the order of their values and those that say nothing last; within a group they keep their order. */
export function groupFleet(
  ids: readonly string[],
  rowsById: ReadonlyMap<string, FleetRow>,
  field: string,
  nowMs: number,
): readonly FleetGroup[] {
  const { read } = fleetField(field);
  const groups = new Map<string | null, string[]>();
  for (const id of ids) {
    const row = rowsById.get(id);
    const value = row === undefined ? null : read(row, nowMs);
    const key = value === null || value === "" ? null : String(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [id]);
    else group.push(id);
  }
  return [...groups]
    .sort(([one], [other]) => compareValues(one, other))
    .map(([value, grouped]) => ({ value, ids: grouped }));
}

function compareValues(one: string | null, other: string | null): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  return collator.compare(one, other) || (one < other ? -1 : 1);
}

/** The headings of the rows `from` to before `to`, by the id of the row that each stands above. */
export function headingsOf(
  groups: readonly FleetGroup[],
  field: string,
  rowsById: ReadonlyMap<string, FleetRow>,
  [from, to]: readonly [from: number, to: number],
  nowMs: number,
): ReadonlyMap<string, GroupHeading> {
  const headings = new Map<string, GroupHeading>();
  let begin = 0;
  for (const { value, ids } of groups) {
    const end = begin + ids.length;
    const first = ids[Math.max(0, from - begin)];
    if (end > from && begin < to && first !== undefined) {
      const rows = ids.flatMap((id) => rowsById.get(id) ?? []);
      headings.set(first, { field, value, totals: fleetTotals(rows, nowMs), isContinued: begin < from });
    }
    begin = end;
  }
  return headings;
}

/** Whether devices can be grouped by it: what somebody has said of them, and how they are. What is measured differs from one to the next. */
export function isGroupField({ name, group, kind }: FleetField): boolean {
  if (group === "Properties") return kind === "text";
  return name === "online" || name === "state" || name === "mode" || name === "error_flags";
}
