import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { windowMs, windowOf } from "../algebra/window.ts";
import { readFleetTotals } from "../questions/fleet-totals.ts";
import { readHistory } from "../questions/history.ts";
import { readSamples } from "../questions/samples.ts";
import { firstRegistration } from "../registration.ts";
import { batchOf, finish, limits, startMs, take } from "./block-store.fixture.ts";
import { BlockStore } from "./block-store.ts";
import { Reader } from "./reader.ts";
import { verify } from "./verify.ts";

const folder = mkdtempSync(join(tmpdir(), "wattboard-blocks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the block store", () => {
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

  test("takes a batch again whose commit happened and was not believed, and all that comes after it", () => {
    const path = join(folder, "disbelieved.db");
    let store = new BlockStore(path, limits, () => startMs);
    const batches = [0, 1].map((seq) =>
      batchOf([{ key: "ems_001", observedAtMs: startMs + seq, epoch: 1, seq, message: `{"grid":{"power":${seq}}}` }]),
    );
    const { tables } = store;
    const durably = tables.durably.bind(tables);
    tables.durably = (task) => {
      durably(task);
      throw new Error("the folder is not where it was");
    };
    for (let times = 0; times < 2; times++) expect(() => store.append(batches[0] as Uint8Array)).toThrow("not where");
    tables.durably = durably;
    for (const batch of batches) take(store, batch);
    store.tables.close();
    store = new BlockStore(path, limits, () => startMs);
    const query = {
      registration: firstRegistration("ems_001"),
      fromMs: 0,
      toMs: 1e15,
      take: "first",
      limit: 9,
    } as const;
    expect(finish(readSamples(new Reader(store.windows), query)).map(({ seq }) => seq)).toEqual([0, 1]);
    store.close();
  });

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
