import { cpSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { EmbeddedStore, loadConfig, type Store, storeLimits } from "wattboard";
import { systemClock } from "../../packages/server/dist/base/clock.js";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import { eventually } from "../support/eventually.ts";
import { storePast } from "../support/history.ts";
import { temporaryFolder } from "../support/start-server.ts";

const fixture = join(import.meta.dirname, "../fixtures/0.1.0/embedded/store.db");
const limits = storeLimits(loadConfig({ flags: {}, env: {}, file: undefined }).config);
const windowMs = 15 * 60_000;

/** What a store answers about each of the devices over all that it has of them. */
async function answersOf(store: Store, deviceIds: readonly string[], fromMs: number, toMs: number): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const deviceId of deviceIds) {
    const energy = await store.energy({ registration: firstRegistration(deviceId), edgesMs: [fromMs, toMs] });
    const { points: _, ...history } = await store.history({
      registration: firstRegistration(deviceId),
      fromMs,
      toMs,
      bucketMs: windowMs,
      points: [],
    });
    answers.push({ energy, history });
  }
  return answers;
}

test("summaries that 0.1.0 made are made anew in the background, and then say what those of today do", async () => {
  const folder = temporaryFolder();
  cpSync(fixture, join(folder, "store.db"));
  const told: { done: number; total: number }[] = [];
  const store = await EmbeddedStore.open(
    folder,
    limits,
    () => {},
    systemClock,
    (renewal) => told.push(renewal),
  );
  await eventually(async () => expect((await store.info()).renewedShare).toBe(1));
  expect(told.at(-1)?.done).toBe(told.at(-1)?.total);
  expect(told.at(-1)?.total).toBeGreaterThan(0);
  expect((await store.verify(() => {})).faults).toEqual([]);

  const info = await store.info();
  const fromMs = Math.floor((info.fromMs ?? 0) / windowMs) * windowMs;
  const toMs = Math.ceil(((info.toMs ?? 0) + 1) / windowMs) * windowMs;
  const database = new DatabaseSync(join(folder, "store.db"), { readOnly: true });
  const deviceIds = database
    .prepare("SELECT device_id FROM device")
    .all()
    .map((row) => String(row.device_id));
  database.close();
  const fresh = await EmbeddedStore.open(temporaryFolder(), limits);
  for (const deviceId of deviceIds) {
    const samples = await store.samples({
      registration: firstRegistration(deviceId),
      fromMs,
      toMs,
      take: "first",
      limit: 1_000_000,
    });
    const past = samples.map(({ observedAtMs, seq, points }) => {
      const sections: Record<string, Record<string, unknown>> = {};
      for (const [name, value] of Object.entries(points)) {
        const [section = "", field = ""] = name.split(".");
        sections[section] = { ...sections[section], [field]: value };
      }
      return { deviceId, atMs: observedAtMs, seq, sections };
    });
    await storePast(fresh, past);
  }
  expect(await answersOf(store, deviceIds, fromMs, toMs)).toEqual(await answersOf(fresh, deviceIds, fromMs, toMs));
  await fresh.close();
  await store.close();
});
