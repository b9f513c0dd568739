import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { windowMs, windowOf } from "../algebra/window.ts";
import { readFleetTotals } from "../questions/fleet-totals.ts";
import { readHistory } from "../questions/history.ts";
import { readSamples } from "../questions/samples.ts";
import { firstRegistration } from "../registration.ts";
import { recordBytes, writeRecord } from "../sample-record.ts";
import type { Work } from "../work.ts";
import { BlockStore } from "./block-store.ts";
import { minuteMs } from "./minute-means.ts";
import { Reader } from "./reader.ts";
import { verify } from "./verify.ts";

const startMs = Date.UTC(2026, 0, 31, 12);
const folder = mkdtempSync(join(tmpdir(), "wattboard-blocks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Sample {
  readonly key: string;
  readonly observedAtMs: number;
  readonly epoch: number;
  readonly seq: number;
  readonly message: string;
}

const limits = { openBytesMax: 64 * 1024 * 1024, journalBytesMax: 1e9, retentionMs: 0, bytesMax: 0 };

function batchOf(samples: readonly Sample[]): Uint8Array {
  const records = samples.map((sample) => {
    const id = Buffer.from(sample.key);
    const message = Buffer.from(sample.message);
    const record = Buffer.alloc(recordBytes(id, message));
    writeRecord(record, 0, { ...sample, receivedAtMs: sample.observedAtMs + 1, clock: "device" }, id, message);
    return record;
  });
  return Buffer.concat(records);
}

function take(store: BlockStore, batch: Uint8Array): void {
  store.apply(batch, store.append(batch));
}

function finish<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Messages of few shapes, so that shapes come again, and change. */
const message = fc.oneof(
  fc.record({
    battery: fc.record({
      soc: fc.integer({ min: 0, max: 1_000 }).map((tenths) => tenths / 10),
      mode: fc.constantFrom("a", "b", null),
    }),
  }),
  fc.record({ grid: fc.record({ power: fc.double({ noNaN: true, noDefaultInfinity: true }) }), extra: fc.boolean() }),
  fc.record({ battery: fc.record({ soc: fc.integer() }), text: fc.string({ unit: "binary", maxLength: 5 }) }),
  fc.record({ load: fc.record({ power: fc.integer({ min: -9_999, max: 9_999 }) }) }),
);

type Step =
  | {
      readonly kind: "samples";
      readonly samples: readonly { device: number; agoMs: number; again: boolean; body: object }[];
    }
  | { readonly kind: "time"; readonly ms: number }
  | { readonly kind: "tidy"; readonly slices: number }
  /** With samples that were acknowledged and not sorted in yet, or without. */
  | { readonly kind: "crash"; readonly isMidway: boolean }
  | { readonly kind: "close" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("samples" as const),
      samples: fc.array(
        fc.record({
          device: fc.nat(2),
          agoMs: fc.oneof({ weight: 4, arbitrary: fc.nat(2_000) }, { weight: 1, arbitrary: fc.nat(3 * windowMs) }),
          again: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
          body: message,
        }),
        { minLength: 1, maxLength: 20 },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("time" as const), ms: fc.integer({ min: 1_000, max: windowMs }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("tidy" as const), slices: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("crash" as const), isMidway: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: "close" as const }) },
);

