import { type FleetFrame, type FleetRow, isRefusal } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { readiness } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { openDevice, openSocket, type TestSocket } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const fast = { "fleet.tick_ms": "100" };

const framesOf = (fleet: TestSocket): FleetFrame[] => fleet.received.map((frame) => JSON.parse(frame) as FleetFrame);

/** The fleet as a page that has read all frames so far shows it. */
function shownBy(fleet: TestSocket): Map<string, FleetRow> {
  const rows = new Map<string, FleetRow>();
  for (const frame of framesOf(fleet)) {
    if (frame.type === "removed") for (const id of frame.device_ids) rows.delete(id);
    else for (const row of frame.devices) rows.set(row.id, row);
  }
  return rows;
}

describe("the fleet stream", () => {
  test("begins with all devices, those that never sent included", async () => {
    const server = await startServer({ settings: fast });
    server.devices.add({ deviceId: "ems_001", name: "Uppsala", properties: { country: "SE" } });
    server.addDevice("ems_002");
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
    await fleet.receive(1);
    const [first] = framesOf(fleet);
    expect(first).toMatchObject({ type: "fleet", more: false });
    expect(shownBy(fleet).get("ems_001")).toEqual({
      id: "ems_001",
      name: "Uppsala",
      online: false,
      properties: { country: "SE" },
      observed_at_ms: null,
      received_at_ms: null,
      clock: "device",
      state: null,
      mode: null,
      error_flags: [],
      points: {},
      others: {},
    });
    expect([...shownBy(fleet).keys()].toSorted()).toEqual(["ems_001", "ems_002"]);
  });

  test("of an empty fleet begins with an empty frame, so that a page knows that there is nothing", async () => {
    const server = await startServer({ settings: fast });
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
    await fleet.receive(1);
    expect(framesOf(fleet)[0]).toMatchObject({ type: "fleet", more: false, total: 0, devices: [] });
  });

  test("of 1,200 devices comes in parts of at most 500, and is whole", async () => {
    const server = await startServer({ settings: fast });
    for (let number = 0; number < 1_200; number++) server.addDevice(`ems_${number}`);
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
    await eventually(() => expect(shownBy(fleet).size).toBe(1_200));
    const parts = framesOf(fleet).filter((frame) => frame.type === "fleet");
    for (const [at, { devices, more, total }] of parts.entries()) {
      expect(total).toBe(1_200);
      expect(devices.length).toBeLessThanOrEqual(500);
      expect(more).toBe(at < parts.length - 1);
    }
    // Each device once.
    expect(parts.flatMap(({ devices }) => devices)).toHaveLength(1_200);
  });

  test("of devices with as many properties as there may be fits the smallest outbox", async () => {
    const server = await startServer({ settings: { ...fast, "outbox.bytes": String(64 * 1024) } });
    const properties = Object.fromEntries(
      Array.from({ length: 32 }, (_, at) => [`${"p".repeat(60)}_${at}`, "v".repeat(256)]),
    );
    const tokens = Array.from({ length: 40 }, (_, at) => {
      const added = server.devices.add({ deviceId: `ems_${at}`, properties });
      return isRefusal(added) ? "" : added.token;
    });
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
    await eventually(() => expect(shownBy(fleet).size).toBe(40));
    await Promise.all(tokens.map((token, at) => openDevice(server.wsUrl, `ems_${at}`, token)));
    await eventually(() => expect([...shownBy(fleet).values()].filter(({ online }) => online)).toHaveLength(40));
    expect(fleet.webSocket.readyState).toBe(fleet.webSocket.OPEN);
  });

  test("tells who comes, sends and goes", async () => {
    const server = await startServer({ settings: fast });
    const token = server.addDevice("ems_001");
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
    const row = () => shownBy(fleet).get("ems_001");
    const device = await openDevice(server.wsUrl, "ems_001", token);
    await eventually(() => expect(row()?.online).toBe(true));
    const sample = sampleOf("ems_001", { solar: { power: 1_200 }, heater: { power: 7 } });
    device.send(sample);
    await eventually(() =>
      expect(row()).toMatchObject({
        state: "CHARGING",
        mode: "AUTO",
        clock: "device",
        observed_at_ms: Date.parse(sample.timestamp),
        points: { "battery.soc": 85, "battery.power": 558.6, "grid.power": -200, "solar.power": 1_200 },
      }),
    );
    // Every other point is there too, those that nobody has described included, for whoever asks for them.
    expect(row()?.others).toMatchObject({ "heater.power": 7, "grid.voltage": sample.grid?.voltage });
    expect(Object.keys(row()?.points ?? {}).toSorted()).toEqual([
      "battery.power",
      "battery.soc",
      "grid.power",
      "solar.power",
    ]);
    device.webSocket.close();
    await eventually(() => expect(row()?.online).toBe(false));
    // What is known of it stays, with its time.
    expect(row()?.points["battery.soc"]).toBe(85);
  });

  test("sends a device at most once a tick, however fast it sends, and then its newest sample", async () => {
    const clock = new ManualClock(Date.now());
    const server = await startServer({ clock });
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
    await fleet.receive(1);
    for (let power = 1; power <= 100; power++) device.send(sampleOf("ems_001", { solar: { power } }));
    const dashboard = await openSocket(`${server.wsUrl}/ws/dashboard/ems_001`);
    await eventually(() => expect(dashboard.received.at(-1)).toContain('"power":100}'));
    expect(fleet.received).toHaveLength(1);

    clock.advance(500);
    await fleet.receive(2);
    await readiness(server);
    const [, changed] = framesOf(fleet);
    expect(fleet.received).toHaveLength(2);
    expect(changed).toMatchObject({ type: "changed", server_time_ms: clock.wallMs() });
    expect(changed?.type === "changed" && changed.devices.map(({ points }) => points["solar.power"])).toEqual([100]);
  });

  test("ticks when nothing has changed: a page sees that the server is there, and its time", async () => {
    const clock = new ManualClock();
    const server = await startServer({ clock });
    server.addDevice("ems_001");
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
    await fleet.receive(1);
    for (let tick = 2; tick <= 5; tick++) {
      clock.advance(500);
      await fleet.receive(tick);
      expect(framesOf(fleet)[tick - 1]).toEqual({
        type: "changed",
        server_time_ms: clock.wallMs(),
        devices: [],
      });
    }
  });

  test("of many changes sends no more rows a tick than its bound, and the rest in the next ones", async () => {
    const clock = new ManualClock(Date.now());
    const server = await startServer({ clock, settings: { "fleet.rows_per_tick": "10" } });
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
    await fleet.receive(1);
    await Promise.all(
      Array.from({ length: 25 }, (_, at) => openDevice(server.wsUrl, `ems_${at}`, server.addDevice(`ems_${at}`))),
    );
    const sizes: number[] = [];
    for (let tick = 0; tick < 4; tick++) {
      clock.advance(500);
      const frame = JSON.parse((await fleet.receive(tick + 2))[tick + 1] ?? "") as FleetFrame;
      sizes.push(frame.type === "changed" ? frame.devices.length : -1);
    }
    expect(sizes).toEqual([10, 10, 5, 0]);
    expect([...shownBy(fleet).values()].every(({ online }) => online)).toBe(true);
  });

  test("tells of devices that were added and removed through the API", async () => {
    const server = await startServer({ settings: fast });
    const admin = server.apiTokens.add("admin", "admin", null);
    if (isRefusal(admin)) throw new Error(admin.message);
    const headers = { authorization: `Bearer ${admin.token}`, "content-type": "application/json" };
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
    const body = JSON.stringify({ device_id: "ems_009", name: "Pune" });
    expect((await fetch(`${server.url}/api/v1/devices`, { method: "POST", headers, body })).status).toBe(201);
    await eventually(() => expect(shownBy(fleet).get("ems_009")?.name).toBe("Pune"));
    const { authorization } = headers;
    await fetch(`${server.url}/api/v1/devices/ems_009`, { method: "DELETE", headers: { authorization } });
    await eventually(() => expect(shownBy(fleet).size).toBe(0));
  });

  test("is refused where only people may look and the page bears no token", async () => {
    const server = await startServer({ settings: { "access.dashboards": "people" } });
    await expect(openSocket(`${server.wsUrl}/ws/fleet`)).rejects.toThrow("403");
  });
});
