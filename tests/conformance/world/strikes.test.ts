/** Wrong samples that were stored before anybody knew better are struck out, by the API and the command line, and that can be undone. */
import { expect, test } from "vitest";
import { storedSamples } from "../../support/api.ts";
import { callerOf } from "../../support/commands.ts";
import { eventually } from "../../support/eventually.ts";
import { openDevice } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";

test("a strike takes wrong samples out of the past, is audited, and can be undone", async () => {
  const server = await startServer();
  const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  const startMs = Date.now() - 10_000;
  const at = (second: number) => new Date(startMs + second * 1_000).toISOString();
  for (let second = 0; second < 5; second++) {
    device.send({ device_id: "ems_001", timestamp: at(second), grid: { power: second === 2 ? 900_000 : 500 } });
  }
  const powers = async () => (await storedSamples(server, "ems_001")).map(({ telemetry }) => telemetry.grid?.power);
  await eventually(async () => expect(await powers()).toEqual([500, 500, 900_000, 500, 500]));

  const admin = callerOf(server, "admin");
  const order = { from: at(2), to: at(3), points: ["grid.power"] };
  const { status, body } = await admin.post<{ strike: number }>("/devices/ems_001/strikes", order);
  expect([status, body]).toEqual([201, expect.objectContaining({ ...order, device_id: "ems_001", by: "token admin" })]);
  expect(await powers()).toEqual([500, 500, null, 500, 500]);
  expect(await admin.get("/devices/ems_001/strikes")).toEqual({ strikes: [body] });

  const undone = await fetch(`${server.url}/api/v1/devices/ems_001/strikes/${body.strike}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${admin.token}` },
  });
  expect([undone.status, await undone.json()]).toEqual([200, body]);
  expect(await powers()).toEqual([500, 500, 900_000, 500, 500]);
  const { audit } = await admin.get<{ audit: { action: string; outcome: string }[] }>("/audit?device=ems_001");
  expect(audit.map(({ action, outcome }) => [action, outcome])).toEqual([
    ["history.unstrike", "done"],
    ["history.strike", "done"],
  ]);
});

test.each([
  ["a range that ends before it begins", { from: "2026-01-31T12:00:00Z", to: "2026-01-31T11:00:00Z" }, 400],
  ["a time that is none", { from: "soon", to: "2026-01-31T11:00:00Z" }, 400],
  [
    "a point that the device does not have",
    { from: "2026-01-31T11:00:00Z", to: "2026-01-31T12:00:00Z", points: ["x.y"] },
    400,
  ],
  ["more than a month", { from: "2026-01-01T00:00:00Z", to: "2026-02-28T00:00:00Z" }, 400],
])("%s is refused", async (_, order, status) => {
  const server = await startServer();
  server.addDevice("ems_001");
  expect((await callerOf(server, "admin").post("/devices/ems_001/strikes", order)).status).toBe(status);
});
