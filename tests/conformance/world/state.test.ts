/** Devices that send their sections in messages of their own: the state is the newest value of each point, with its own age. */

import { readFileSync } from "node:fs";
import type { FleetFrame, FleetRow } from "@wattboard/protocol";
import { fleetTest, parseConditions } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { deviceDetail } from "../../support/api.ts";
import { callerOf } from "../../support/commands.ts";
import { eventually } from "../../support/eventually.ts";
import { openWebClient } from "../../support/smart-os.ts";
import { openDevice, openSocket } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";

test("a11: three messages a second, a section each, are one state: in latest, fleet row, filters and the dataset", async () => {
  const startMs = Date.UTC(2026, 5, 10, 12);
  const clock = new ManualClock(startMs);
  const server = await startServer({ clock, settings: { "heartbeat.ping_ms": "86400000", "smart_os.access": "open" } });
  const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  device.send({ device_id: "ems_001", timestamp: new Date(startMs).toISOString(), system_status: { state: "ERROR" } });
  const lines = readFileSync(new URL("a11-three-messages-of-one-second.ndjson", import.meta.url), "utf8")
    .trim()
    .split("\n");
  for (const [at, line] of lines.entries()) {
    const { observed_at, points } = JSON.parse(line) as { observed_at: string; points: Record<string, number> };
    clock.advance(Math.max(0, Date.parse(observed_at) - clock.wallMs()));
    const [[name = "", value] = []] = Object.entries(points);
    const [section = "", field = ""] = name.split(".");
    device.send({ device_id: "ems_001", timestamp: observed_at, [section]: { [field]: value } });
    await eventually(async () => expect((await deviceDetail(server, "ems_001")).accepted).toBe(at + 2));
  }
  const { latest } = await deviceDetail(server, "ems_001");
  expect(latest?.telemetry).toMatchObject({
    system_status: { state: "ERROR" },
    grid: { power: 600 },
    solar: { power: 300 },
    battery: { power: 0 },
  });
  expect(latest?.older_points?.["system_status.state"]?.observed_at).toBe(new Date(startMs).toISOString());
  expect(latest?.older_points?.["grid.power"]?.observed_at).toBe("2026-06-10T12:00:09.000Z");
  const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
  const [frame = ""] = await fleet.receive(1);
  const [row] = (JSON.parse(frame) as FleetFrame & { devices: FleetRow[] }).devices;
  expect(row).toMatchObject({ state: "ERROR", points: { "grid.power": 600, "solar.power": 300, "battery.power": 0 } });
  const meets = (where: string, nowMs: number) => {
    const conditions = parseConditions([where]);
    return "code" in conditions || row === undefined ? null : fleetTest(conditions)(row, nowMs);
  };
  expect(meets("state = ERROR", clock.wallMs())).toBe("meets");
  expect(meets("grid.power > 500", clock.wallMs())).toBe("meets");
  // Each value has an age of its own: the state was said 9 s before the rest.
  expect(meets("state = ERROR", startMs + 31_000)).toBe("unknown");
  expect(meets("grid.power > 500", startMs + 31_000)).toBe("meets");
  const { dataset } = await openWebClient(server.wsUrl);
  expect(dataset).toMatchObject([{ power_income: 300, "grid.power": 600 }]);
});

test("a SET_MODE is confirmed by sections that come in messages of their own, and not by what was said before", async () => {
  const server = await startServer();
  const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  const caller = callerOf(server, "operator");
  const say = (sections: object) =>
    device.send({ device_id: "ems_001", timestamp: new Date().toISOString(), ...sections });
  say({ system_status: { mode: "MANUAL", state: "DISCHARGING" } });
  say({ battery: { power: -500 } });
  await eventually(async () => expect((await deviceDetail(server, "ems_001")).accepted).toBe(2));
  const { command_id } = await caller.give("ems_001", {
    action: "SET_MODE",
    payload: { target_mode: "MANUAL_DISCHARGE", target_power: 500 },
  });
  await device.receive(1);
  say({ battery: { power: -500 } });
  await eventually(async () => expect((await deviceDetail(server, "ems_001")).accepted).toBe(3));
  expect((await caller.show("ems_001", command_id)).status).toBe("sent");
  say({ system_status: { mode: "MANUAL", state: "DISCHARGING" } });
  await eventually(async () => expect((await caller.show("ems_001", command_id)).status).toBe("applied"));
});
