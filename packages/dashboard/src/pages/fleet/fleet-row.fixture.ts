import type { FleetRow } from "@wattboard/protocol";

/** A row for tests: an online device that said nothing worth noting a moment ago. */
export function onlineRow(given: Partial<FleetRow> & { id: string }): FleetRow {
  return {
    name: given.id,
    online: true,
    properties: {},
    observed_at_ms: 1_000,
    received_at_ms: 1_000,
    clock: "device",
    state: "IDLE",
    mode: "AUTO",
    error_flags: [],
    points: {},
    others: {},
    ...given,
  };
}
