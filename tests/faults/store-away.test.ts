// Aim: while the store takes nothing, live delivery goes on, nothing is acknowledged, memory is bounded, and afterwards nothing is missing or doubled.
// Method: devices of the SDK send twenty samples a second each, far more than the queue to the store may hold. The store first stands still, as a disk
// does that does not answer, then refuses, as a full one does. Dashboards watch meanwhile. Then it is well again, and must get all that it lacks.
import { connectDevice, fileJournal } from "@wattboard/device";
import { expect, onTestFinished, test, vi } from "vitest";
import { metric, storedSamples } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { hurriedClock } from "../support/hurried-clock.ts";
import { rounds } from "../support/long-run.ts";
import { openDashboard } from "../support/sockets.ts";
import { startServer, temporaryFolder } from "../support/start-server.ts";

const queueBytes = 1024 * 1024;
const awayMs = rounds(8_000, 600_000);

test(`a store that stands still and then refuses for ${awayMs / 1_000} s loses nothing`, async () => {
  const server = await startServer({
    settings: {
      "store.queue_bytes": String(queueBytes),
      "store.flush_bytes": String(64 * 1024),
      // A device whose clock is in a hurry takes silence for the end of the link sooner.
      "heartbeat.ping_ms": "1000",
    },
  });
  const startMs = Date.now();
  let sent = 0;
  const ids = Array.from({ length: 12 }, (_, at) => `ems_${at}`);
  const devices = ids.map((deviceId) => {
    const device = connectDevice({
      deviceId,
      token: server.addDevice(deviceId),
      url: server.url,
      journal: fileJournal(temporaryFolder(), { bytesMax: 200_000_000 }),
      clock: hurriedClock(5),
      log: () => {},
    });
    onTestFinished(() => device.stop());
    return device;
  });
  await eventually(() => expect(devices.every(({ status }) => status.state === "online")).toBe(true));
  const dashboard = await openDashboard(server.wsUrl, "ems_0");
  // Some bulk, so that the queue is full soon.
  const own = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`cell_${at}_voltage`, 3.3 + at / 1_000]));
  const timer = setInterval(() => {
    sent++;
    for (const device of devices) device.send({ solar: { power: sent }, own });
  }, 50);
  onTestFinished(() => clearInterval(timer));
  await eventually(() => expect(devices.every(({ counters }) => counters.stored > 5)).toBe(true));

  const release = server.store.stall();
  onTestFinished(release);
  const storedBefore = devices.map(({ counters }) => counters.stored);
  const shownBefore = dashboard.received.length;
  const sentBefore = sent;
  await new Promise((resolve) => setTimeout(resolve, awayMs / 2));
  const refusing = vi.spyOn(server.store, "append").mockRejectedValue(new Error("The disk is full."));
  release();
  await new Promise((resolve) => setTimeout(resolve, awayMs / 2));
  // Live goes on; the last of what was sent may still be on its way.
  expect(dashboard.received.length - shownBefore).toBeGreaterThanOrEqual(sent - sentBefore - 5);
  // The batch that was at the store when it stood still was stored after all; nothing since is acknowledged.
  const ackedSince = devices.map(({ counters }, at) => counters.stored - (storedBefore[at] ?? 0));
  expect(Math.max(...ackedSince)).toBeLessThan((sent - sentBefore) / 2);
  expect(await metric(server, "wattboard_store_queue_bytes")).toBeLessThanOrEqual(queueBytes);
  // It was full, and samples went past it.
  expect(await metric(server, 'wattboard_samples_total{result="unstored"}')).toBeGreaterThan(0);

  refusing.mockRestore();
  clearInterval(timer);
  for (const device of devices) {
    await eventually(() => expect([device.deviceId, device.waiting]).toEqual([device.deviceId, 0]));
    expect(device.counters.lost).toBe(0);
    const from = new Date(startMs - 60_000).toISOString();
    const stored = await storedSamples(server, device.deviceId, `limit=10000&from=${from}`);
    const numbers = stored.map(({ telemetry }) => Number(telemetry.solar?.power));
    expect(numbers).toEqual(Array.from({ length: sent }, (_, at) => at + 1).slice(-numbers.length));
    expect(numbers.length).toBeGreaterThanOrEqual(Math.min(sent, 10_000));
  }
}, 3_600_000);
