import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { recordBytes, writeRecord } from "../sample-record.ts";
import { JournalFile } from "./journal-file.ts";

function temporaryPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-journal-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "store.db");
}

function batchOf(deviceId: string, observedAtMs: readonly number[], text = "{}"): Buffer {
  // A batch is told by its first sample, so that only the very same batch is the same again.
  const epoch = observedAtMs[0] ?? 0;
  const id = Buffer.from(deviceId);
  const message = Buffer.from(text);
  return Buffer.concat(
    observedAtMs.map((atMs, seq) => {
      const record = Buffer.alloc(recordBytes(id, message));
      writeRecord(record, 0, { observedAtMs: atMs, receivedAtMs: atMs, clock: "device", epoch, seq }, id, message);
      return record;
    }),
  );
}

const limits = { journalBytesMax: 1024 ** 3 };

test("gives one device's samples of a time range, oldest first, late ones in their place, and the newest where they are too many", () => {
  const journal = new JournalFile(temporaryPath(), limits);
  journal.append(batchOf("ems_001", [10, 20, 40]));
  journal.append(batchOf("ems_002", [15, 25]));
  journal.append(batchOf("ems_001", [30, 50]));
  const found = journal.samples({ deviceId: "ems_001", fromMs: 20, toMs: 50, limit: 10 });
  expect(found.map(({ observedAtMs }) => observedAtMs)).toEqual([20, 30, 40]);
  const limited = journal.samples({ deviceId: "ems_001", fromMs: 0, toMs: 100, limit: 2 });
  expect(limited.map(({ observedAtMs }) => observedAtMs)).toEqual([40, 50]);
  journal.close();
});

test("knows the newest sample of each device after an orderly end, and after none", () => {
  const path = temporaryPath();
  const first = new JournalFile(path, limits);
  for (let row = 0; row < 500; row++) {
    first.append(batchOf("ems_001", [row]));
    first.tidy();
  }
  first.append(batchOf("ems_002", [7]));
  first.append(batchOf("ems_002", [3]));
  // No close(): the samples since the last note are found in the journal itself.
  const second = new JournalFile(path, limits);
  const newest = (journal: JournalFile) =>
    Object.fromEntries(journal.latest().map(({ deviceId, observedAtMs }) => [deviceId, observedAtMs]));
  expect(newest(second)).toEqual({ ems_001: 499, ems_002: 7 });
  second.close();
  const third = new JournalFile(path, limits);
  expect(newest(third)).toEqual({ ems_001: 499, ems_002: 7 });
  third.close();
});

test("stays within its size: the oldest samples go, the newest stay", () => {
  const path = temporaryPath();
  const journal = new JournalFile(path, { journalBytesMax: 1024 * 1024 });
  const text = (): string =>
    Array.from({ length: 500 }, () => Math.random().toString(36))
      .join("")
      .slice(0, 5_000);
  for (let row = 0; row < 3_000; row++) {
    journal.append(batchOf("ems_001", [row], text()));
    journal.tidy();
  }
  const query = { deviceId: "ems_001", fromMs: 0, toMs: 10_000, limit: 10_000 };
  const kept = journal.samples(query).map(({ observedAtMs }) => observedAtMs);
  expect(kept.at(-1)).toBe(2_999);
  expect(kept[0]).toBeGreaterThan(0);
  expect(kept.length).toBeGreaterThan(10);
  expect(statSync(path).size).toBeLessThan(2 * 1024 * 1024);
  journal.close();
});

test("keeps the newest row whatever the bound, and stores what was offered twice once", () => {
  const journal = new JournalFile(temporaryPath(), { journalBytesMax: 1 });
  for (let row = 0; row < 5; row++) {
    journal.append(batchOf("ems_001", [row * 1_000 + 1, row * 1_000 + 2]));
    journal.tidy();
  }
  const all = { deviceId: "ems_001", fromMs: 0, toMs: 10_000, limit: 100 };
  expect(journal.samples(all).map(({ observedAtMs }) => observedAtMs)).toEqual([4_001, 4_002]);
  journal.close();

  const twice = new JournalFile(temporaryPath(), limits);
  for (let time = 0; time < 2; time++) twice.append(batchOf("ems_001", [1, 2, 3]));
  expect(twice.samples(all).map(({ observedAtMs }) => observedAtMs)).toEqual([1, 2, 3]);
  twice.close();
});
