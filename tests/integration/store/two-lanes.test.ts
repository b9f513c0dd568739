import { ManualClock } from "@wattboard/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { deviceDetail, events, metric, readiness, samplesCounted, storedSamples } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { openDashboard, openDevice, type TestSocket, tryOpenSocket } from "../../support/sockets.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const fast = { "limits.messages_burst": "1000000" };

const powersOf = (frames: readonly string[]): number[] => frames.map((frame) => JSON.parse(frame).solar.power);
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

async function openScene(
  options: Parameters<typeof startServer>[0] = {},
): Promise<{ server: TestServer; device: TestSocket; dashboard: TestSocket; token: string }> {
  const server = await startServer({ ...options, settings: { ...fast, ...options.settings } });
  const token = server.addDevice("ems_001");
  const device = await openDevice(server.wsUrl, "ems_001", token);
  return { server, device, dashboard: await openDashboard(server.wsUrl, "ems_001"), token };
}

function sendNumbered(device: TestSocket, from: number, to: number, ballast = ""): void {
  for (const power of range(from, to)) {
    device.send(sampleOf("ems_001", { solar: { power }, ...(ballast !== "" && { site: ballastFields(ballast) }) }));
  }
}

/** Some kilobytes in fields that are allowed, so that a queue is full soon. */
function ballastFields(text: string): Record<string, string> {
  return Object.fromEntries(range(1, 50).map((at) => [`note_${at}`, text]));
}

async function expectStored(server: TestServer, numbers: number[]): Promise<void> {
  await eventually(async () => {
    const stored = await storedSamples(server, "ems_001", "limit=10000");
    expect(stored.map(({ telemetry }) => telemetry.solar?.power)).toEqual(numbers);
  });
}

describe("a store that stands still", () => {
  test("leaves live delivery as it was: all samples are shown meanwhile, and all are stored afterwards", async () => {
    const { server, device, dashboard } = await openScene();
    sendNumbered(device, 1, 10);
    await expectStored(server, range(1, 10));

    const release = server.store.stall();
    sendNumbered(device, 11, 1_000);
    expect(powersOf(await dashboard.receive(1_000))).toEqual(range(1, 1_000));
    // Nothing was stored while all was shown.
    expect(await metric(server, "wattboard_stored_samples_total")).toBe(10);
    expect(await metric(server, "wattboard_store_queue_bytes")).toBeGreaterThan(0);
    expect((await deviceDetail(server, "ems_001")).latest?.telemetry.solar?.power).toBe(1_000);
    const late = await openDashboard(server.wsUrl, "ems_001");
    expect(powersOf(await late.receive(1))).toEqual([1_000]);

    release();
    await expectStored(server, range(1, 1_000));
    await eventually(async () => expect(await metric(server, "wattboard_store_queue_bytes")).toBe(0));
    expect(await samplesCounted(server, "unstored")).toBe(0);
  });

  test("for ten seconds of the server's time changes nothing about that", async () => {
    const clock = new ManualClock(Date.now());
    const { server, device, dashboard } = await openScene({ clock });
    const release = server.store.stall();
    for (let second = 0; second < 10; second++) {
      const first = second * 20 + 1;
      for (const power of range(first, first + 19)) {
        device.send(sampleOf("ems_001", { timestamp: new Date(clock.wallMs()).toISOString(), solar: { power } }));
      }
      expect(powersOf(await dashboard.receive(first + 19))).toEqual(range(1, first + 19));
      clock.advance(1_000);
    }
    expect(await metric(server, "wattboard_stored_samples_total")).toBe(0);
    // It says so after five seconds, and not later than the first that it answers.
    expect(await readiness(server)).toEqual({ status: "degraded", store: "the store does not answer" });
    release();
    await eventually(async () => {
      // A flush takes its turn behind the one before.
      clock.advance(10);
      expect(await metric(server, "wattboard_stored_samples_total")).toBe(200);
    });
    await expectStored(server, range(1, 200));
  });

  test("past the bound of its queue: live goes on, what is not stored is counted, an event says so, and /readyz is degraded", async () => {
    const { server, device, dashboard } = await openScene({ settings: { "store.queue_bytes": String(1024 * 1024) } });
    const ballast = "x".repeat(200);
    const release = server.store.stall();
    sendNumbered(device, 1, 200, ballast);
    const shown = powersOf(await dashboard.receive(200));
    expect(shown).toEqual(range(1, 200));
    const unstored = await samplesCounted(server, "unstored");
    expect(unstored).toBeGreaterThan(50);
    expect(unstored).toBeLessThan(150);
    // They were good: accepted, and not held against the device.
    expect(await samplesCounted(server, "accepted")).toBe(200);
    expect(await metric(server, "wattboard_store_queue_bytes")).toBeLessThanOrEqual(1024 * 1024);
    expect(await readiness(server)).toMatchObject({ status: "degraded" });
    expect((await events(server)).map(({ kind }) => kind)).toEqual(["samples_unstored"]);

    release();
    // Exactly those that were not counted as unstored are there: the first ones.
    await expectStored(server, range(1, 200 - unstored));
    await eventually(async () => expect(await readiness(server)).toEqual({ status: "ready", store: "ok" }));
    expect((await events(server)).map(({ kind }) => kind)).toEqual(["store_recovered", "samples_unstored"]);
    sendNumbered(device, 201, 210);
    await expectStored(server, [...range(1, 200 - unstored), ...range(201, 210)]);
  });

  test("is degraded a second time as soon as its queue is full a second time", async () => {
    const { server, device, dashboard } = await openScene({ settings: { "store.queue_bytes": String(1024 * 1024) } });
    const ballast = "x".repeat(200);
    for (const round of [0, 1]) {
      const release = server.store.stall();
      sendNumbered(device, round * 200 + 1, round * 200 + 200, ballast);
      await dashboard.receive(round * 200 + 200);
      expect((await readiness(server)).status).toBe("degraded");
      release();
      await eventually(async () => expect((await readiness(server)).status).toBe("ready"));
    }
  });
});