describe("the block store", () => {
  test(
    "keeps every sample once and in order through lateness, repeats, upkeep, crashes and restarts",
    () => {
      let run = 0;
      fc.assert(
        fc.property(
          fc.array(step, { minLength: 5, maxLength: 40 }),
          fc.boolean(),
          fc.boolean(),
          (steps, isTight, repeats) => {
            const path = join(folder, `model-${++run}.db`);
            // With hardly any memory every batch becomes parts at once.
            const own = { ...limits, openBytesMax: isTight ? 4_000 : limits.openBytesMax };
            let nowMs = startMs;
            let seq = 0;
            const open = (): BlockStore => new BlockStore(path, own, () => nowMs);
            let store = open();
            const sent: Sample[] = [];
            // What was sent once must stand there once, so that it is counted without looking at samples.
            const checkAll = (): void => {
              check(store, sent);
              if (!repeats) checkMinutes(store, sent);
            };
            for (const [at, step] of steps.entries()) {
              if (step.kind === "samples") {
                const batch = step.samples.map(({ device, agoMs, again, body }): Sample => {
                  const earlier = sent[agoMs % Math.max(1, sent.length)];
                  if (repeats && again && earlier !== undefined) return earlier;
                  const key = `ems_00${device}`;
                  const observedAtMs = nowMs - agoMs;
                  const text = JSON.stringify({
                    device_id: key,
                    timestamp: new Date(observedAtMs).toISOString(),
                    ...body,
                  });
                  return { key, observedAtMs, epoch: startMs, seq: seq++, message: text };
                });
                const next = steps[at + 1];
                if (next?.kind === "crash" && next.isMidway) store.append(batchOf(batch));
                else take(store, batchOf(batch));
                sent.push(...batch);
              } else if (step.kind === "time") nowMs += step.ms;
              else if (step.kind === "tidy") for (let slice = 0; slice < step.slices; slice++) store.compactStep(1);
              else {
                if (step.kind === "crash") store.tables.close();
                else store.close();
                store = open();
                checkAll();
              }
            }
            checkAll();
            store.compactAll();
            checkAll();
            expect(finish(verify(store, () => {}))).toEqual({ faults: [], unchecked: 0 });
            store.close();
            rmSync(path);
          },
        ),
        { numRuns: 150 },
      );
    },
    60_000 * Number(process.env.TEST_PATIENCE ?? 1),
  );

  test("takes no more samples when they cannot be moved on, and goes on when they can", () => {
    const path = join(folder, "full.db");
    const tight = { ...limits, journalBytesMax: 20_000, openBytesMax: 1e9 };
    const store = new BlockStore(path, tight, () => startMs);
    store.tables.database.exec(
      "CREATE TRIGGER no_parts BEFORE INSERT ON part BEGIN SELECT raise(ABORT, 'no parts'); END",
    );
    const batch = (from: number): Uint8Array =>
      batchOf(
        Array.from({ length: 50 }, (_, at) => ({
          key: "ems_001",
          observedAtMs: startMs + from + at,
          epoch: 1,
          seq: from + at,
          message: `{"load":{"power":${Math.random()}}}`,
        })),
      );
    let taken = 0;
    expect(() => {
      for (; taken < 1_000; taken++) take(store, batch(taken * 50));
    }).toThrow("no parts");
    expect(taken).toBeGreaterThan(0);
    expect(Number(store.tables.first("SELECT total(length(records)) AS bytes FROM journal")?.bytes)).toBeLessThan(
      25_000,
    );
    store.tables.database.exec("DROP TRIGGER no_parts");
    take(store, batch(taken * 50));
    const query = {
      registration: firstRegistration("ems_001"),
      fromMs: 0,
      toMs: 1e15,
      take: "first",
      limit: 1e6,
    } as const;
    expect(finish(readSamples(new Reader(store.windows), query))).toHaveLength((taken + 1) * 50);
    store.close();
  });

  test("takes no more samples than its file may hold, loses none of them, and goes on when it may hold more", () => {
    const path = join(folder, "bounded.db");
    const bytesMax = 512 * 1024;
    const open = (own: Partial<typeof limits>): BlockStore =>
      new BlockStore(path, { ...limits, openBytesMax: 20_000, ...own }, () => startMs);
    const batch = (from: number): Uint8Array =>
      batchOf(
        Array.from({ length: 200 }, (_, at) => ({
          key: "ems_001",
          observedAtMs: startMs + from + at,
          epoch: 1,
          seq: from + at,
          message: `{"load":{"power":${Math.random()}}}`,
        })),
      );
    let store = open({ bytesMax });
    let taken = 0;
    expect(() => {
      for (; taken < 10_000; taken++) {
        const one = batch(taken * 200);
        const id = store.append(one);
        store.apply(one, id);
        try {
          while (store.compactStep(5));
        } catch {
          // Moving samples on needs room too; what cannot be moved stays in the journal.
        }
      }
    }).toThrow("full");
    expect(taken).toBeGreaterThan(0);
    expect(statSync(path).size).toBeLessThanOrEqual(bytesMax);
    store.tables.close();
    store = open({ bytesMax: 4 * bytesMax });
    take(store, batch(taken * 200));
    store.compactAll();
    const query = {
      registration: firstRegistration("ems_001"),
      fromMs: 0,
      toMs: 1e15,
      take: "first",
      limit: 1e6,
    } as const;
    const kept = finish(readSamples(new Reader(store.windows), query)).map(({ seq }) => seq);
    expect(kept).toEqual(Array.from({ length: (taken + 1) * 200 }, (_, at) => at));
    store.close();
  });

  test.each(["part", "block"])(
    "drops the journal a few rows at a time; a crash in between doubles nothing of a %s",
    (place) => {
      let nowMs = startMs;
      const path = join(folder, `rows-${place}.db`);
      let store = new BlockStore(path, limits, () => nowMs);
      const rows = (): number => Number(store.tables.first("SELECT count(*) AS rows FROM journal")?.rows);
      const taken = 200;
      for (let seq = 0; seq < taken; seq++) {
        const message = `{"grid":{"power":${seq}}}`;
        take(store, batchOf([{ key: "ems_001", observedAtMs: nowMs, epoch: 1, seq, message }]));
        nowMs += 100;
      }
      nowMs += 6 * 60_000;
      store.compactStep(5);
      expect(rows()).toBeGreaterThan(0);
      if (place === "block") {
        nowMs += windowMs;
        store.compactAll();
      }
      expect(rows()).toBeGreaterThan(0);
      expect(rows()).toBeLessThan(taken);
      store.tables.close();

      store = new BlockStore(path, limits, () => nowMs);
      // Nothing is held in memory, and a block needs no merging.
      expect(store.tables.all("SELECT id FROM part")).toHaveLength(place === "part" ? 1 : 0);
      const fresh = store.windows.fresh(firstRegistration("ems_001"), 0, Number.MAX_SAFE_INTEGER);
      expect(fresh).toEqual(place === "part" ? [windowOf(startMs)] : []);
      const query = {
        registration: firstRegistration("ems_001"),
        fromMs: 0,
        toMs: 1e15,
        take: "first",
        limit: 1e6,
      } as const;
      const sent = Array.from({ length: taken }, (_, at) => at);
      expect(finish(readSamples(new Reader(store.windows), query)).map(({ seq }) => seq)).toEqual(sent);
      const range = { fromMs: startMs, toMs: startMs + 60_000, bucketMs: 60_000 };
      const totals = () =>
        finish(
          readFleetTotals(new Reader(store.windows), {
            registrations: [firstRegistration("ems_001")],
            point: "grid.power",
            ...range,
          }),
        );
      expect(totals().sum).toEqual([(taken - 1) / 2]);
      nowMs += 6 * 60_000;
      while (store.compactStep(5));
      expect(rows()).toBe(0);
      store.compactAll();
      expect(finish(readSamples(new Reader(store.windows), query)).map(({ seq }) => seq)).toEqual(sent);
      store.close();
    },
  );

  test("counts journal rows on in a copy: what comes there after a crash is not taken for what was there before", () => {
    const path = join(folder, "original.db");
    const copy = join(folder, "copy.db");
    const send = (to: BlockStore, seq: number): void => {
      const message = `{"grid":{"power":${seq}}}`;
      take(to, batchOf([{ key: "ems_001", observedAtMs: startMs + seq, epoch: 1, seq, message }]));
    };
    let store = new BlockStore(path, limits, () => startMs);
    for (let seq = 0; seq < 5; seq++) send(store, seq);
    store.close();
    store = new BlockStore(path, limits, () => startMs);
    expect(store.tables.all("SELECT id FROM journal")).toEqual([]);
    store.tables.run("VACUUM INTO ?", copy);
    store.close();
    store = new BlockStore(copy, limits, () => startMs);
    send(store, 5);
    store.tables.close();
    store = new BlockStore(copy, limits, () => startMs);
    const query = {
      registration: firstRegistration("ems_001"),
      fromMs: 0,
      toMs: 1e15,
      take: "first",
      limit: 10,
    } as const;
    expect(finish(readSamples(new Reader(store.windows), query)).map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5]);
    store.close();
  });

  test("deletes what is older than the retention, and keeps its summaries for long charts", () => {
    let nowMs = startMs;
    const store = new BlockStore(join(folder, "retention.db"), { ...limits, retentionMs: 86_400_000 }, () => nowMs);
    for (let hour = 0; hour < 48; hour++) {
      take(
        store,
        batchOf([{ key: "ems_001", observedAtMs: nowMs, epoch: 1, seq: hour, message: `{"load":{"power":${hour}}}` }]),
      );
      nowMs += 3_600_000;
    }
    store.compactAll();
    while (store.compactStep(5));
    const range = { registration: firstRegistration("ems_001"), fromMs: startMs, toMs: nowMs };
    const kept = finish(readSamples(new Reader(store.windows), { ...range, take: "first", limit: 1_000 }));
    expect(kept.map(({ points }) => points["load.power"])).toEqual(Array.from({ length: 24 }, (_, at) => at + 24));
    const { points } = finish(
      readHistory(new Reader(store.windows), { ...range, points: ["load.power"], bucketMs: 3_600_000 }),
    );
    expect(points["load.power"]?.avg).toEqual(Array.from({ length: 48 }, (_, at) => at));
    store.close();
  });

  test("holds no device in memory that was removed, answers for it all the same, and takes it up again when it sends", () => {
    let nowMs = startMs;
    const store = new BlockStore(join(folder, "removed.db"), limits, () => nowMs);
    const ids = Array.from({ length: 50 }, (_, at) => `ems_${at}`);
    const send = (keys: readonly string[], seq: number): void =>
      take(
        store,
        batchOf(
          keys.map((key) => ({
            key,
            observedAtMs: nowMs,
            epoch: 1,
            seq,
            message: `{"load":{"power":${seq}}}`,
          })),
        ),
      );
    send(ids, 0);
    store.forget(ids.slice(1));
    // What waits in memory is written first.
    while (store.compactStep(5));
    expect(store.devicesInMemory).toBe(50);
    for (let hours = 0; hours < 4; hours++) {
      nowMs += 4 * windowMs;
      while (store.compactStep(5));
    }
    expect(store.devicesInMemory).toBe(1);
    expect(store.keys).toHaveLength(50);
    const sent = (key: string): unknown[] =>
      finish(
        readSamples(new Reader(store.windows), {
          registration: firstRegistration(key),
          fromMs: 0,
          toMs: nowMs + 1,
          take: "first",
          limit: 10,
        }),
      ).map(({ points }) => points["load.power"]);
    expect(sent("ems_7")).toEqual([0]);
    expect(store.points("ems_7")).toEqual([{ name: "load.power", kinds: ["number"] }]);
    expect(store.devicesInMemory).toBe(1);
    send(["ems_7"], 1);
    expect(store.devicesInMemory).toBe(2);
    expect(sent("ems_7")).toEqual([0, 1]);
    store.compactAll();
    expect(sent("ems_7")).toEqual([0, 1]);
    store.close();
  });

  test("leaves a block that is damaged where it is, tells of it, and goes on with the others", () => {
    let nowMs = startMs;
    const path = join(folder, "damaged.db");
    let store = new BlockStore(path, limits, () => nowMs);
    const send = (key: string, seq: number): void =>
      take(store, batchOf([{ key, observedAtMs: nowMs, epoch: 1, seq, message: '{"load":{"power":1}}' }]));
    for (const key of ["ems_001", "ems_002"]) send(key, 0);
    store.compactAll();
    store.close();
    store = new BlockStore(path, limits, () => nowMs);
    for (const key of ["ems_001", "ems_002"]) send(key, 1);
    store.tables.run("INSERT INTO journal (records) VALUES (x'00')");
    store.tables.close();
    store = new BlockStore(path, limits, () => nowMs);
    nowMs += 2 * windowMs;
    store.compactAll();
    store.tables.run("UPDATE block SET body = x'0102' WHERE device_no = 1");
    for (const key of ["ems_001", "ems_002"]) {
      take(store, batchOf([{ key, observedAtMs: startMs, epoch: 1, seq: 2, message: '{"load":{"power":1}}' }]));
    }
    store.compactAll();
    const { faults } = finish(verify(store, () => {}));
    expect(faults).toEqual([
      expect.stringContaining("The journal's row"),
      expect.stringContaining("The block of ems_001 at 2026-01-31T12:00:00.000Z"),
    ]);
    const query = {
      registration: firstRegistration("ems_002"),
      fromMs: 0,
      toMs: 1e15,
      take: "first",
      limit: 10,
    } as const;
    expect(finish(readSamples(new Reader(store.windows), query))).toHaveLength(3);
    store.close();
  });
});

