import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileJournal, systemClock } from "@wattboard/device";
import { Plant, planFleet } from "@wattboard/simulator";
import { expect, onTestFinished, test } from "vitest";

/**
 * Method: the messages of a simulated device with all its sections, one a second, each written by itself as at 1 Hz, until a segment of the journal is full:
 * how many fit in it tells what a day takes.
 */
test("a day of a simulated device at 1 Hz takes less than 25 MB of its journal", async () => {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "wattboard-journal-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const startMs = Date.UTC(2026, 5, 1, 6);
  const [device] = planFleet({ devices: 1, seed: 1 });
  if (device === undefined) throw new Error("There is no device.");
  const plant = new Plant(device, { seed: 1, startMs });
  const context = { deviceId: device.deviceId, clock: systemClock, tell: () => {}, dropped: () => {} };
  const journal = fileJournal(folder)(context);
  onTestFinished(() => journal.close());
  const segments = () => readdirSync(folder).filter((name) => name.endsWith(".journal"));
  for (let second = 1; segments().length < 2; second++) {
    const timeMs = startMs + 1_000 * second;
    plant.advanceTo(timeMs);
    const message = { device_id: device.deviceId, timestamp: new Date(timeMs).toISOString(), ...plant.telemetry() };
    journal.append(JSON.stringify(message));
    await journal.flush();
  }
  const [first = "", next = ""] = segments().sort();
  const perSample = statSync(join(folder, first)).size / (Number(next.slice(0, 10)) - 1);
  expect(perSample * 86_400).toBeLessThan(25_000_000);
});
