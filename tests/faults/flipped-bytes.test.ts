/**
 * One byte of a small but complete store is changed, the store is opened, and everything is asked: the answers are the same, or what is wrong with them is named and only that is
 * missing. Never is another value in an answer, nor an error for who asks. By default some hundreds of bytes, chosen by a seed that is printed; all of them with
 * `WATTBOARD_FLIPS=all`, as many as are wanted with a number, others with `WATTBOARD_SEED`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { windowMs, windowOf } from "../../packages/server/dist/store/algebra/window.js";
import { BlockStore } from "../../packages/server/dist/store/embedded/block-store.js";
import { readInfo } from "../../packages/server/dist/store/embedded/info.js";
import { Reader } from "../../packages/server/dist/store/embedded/reader.js";
import { repair } from "../../packages/server/dist/store/embedded/repair.js";
import { checkStructure } from "../../packages/server/dist/store/embedded/structure.js";
import { verify } from "../../packages/server/dist/store/embedded/verify.js";
import { readEnergy } from "../../packages/server/dist/store/questions/energy.js";
import { readFleetTotals } from "../../packages/server/dist/store/questions/fleet-totals.js";
import { readHistory } from "../../packages/server/dist/store/questions/history.js";
import { readSamples } from "../../packages/server/dist/store/questions/samples.js";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import type { PointSample, StoreDamage } from "../../packages/server/dist/store/store.js";
import type { Work } from "../../packages/server/dist/store/work.js";
import { batchOf, sampleAt } from "../support/samples.ts";

const folder = mkdtempSync(join(tmpdir(), "wattboard-flips-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const limits = { openBytesMax: 64e6, journalBytesMax: 1e9, retentionMs: 0, bytesMax: 0 };
const deviceIds = ["ems_001", "ems_002"];
const minute = 60_000;
/** Two hours before midnight: the blocks stand in two days. */
const startMs = Date.UTC(2026, 0, 31, 22);
const sealedMs = startMs + 12 * windowMs;
const endMs = sealedMs + 12 * minute;
const range = { fromMs: startMs - windowMs, toMs: endMs + windowMs };
const flipsByDefault = 100;

const seed = Number(process.env.WATTBOARD_SEED ?? 20_260_131);
const wanted = process.env.WATTBOARD_FLIPS ?? String(flipsByDefault);
const original = makeStore();

/** Blocks of three hours, parts, rows in the journal, events. */
function makeStore(): Buffer {
  const path = join(folder, "original.db");
  let nowMs = startMs;
  const store = new BlockStore(path, limits, () => nowMs);
  const take = (fromMs: number, toMs: number): void => {
    for (nowMs = fromMs; nowMs < toMs; nowMs += minute) {
      const seq = (nowMs - startMs) / minute;
      const points = {
        battery: { soc: 50 + (seq % 5) },
        grid: { power: -5 - (seq % 3) },
        load: { power: 100 + (seq % 7) },
        state: seq % 20 < 10 ? "on" : "off",
      };
      const batch = batchOf(deviceIds.map((deviceId) => sampleAt(nowMs, seq, points, { deviceId })));
      store.apply(batch, store.append(batch));
      while (store.compactStep(50));
    }
  };
  take(startMs, sealedMs);
  store.compactAll();
  take(sealedMs, endMs);
  store.events.record(
    Array.from({ length: 6 }, (_, at) => ({
      atMs: startMs + at,
      kind: at % 2 === 0 ? "connected" : "disconnected",
      key: deviceIds[at % 2] ?? null,
      message: `event ${at}`,
    })),
  );
  // As after a power failure: what waits stands in the journal.
  store.tables.close();
  return readFileSync(path);
}

function finish<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

type Answers = Readonly<Record<string, unknown>>;

function askAll(store: BlockStore): Answers {
  const reader = new Reader(store.windows);
  const answers: Record<string, unknown> = {};
  for (const deviceId of deviceIds) {
    const registration = firstRegistration(deviceId);
    const points = ["load.power", "battery.soc"];
    const edgesMs = Array.from({ length: 15 }, (_, at) => range.fromMs + at * windowMs);
    answers[`samples of ${deviceId}`] = samplesOf(store, deviceId);
    for (const bucketMs of [minute, windowMs]) {
      answers[`history of ${deviceId} by ${bucketMs}`] = finish(
        readHistory(reader, { registration, points, ...range, bucketMs }),
      );
    }
    answers[`energy of ${deviceId}`] = finish(readEnergy(reader, { registration, edgesMs }));
    answers[`points of ${deviceId}`] = store.points(deviceId);
  }
  for (const bucketMs of [minute, windowMs]) {
    answers[`fleet by ${bucketMs}`] = finish(
      readFleetTotals(reader, {
        registrations: deviceIds.map(firstRegistration),
        point: "load.power",
        ...range,
        bucketMs,
      }),
    );
  }
  answers.events = store.events.list({ limit: 100 });
  answers.latest = store.latest().map((sample) => ({ ...sample, message: String(sample.message) }));
  answers.info = { ...finish(readInfo(store, 0)), bytes: 0 };
  return answers;
}