function check(store: BlockStore, sent: readonly Sample[]): void {
  for (const key of new Set(sent.map((sample) => sample.key))) {
    const distinct = new Map(sent.filter((sample) => sample.key === key).map((sample) => [sample.seq, sample]));
    const expected = [...distinct.values()].sort((a, b) => a.observedAtMs - b.observedAtMs || a.seq - b.seq);
    const range = { registration: firstRegistration(key), fromMs: startMs - 1e9, toMs: startMs + 1e9 };
    const found = finish(readSamples(new Reader(store.windows), { ...range, take: "first", limit: 1e6 }));
    expect(found.map(({ observedAtMs, seq, points }) => ({ observedAtMs, seq, points }))).toEqual(
      expected.map(({ observedAtMs, seq, message }) => ({ observedAtMs, seq, points: flat(JSON.parse(message)) })),
    );
    const { samples } = finish(
      readHistory(new Reader(store.windows), {
        ...range,
        points: [],
        bucketMs: 1_000 * windowMs,
        fromMs: 0,
        toMs: 2_000_000 * windowMs,
      }),
    );
    expect(samples.reduce((sum, count) => sum + count, 0)).toBe(expected.length);
    checkWindows(store, key, expected);
    const newest = store.latest().find((sample) => sample.key === key);
    expect(newest?.observedAtMs).toBe(expected.at(-1)?.observedAtMs);
  }
}

