import type { FleetRow } from "@wattboard/protocol";
import { filterFleet } from "./fleet-filter.ts";
import { sortFleet } from "./fleet-order.ts";
import type { FleetView } from "./fleet-view.ts";

/**
 * The ids of the devices that a view shows, in its order. `before` is any earlier answer: what was in order half a second ago nearly is, and costs
 * little to sort.
 */
export function arrangeFleet(
  rowsById: ReadonlyMap<string, FleetRow>,
  view: Pick<FleetView, "text" | "part" | "conditions" | "sorts">,
  nowMs: number,
  before: readonly string[] = [],
): readonly string[] {
  const found = filterFleet(inOrderOf(before, rowsById), view, nowMs);
  return sortFleet(found, view.sorts, nowMs).map(({ id }) => id);
}

/** All rows, those of `ids` first and in their order. */
function inOrderOf(ids: readonly string[], rowsById: ReadonlyMap<string, FleetRow>): FleetRow[] {
  const left = new Map(rowsById);
  const rows: FleetRow[] = [];
  for (const id of ids) {
    const row = left.get(id);
    if (row === undefined) continue;
    rows.push(row);
    left.delete(id);
  }
  for (const row of left.values()) rows.push(row);
  return rows;
}