function samplesOf(store: BlockStore, deviceId: string): PointSample[] {
  return finish(
    readSamples(new Reader(store.windows), {
      registration: firstRegistration(deviceId),
      ...range,
      take: "first",
      limit: 1e6,
    }),
  );
}

/** Which windows lack samples that were there; throws where one is there that was not, or has other values. */
function lackingWindows(answers: Answers, whole: Answers): string[] {
  return deviceIds.flatMap((deviceId) => {
    const key = `samples of ${deviceId}`;
    const missing = new Map((whole[key] as PointSample[]).map((sample) => [sample.seq, sample]));
    for (const sample of answers[key] as PointSample[]) {
      if (!isDeepStrictEqual(sample, missing.get(sample.seq))) throw new Error(`${key}: ${sample.seq} is another`);
      missing.delete(sample.seq);
    }
    return [...new Set([...missing.values()].map(({ observedAtMs }) => `${deviceId} ${windowOf(observedAtMs)}`))];
  });
}

/** What is wrong with how the store takes that byte, in words; null where all is well. */
function judge(bytes: Buffer, whole: Answers, path: string): string | null {
  for (const end of ["", "-wal", "-shm"]) rmSync(path + end, { force: true });
  writeFileSync(path, bytes);
  const structure = checkStructure(path);
  const damages: StoreDamage[] = [];
  let store: BlockStore;
  try {
    store = new BlockStore(
      path,
      limits,
      () => endMs,
      (damage) => damages.push(damage),
    );
  } catch (error) {
    // The file's head, or its list of tables: nothing can be found without them, and the start says so. The schema's number stands in the head.
    return /database|written by a newer Wattboard/.test(String(error)) ? null : `opening: ${error}`;
  }
  try {
    const answers = askAll(store);
    const lacking = lackingWindows(answers, whole);
    const changed = Object.keys(whole).filter((name) => !isDeepStrictEqual(answers[name], whole[name]));
    const { faults } = finish(verify(store, () => {}));
    if (changed.length === 0) return null;
    if (damages.length === 0) return `${changed} differ, and nobody was told`;
    if (faults.length === 0) return `${changed} differ, and verify says that all is well`;
    // A byte of SQLite's own tree may take the rows of a page along; one of a row takes that row.
    if (structure.length === 0 && lacking.length > 1) return `more is missing than one window: ${lacking}`;
    if (structure.length > 0) return null;
    const told = damages.map(({ message }) => message).join("\n");
    if (lacking.length > 0 && changed.some((name) => !name.startsWith("fleet") && name.includes(other(lacking)))) {
      return `the other device's answers differ: ${changed}`;
    }
    const mended = finish(repair(store, () => {}));
    const left = finish(verify(store, () => {}));
    if (left.faults.length > 0) return `repair leaves ${left.faults} (${told})`;
    if (lacking.length > 0 && mended.length === 0) return "repair does not say what it dropped";
    return lackingWindows(askAll(store), whole).length > lacking.length ? "repair lost more" : null;
  } finally {
    store.tables.close();
  }
}

function other(lacking: readonly string[]): string {
  return deviceIds.find((deviceId) => !lacking.some((each) => each.startsWith(deviceId))) ?? "nobody";
}

