import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readSamples } from "../questions/samples.ts";
import { firstRegistration } from "../registration.ts";
import { recordBytes, writeRecord } from "../sample-record.ts";
import type { Work } from "../work.ts";
import { BlockStore } from "./block-store.ts";
import { Reader } from "./reader.ts";
import { verify } from "./verify.ts";

const folder = mkdtempSync(join(tmpdir(), "wattboard-torn-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const limits = { openBytesMax: 20_000, journalBytesMax: 1e9, retentionMs: 0, bytesMax: 0 };
const startMs = Date.UTC(2026, 0, 1);
const cuts = 1_000;

function batchOf(seq: number): Uint8Array {
  const id = Buffer.from("ems_001");
  const message = Buffer.from(`{"load":{"power":${seq}}}`);
  const record = Buffer.alloc(recordBytes(id, message));
  // Some come late, into windows that are sealed already.
  const observedAtMs = startMs + seq * 60_000 - (seq % 10 === 9 ? 1_800_000 : 0);
  writeRecord(record, 0, { observedAtMs, receivedAtMs: observedAtMs, clock: "device", epoch: 1, seq }, id, message);
  return record;
}

function finish<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Gives the same numbers in each run, 0 to 1: a failure can be repeated. */
function lehmer(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

test("a write-ahead log that is cut off anywhere loses a suffix of what was stored, and nothing else", () => {
  const original = join(folder, "original.db");
  const store = new BlockStore(original, limits);
  for (let seq = 0; seq < 150; seq++) {
    const batch = batchOf(seq);
    store.apply(batch, store.append(batch));
    store.compactStep(1);
    if (seq % 50 === 49) store.compactAll();
  }
  // The store is still open: its log is as it would be when the power goes.
  const logBytes = statSync(`${original}-wal`).size;
  expect(logBytes).toBeGreaterThan(100_000);
  const copies = join(folder, "copies");
  mkdirSync(copies);
  const copy = join(copies, "store.db");
  const random = lehmer(20_260_131);
  const lengths = new Set<number>();
  for (let cut = 0; cut < cuts; cut++) {
    rmSync(`${copy}-shm`, { force: true });
    copyFileSync(original, copy);
    copyFileSync(`${original}-wal`, `${copy}-wal`);
    truncateSync(`${copy}-wal`, Math.floor(random() * logBytes));
    const torn = new BlockStore(copy, limits);
    const query = {
      registration: firstRegistration("ems_001"),
      fromMs: 0,
      toMs: startMs * 2,
      take: "first",
      limit: 1_000,
    } as const;
    const seqs = finish(readSamples(new Reader(torn.windows), query)).map(({ seq }) => seq);
    expect(seqs.sort((a, b) => a - b)).toEqual(seqs.map((_, at) => at));
    lengths.add(seqs.length);
    if (cut % 20 === 0) expect(finish(verify(torn, () => {}))).toEqual({ faults: [], unchecked: 0 });
    torn.tables.close();
  }
  store.close();
  // It was cut at many different places indeed.
  expect(lengths.size).toBeGreaterThan(50);
});