describe("what is stored", () => {
  test("survives a restart on the same folder: samples, the latest, and the registration", async () => {
    // Nothing is flushed before the stop.
    const { server, device, dashboard, token } = await openScene({ settings: { "store.flush_ms": "3600000" } });
    sendNumbered(device, 1, 50);
    await dashboard.receive(50);
    const before = await deviceDetail(server, "ems_001");
    expect(await metric(server, "wattboard_stored_samples_total")).toBe(0);
    await server.stop();

    const again = await startServer({ dataDir: server.dataDir });
    await expectStored(again, range(1, 50));
    const after = await deviceDetail(again, "ems_001");
    expect(after.latest).toEqual(before.latest);
    expect(after).toMatchObject({ online: false, active: true, connected_at: null });
    const dashboardAfter = await openDashboard(again.wsUrl, "ems_001");
    expect(await dashboardAfter.receive(1)).toEqual([dashboard.received.at(-1)]);
    const deviceAfter = await openDevice(again.wsUrl, "ems_001", token);
    sendNumbered(deviceAfter, 51, 60);
    await expectStored(again, range(1, 60));
  });

  test("gives the newest by measured time as the latest after a restart, not the last that came in", async () => {
    const { server, device, dashboard } = await openScene();
    const nowMs = Date.now();
    for (const [agoMs, power] of [
      [0, 1],
      [60_000, 2],
      [120_000, 3],
    ] as const) {
      device.send(sampleOf("ems_001", { timestamp: new Date(nowMs - agoMs).toISOString(), solar: { power } }));
    }
    await dashboard.receive(3);
    await server.stop();
    const again = await startServer({ dataDir: server.dataDir });
    expect((await deviceDetail(again, "ems_001")).latest?.telemetry.solar?.power).toBe(1);
  });

  test("is kept through several restarts, and a device that is removed is not shown again", async () => {
    let { server, device, dashboard } = await openScene();
    const other = await openDevice(server.wsUrl, "ems_002", server.addDevice("ems_002"));
    other.send(sampleOf("ems_002"));
    sendNumbered(device, 1, 5);
    await dashboard.receive(5);
    await eventually(async () => expect(await storedSamples(server, "ems_002")).toHaveLength(1));
    server.devices.remove("ems_002");
    for (let restarts = 0; restarts < 3; restarts++) {
      await server.stop();
      server = await startServer({ dataDir: server.dataDir });
      expect((await deviceDetail(server, "ems_001")).latest?.telemetry.solar?.power).toBe(5);
      expect((await fetch(`${server.url}/api/v1/devices/ems_002`)).status).toBe(404);
      expect(await tryOpenSocket(`${server.wsUrl}/ws/dashboard/ems_002`)).toMatchObject({ status: 404 });
    }
    await expectStored(server, range(1, 5));
  });

  test("is asked for by device, time range and limit: oldest first, and the newest of them where they are too many", async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 31, 12));
    const { server, device, dashboard } = await openScene({ clock });
    for (const second of range(0, 9)) {
      device.send(sampleOf("ems_001", { timestamp: new Date(clock.wallMs()).toISOString(), solar: { power: second } }));
      await dashboard.receive(second + 1);
      clock.advance(1_000);
    }
    await eventually(async () => {
      clock.advance(10);
      expect(await storedSamples(server, "ems_001")).toHaveLength(10);
    });
    const asked = async (query: string): Promise<(number | null | undefined)[]> =>
      (await storedSamples(server, "ems_001", query)).map(({ telemetry }) => telemetry.solar?.power);
    expect(await asked("from=2026-01-31T12:00:03Z&to=2026-01-31T12:00:06Z")).toEqual([3, 4, 5]);
    expect(await asked("from=2026-01-31T12:00:03Z&to=2026-01-31T12:00:03Z")).toEqual([]);
    expect(await asked("limit=2")).toEqual([8, 9]);
    expect(await asked("from=2026-01-31T17:30:08%2B05:30")).toEqual([8, 9]);
    for (const wrong of ["from=yesterday", "limit=0", "from=2026-01-31T12:00:06Z&to=2026-01-31T12:00:03Z"]) {
      expect((await fetch(`${server.url}/api/v1/devices/ems_001/samples?${wrong}`)).status).toBe(400);
    }
    expect((await fetch(`${server.url}/api/v1/devices/nobody/samples`)).status).toBe(404);
  });
});

test("a stop ends in its time though the store does not answer any more", async () => {
  const clock = new ManualClock(Date.now());
  const server = await startServer({ clock });
  const release = server.store.stall();
  onTestFinished(release);
  await server.stop();
  await expect(fetch(`${server.url}/livez`)).rejects.toThrow();
});