/** Gives the same numbers in each run, 0 to 1. */
function lehmer(from: number): () => number {
  let state = from;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

describe("a changed byte of the store", () => {
  const path = join(folder, "changed.db");

  function open(bytes: Buffer): BlockStore {
    for (const end of ["", "-wal", "-shm"]) rmSync(path + end, { force: true });
    writeFileSync(path, bytes);
    return new BlockStore(path, limits, () => endMs);
  }

  test("changes no answer, or is named and only what stood there is missing", () => {
    const unchanged = open(original);
    const whole = askAll(unchanged);
    expect(finish(verify(unchanged, () => {}))).toEqual({ faults: [], unchecked: 0 });
    unchanged.tables.close();
    const random = lehmer(seed);
    const isAll = wanted === "all";
    const flips = isAll ? original.length : Number(wanted);
    console.log(`${flips} of ${original.length} bytes, seed ${seed}`);
    const wrong: string[] = [];
    for (let flip = 0; flip < flips; flip++) {
      const at = isAll ? flip : Math.floor(random() * original.length);
      const by = 1 + Math.floor(random() * 255);
      const bytes = Buffer.from(original);
      bytes[at] = (bytes[at] as number) ^ by;
      let found: string | null;
      try {
        found = judge(bytes, whole, path);
      } catch (error) {
        found = `it throws: ${error instanceof Error ? error.stack : error}`;
      }
      if (found !== null) wrong.push(`byte ${at} ^ ${by}: ${found}`);
    }
    expect(wrong).toEqual([]);
  }, 36_000_000);

  test("of a device's name leaves the device its name, and every sample with it", () => {
    const name = Buffer.from("ems_002");
    // Wherever that name stands: in both tables, the index, the events, the newest message.
    for (let at = original.indexOf(name); at !== -1; at = original.indexOf(name, at + 1)) {
      const bytes = Buffer.from(original);
      bytes.write("9", at + 4);
      const store = open(bytes);
      for (const deviceId of deviceIds) expect(samplesOf(store, deviceId)).toHaveLength((endMs - startMs) / minute);
      store.tables.close();
    }
  });

  test("in summaries is mended when the next window of that day is sealed, and takes no neighbour along", () => {
    const before = open(original);
    const whole = askAll(before);
    before.tables.run("UPDATE day SET body = zeroblob(length(body)) WHERE device_no = 1");
    before.tables.close();
    let nowMs = endMs;
    const store = new BlockStore(path, limits, () => nowMs);
    expect(askAll(store)).toEqual(whole);
    nowMs += 2 * windowMs;
    store.compactAll();
    // Of both days the blocks are there, but only the second has been written to.
    const bodies = store.tables.all("SELECT body FROM day WHERE device_no = 1 ORDER BY day");
    expect(bodies.map(({ body }) => (body as Uint8Array).some((byte) => byte !== 0))).toEqual([false, true]);
    finish(repair(store, () => {}));
    expect(finish(verify(store, () => {})).faults).toEqual([]);
    expect(askAll(store)).toEqual(whole);
    store.close();
  });

  test("in a block or a part does not keep the window from being sealed with what is left", () => {
    const before = open(original);
    const lost = before.tables.all("SELECT id FROM part WHERE device_no = 1 ORDER BY id LIMIT 1");
    before.tables.run("UPDATE part SET body = zeroblob(length(body)) WHERE id = ?", Number(lost[0]?.id));
    const window = windowOf(sealedMs) - 1;
    before.tables.run("UPDATE block SET body = zeroblob(length(body)) WHERE device_no = 1 AND window = ?", window);
    before.tables.close();
    let nowMs = endMs;
    const told: StoreDamage[] = [];
    const store = new BlockStore(
      path,
      limits,
      () => nowMs,
      (damage) => told.push(damage),
    );
    // One more sample for the damaged block's window comes late.
    const late = batchOf([sampleAt(sealedMs - 1, 1_000, { load: { power: 1 } })]);
    store.apply(late, store.append(late));
    const found = samplesOf(store, "ems_001");
    nowMs += 2 * windowMs;
    store.compactAll();
    expect(samplesOf(store, "ems_001")).toEqual(found);
    expect(samplesOf(store, "ems_002")).toHaveLength((endMs - startMs) / minute);
    expect(Number(store.tables.first("SELECT count(*) AS parts FROM part WHERE device_no = 2")?.parts)).toBe(0);
    expect(told.map(({ key }) => key)).toContain("ems_001");
    const { faults } = finish(verify(store, () => {}));
    expect(faults).toEqual(expect.arrayContaining([expect.stringContaining("ems_001")]));
    const dropped = finish(repair(store, () => {}));
    expect(dropped.length).toBeGreaterThan(0);
    expect(finish(verify(store, () => {})).faults).toEqual([]);
    expect(samplesOf(store, "ems_001")).toEqual(found);
    store.close();
  });

  test("of a store from before there were checksums is read as it was; verify counts such rows, and repair gives them theirs", () => {
    const before = open(original);
    const whole = askAll(before);
    before.tables.close();
    // What the step of the schema leaves of such a store: bytes without a checksum before them, none beside the others, no lists.
    const old = new DatabaseSync(path);
    const strip = (column: string): string => `${column} = substr(${column}, 7)`;
    old.exec(`UPDATE journal SET ${strip("records")}; UPDATE part SET ${strip("minutes")}, ${strip("body")};
      UPDATE block SET ${strip("minutes")}, ${strip("body")}; UPDATE day SET ${strip("body")};
      UPDATE device SET checksum = NULL, parts = '[]'; UPDATE device_copy SET checksum = NULL; UPDATE event SET checksum = NULL;
      DELETE FROM sealed; DELETE FROM journal_dropped`);
    old.close();
    const store = new BlockStore(path, limits, () => endMs);
    expect(askAll(store)).toEqual(whole);
    const found = finish(verify(store, () => {}));
    expect(found.faults).toEqual([]);
    expect(found.unchecked).toBeGreaterThan(2 * 12 + 4 + 6);
    expect(finish(repair(store, () => {}))).toEqual([]);
    // Parts, and what waits in memory, have theirs once they are sealed.
    store.compactAll();
    expect(finish(verify(store, () => {})).faults).toEqual([]);
    expect(askAll(store)).toEqual(whole);
    store.close();
    const again = new BlockStore(path, limits, () => endMs + 2 * windowMs);
    again.compactAll();
    expect(finish(verify(again, () => {}))).toEqual({ faults: [], unchecked: 0 });
    again.close();
  });
});