/** Compares a chart of windows, of which some are sealed and some are not, with what was sent. */
function checkWindows(store: BlockStore, key: string, sent: readonly Sample[]): void {
  const times = sent.map(({ observedAtMs }) => observedAtMs);
  const fromMs = windowOf(Math.min(...times)) * windowMs;
  const toMs = windowOf(Math.max(...times) + windowMs) * windowMs;
  const query = { registration: firstRegistration(key), points: ["load.power"], fromMs, toMs, bucketMs: windowMs };
  const { samples, points } = finish(readHistory(new Reader(store.windows), query));
  for (const [at, count] of samples.entries()) {
    const inside = sent.filter(({ observedAtMs }) => windowOf(observedAtMs - fromMs) === at);
    expect(count).toBe(inside.length);
    const powers = inside.flatMap(({ message }) => flat(JSON.parse(message))["load.power"] ?? []) as number[];
    expect(points["load.power"]?.min[at]).toBe(powers.length === 0 ? null : Math.min(...powers));
    expect(points["load.power"]?.max[at]).toBe(powers.length === 0 ? null : Math.max(...powers));
    const mean = powers.reduce((sum, power) => sum + power, 0) / powers.length;
    if (powers.length > 0) expect(points["load.power"]?.avg[at]).toBeCloseTo(mean, 6);
  }
}

