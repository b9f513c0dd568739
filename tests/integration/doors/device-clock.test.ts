import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { deviceDetail, storedSamples } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { openDashboard, openDevice, type TestSocket } from "../../support/sockets.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const startMs = Date.UTC(2026, 0, 31, 12);

interface Scene {
  readonly server: TestServer;
  readonly clock: ManualClock;
  readonly device: TestSocket;
  readonly dashboard: TestSocket;
  /** Sends a sample with this device time and this solar power, and waits until a dashboard has it. */
  send(deviceTime: string | number, power: number): Promise<void>;
  /** The solar power that is shown as the latest. */
  latestPower(): Promise<number | null | undefined>;
  stored(count: number): ReturnType<typeof storedSamples>;
}

async function openScene(): Promise<Scene> {
  const clock = new ManualClock(startMs);
  const server = await startServer({ clock, settings: { "heartbeat.ping_ms": "86400000" } });
  const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  const dashboard = await openDashboard(server.wsUrl, "ems_001");
  let sent = 0;
  return {
    server,
    clock,
    device,
    dashboard,
    async send(deviceTime, power) {
      const timestamp = typeof deviceTime === "string" ? deviceTime : new Date(deviceTime).toISOString();
      device.send(sampleOf("ems_001", { timestamp, solar: { power } }));
      await dashboard.receive(++sent);
    },
    latestPower: async () => (await deviceDetail(server, "ems_001")).latest?.telemetry.solar?.power,
    async stored(count) {
      return await eventually(async () => {
        // A flush takes its turn behind the one before.
        clock.advance(10);
        const samples = await storedSamples(server, "ems_001");
        expect(samples).toHaveLength(count);
        return samples;
      });
    },
  };
}

describe("a clock that can be believed", () => {
  test.each([
    ["right", 0],
    ["two seconds slow", -2_000],
    ["five minutes slow, or late: which of the two is not known yet", -300_000],
  ])("%s: the sample is filed under the device's time", async (_, offMs) => {
    const { send, server } = await openScene();
    await send(startMs + offMs, 1);
    expect((await deviceDetail(server, "ems_001")).latest).toMatchObject({
      observed_at: new Date(startMs + offMs).toISOString(),
      received_at: new Date(startMs).toISOString(),
      clock: "device",
    });
  });

  test("offsets from UTC are understood", async () => {
    const { send, server } = await openScene();
    await send("2026-01-31T17:29:59.750+05:30", 1);
    expect((await deviceDetail(server, "ems_001")).latest?.observed_at).toBe("2026-01-31T11:59:59.750Z");
  });
});

describe("a clock that cannot be believed", () => {
  test.each([
    ["of 1970", "1970-01-01T00:00:00Z"],
    ["of 2099", "2099-12-31T23:59:59Z"],
    ["of the year 0", "0000-01-01T00:00:00Z"],
    ["of the year 9999", "9999-12-31T23:59:59Z"],
    ["more than a month slow", "2025-12-30T12:00:00Z"],
    ["three seconds fast", "2026-01-31T12:00:03Z"],
    ["five minutes fast", "2026-01-31T12:05:00Z"],
  ])("%s: the sample is filed under the time of receipt, marked, shown and kept", async (_, timestamp) => {
    const { send, server, stored } = await openScene();
    await send(timestamp, 7);
    const expected = {
      observed_at: new Date(startMs).toISOString(),
      received_at: new Date(startMs).toISOString(),
      clock: "server",
    };
    expect((await deviceDetail(server, "ems_001")).latest).toMatchObject(expected);
    const samples = await stored(1);
    expect(samples[0]).toMatchObject(expected);
    // What the device said is not lost.
    expect(Date.parse(samples[0]?.telemetry.timestamp ?? "")).toBe(Date.parse(timestamp));
  });

  test("a clock of 2099 does not hold back what comes later with a right one", async () => {
    const { send, clock, latestPower } = await openScene();
    await send("2099-01-01T00:00:00Z", 1);
    clock.advance(1_000);
    await send(startMs + 1_000, 2);
    expect(await latestPower()).toBe(2);
  });

  test("a clock of 1970 counts as of its receipt, before and after right ones", async () => {
    const { send, clock, latestPower } = await openScene();
    await send(startMs, 1);
    clock.advance(1_000);
    await send("1970-01-01T00:00:00Z", 2);
    await send(startMs, 0);
    expect(await latestPower()).toBe(2);
    clock.advance(1_000);
    await send(startMs + 2_000, 3);
    expect(await latestPower()).toBe(3);
  });
});

describe("a clock that stands still", () => {
  test("is not believed any longer after two seconds, and believed again as soon as it moves", async () => {
    const { send, clock, stored, latestPower } = await openScene();
    for (let second = 0; second < 5; second++) {
      await send(startMs, second);
      clock.advance(1_000);
    }
    expect(await latestPower()).toBe(4);
    await send(startMs + 5_000, 5);
    const samples = await stored(6);
    expect(samples.map(({ clock: whose, observed_at }) => [whose, Date.parse(observed_at) - startMs])).toEqual([
      ["device", 0],
      ["device", 0],
      ["device", 0],
      ["server", 3_000],
      ["server", 4_000],
      ["device", 5_000],
    ]);
    expect(samples.map(({ telemetry }) => telemetry.solar?.power)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("long ago, as in the seeds' own sample, files every sample under its receipt", async () => {
    const { send, clock, stored } = await openScene();
    for (let second = 0; second < 4; second++) {
      await send("2025-02-03T12:00:00Z", second);
      clock.advance(1_000);
    }
    const samples = await stored(4);
    expect(samples.map(({ observed_at }) => Date.parse(observed_at) - startMs)).toEqual([0, 1_000, 2_000, 3_000]);
    expect(new Set(samples.map(({ clock: whose }) => whose))).toEqual(new Set(["server"]));
  });

  test("may stand still for two samples in a hurry: a device that sends faster than its clock ticks is believed", async () => {
    const { send, clock, stored } = await openScene();
    for (let sample = 0; sample < 30; sample++) {
      await send(startMs + Math.floor(sample / 10) * 1_000, sample);
      clock.advance(100);
    }
    const samples = await stored(30);
    expect(new Set(samples.map(({ clock: whose }) => whose))).toEqual(new Set(["device"]));
    expect(samples.map(({ telemetry }) => telemetry.solar?.power)).toEqual([...samples.keys()]);
  });
});

describe("samples that come late", () => {
  test("never become the latest, but are stored in their place", async () => {
    const { send, server, stored, latestPower } = await openScene();
    await send(startMs, 10);
    await send(startMs - 60_000, 9);
    await send(startMs - 120_000, 8);
    expect(await latestPower()).toBe(10);
    // A dashboard that comes now gets the newest, not the last that came in.
    const late = await openDashboard(server.wsUrl, "ems_001");
    expect(JSON.parse((await late.receive(1))[0] ?? "").solar.power).toBe(10);
    const samples = await stored(3);
    expect(samples.map(({ telemetry }) => telemetry.solar?.power)).toEqual([8, 9, 10]);
  });
});
