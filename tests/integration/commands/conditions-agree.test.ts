import type { FleetFrame, FleetPreviewBody, FleetRow } from "@wattboard/protocol";
import { parseCondition, paths } from "@wattboard/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { callerOf } from "../../support/commands.ts";
import { eventually, inTime } from "../../support/eventually.ts";
import { openDevice, openSocket } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

interface FleetFilterModule {
  filterFleet(
    rows: readonly FleetRow[],
    filter: { text: string; part: "all"; conditions: readonly unknown[] },
    nowMs: number,
  ): readonly FleetRow[];
}

/** The table's own filter, as the page runs it. */
const tablePath = "../../../packages/dashboard/src/pages/fleet/fleet-filter.ts";

const deviceCount = 500;
const conditionCount = 200;
const words = ["SE", "se", "AT", "", "v8.6", "v9", "0744", "12", "12.5", "IDLE", "ERROR", "auto", "true", "villa"];
const fields = [
  "id",
  "name",
  "state",
  "mode",
  "error_flags",
  "clock",
  "battery.soc",
  "solar.power",
  "custom.level",
  "never.sent",
  "properties.country",
  "properties.version",
  "properties.missing",
];

const conditionText = fc
  .record({
    field: fc.constantFrom(...fields),
    operator: fc.constantFrom("=", "==", "!=", "~", "^", "<", "<=", ">", ">="),
    value: fc.oneof(fc.constantFrom(...words), fc.integer({ min: 0, max: 60 }).map(String)),
  })
  .map(({ field, operator, value }) => `${field} ${operator} "${value}"`);

// The same words reach the same devices: 200 random conditions over 500 devices, once as a filter of the table over the rows that the fleet
// stream tells, once as --where of a fleet command.
test("a filter of the table and --where with the same words reach the same devices", {
  timeout: inTime(60_000),
}, async () => {
  const { filterFleet } = (await import(tablePath)) as FleetFilterModule;
  // No device sends again: what it said must count for as long as this takes.
  const server = await startServer({ settings: { "limits.sockets_per_address": "2000" } });
  const ids = Array.from({ length: deviceCount }, (_, at) => `ems_${at}`);
  const admin = callerOf(server, "admin");
  const tokens = ids.map((deviceId, at) => {
    const added = server.devices.add({
      deviceId,
      name: at % 3 === 0 ? `Villa ${at}` : deviceId,
      // A SolMate is idle for an hour, so its values stay current.
      properties: { country: ["SE", "AT", "de"][at % 3] ?? "", version: `v${at % 12}.6`, dialect: "smart-os" },
    });
    return "code" in added ? "" : added.token;
  });
  for (const at of ids.keys()) {
    if (at % 4 === 3) continue;
    const deviceId = `ems_${at}`;
    const device = await openDevice(server.wsUrl, deviceId, tokens[at] ?? "");
    device.send(
      sampleOf(deviceId, {
        system_status: {
          state: at % 5 === 0 ? "ERROR" : "IDLE",
          mode: "AUTO",
          error_flags: at % 5 === 0 ? ["FAN"] : [],
        },
        battery: { soc: at % 60 },
        ...(at % 2 === 0 && { solar: { power: at } }),
        custom: { level: String(at % 20) },
      }),
    );
  }
  const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
  const rows = new Map<string, FleetRow>();
  let nowMs = 0;
  await eventually(() => {
    for (const text of fleet.received) {
      const frame = JSON.parse(text) as FleetFrame;
      nowMs = frame.server_time_ms;
      if (frame.type !== "removed") for (const row of frame.devices) rows.set(row.id, row);
    }
    expect([...rows.values()].filter(({ received_at_ms }) => received_at_ms !== null)).toHaveLength(375);
  });
  let reached = 0;
  for (const text of fc.sample(conditionText, conditionCount)) {
    const condition = parseCondition(text);
    const inTable = filterFleet([...rows.values()], { text: "", part: "all", conditions: [condition] }, nowMs);
    const response = await fetch(`${server.url}${paths.api}/fleet-commands`, {
      method: "POST",
      headers: { authorization: `Bearer ${admin.token}`, "content-type": "application/json" },
      body: JSON.stringify({ action: "RESET_ERROR", payload: {}, where: [text], dry_run: true }),
    });
    const preview = (await response.json()) as FleetPreviewBody;
    const byWhere = [...preview.device_ids, ...preview.misfits.map(({ device_id }) => device_id)].sort();
    expect([text, byWhere]).toEqual([text, inTable.map(({ id }) => id).sort()]);
    reached += byWhere.length;
  }
  expect(reached).toBeGreaterThan(conditionCount);
});