/** Compares the minutes of each device, which are added up without their samples, and the fleet's sum with what was sent. */
function checkMinutes(store: BlockStore, sent: readonly Sample[]): void {
  const keys = [...new Set(sent.map(({ key }) => key))];
  const fromMs = windowOf(Math.min(...sent.map(({ observedAtMs }) => observedAtMs))) * windowMs;
  const toMs = windowOf(Math.max(...sent.map(({ observedAtMs }) => observedAtMs)) + windowMs) * windowMs;
  const length = keys.length === 0 ? 0 : (toMs - fromMs) / minuteMs;
  const fleet = Array.from({ length }, () => ({ sum: 0, devices: 0 }));
  for (const key of keys) {
    const expected = fleet.map(() => ({ sum: 0, count: 0 }));
    for (const { observedAtMs, message } of sent.filter((sample) => sample.key === key)) {
      const minute = expected[Math.floor((observedAtMs - fromMs) / minuteMs)];
      const power: unknown = flat(JSON.parse(message))["load.power"];
      if (minute === undefined || typeof power !== "number") continue;
      minute.sum += power;
      minute.count++;
    }
    const found = expected.map(() => ({ sum: 0, count: 0 }));
    const range = [windowOf(fromMs), windowOf(toMs)] as const;
    for (const [window, { sums, counts }] of store.windows.minutes(firstRegistration(key), ...range, "load.power")) {
      const first = (window * windowMs - fromMs) / minuteMs;
      for (const [at, count] of counts.entries()) found[first + at] = { sum: sums[at] as number, count };
    }
    expect(found).toEqual(expected);
    for (const [at, { sum, count }] of expected.entries()) {
      const bucket = fleet[at];
      if (count === 0 || bucket === undefined) continue;
      bucket.sum += sum / count;
      bucket.devices++;
    }
  }
  const registrations = keys.map(firstRegistration);
  const query = { registrations, point: "load.power", fromMs, toMs: fromMs + length * minuteMs, bucketMs: minuteMs };
  const totals = finish(readFleetTotals(new Reader(store.windows), query));
  expect(totals.devices).toEqual(fleet.map(({ devices }) => devices));
  for (const [at, sum] of totals.sum.entries()) {
    if (sum === null) expect(fleet[at]?.devices).toBe(0);
    else expect(sum).toBeCloseTo(fleet[at]?.sum as number, 6);
  }
}

function flat(telemetry: Record<string, unknown>): Record<string, unknown> {
  const points: Record<string, unknown> = {};
  for (const [section, body] of Object.entries(telemetry)) {
    if (section === "device_id" || section === "timestamp") continue;
    if (typeof body !== "object" || body === null) points[section] = body;
    else for (const [field, value] of Object.entries(body)) points[`${section}.${field}`] = value;
  }
  return points;
}
