import type { FleetRow } from "@wattboard/protocol";

/** A device that has not sent anything yet. */
export function fleetRow(id: string, seen: Partial<FleetRow> = {}): FleetRow {
  return {
    id,
    name: id,
    online: false,
    properties: {},
    observed_at_ms: null,
    received_at_ms: null,
    clock: "device",
    state: null,
    mode: null,
    error_flags: [],
    points: {},
    others: {},
    ...seen,
  };
}
