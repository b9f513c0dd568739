import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { AlarmJournal } from "./alarm-journal.ts";
import type { AlarmRow } from "./alarm-store.ts";

const onset = (key: string, sinceMs: number): AlarmRow => ({ table: "onset", ruleId: "rul_1", key, sinceMs });

/** A disk that takes what it is given when the test says so. */
class SlowDisk {
  readonly commits: { readonly rows: readonly AlarmRow[]; stored(): void; refused(): void }[] = [];

  commit(rows: readonly AlarmRow[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.commits.push({ rows, stored: resolve, refused: () => reject(new Error("no room")) });
    });
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

test("nothing is told before it is stored", async () => {
  const disk = new SlowDisk();
  const journal = new AlarmJournal(disk, new ManualClock(), { failed() {}, recovered() {} });
  const told: string[] = [];
  journal.save(onset("a", 1));
  journal.tell(() => told.push("a"));
  journal.flush();
  journal.save(onset("b", 2));
  journal.tell(() => told.push("b"));
  journal.flush();
  await settle();
  expect([disk.commits.length, told]).toEqual([1, []]);
  disk.commits[0]?.stored();
  await settle();
  expect([disk.commits.length, told]).toEqual([2, ["a"]]);
  disk.commits[1]?.stored();
  await settle();
  expect(told).toEqual(["a", "b"]);
});

test("what the disk refuses is told all the same, once, and offered again: of each row its newest state", async () => {
  const disk = new SlowDisk();
  const clock = new ManualClock();
  const seen: string[] = [];
  const journal = new AlarmJournal(disk, clock, {
    failed: () => seen.push("failed"),
    recovered: () => seen.push("recovered"),
  });
  journal.save(onset("a", 1));
  journal.save(onset("b", 1));
  journal.tell(() => seen.push("told"));
  journal.flush();
  disk.commits[0]?.refused();
  await settle();
  expect(seen).toEqual(["failed", "told"]);
  for (let sinceMs = 2; sinceMs < 1_000; sinceMs++) journal.save(onset("a", sinceMs));
  expect(journal.waitingCount).toBe(2);
  clock.advance(1_000);
  expect(disk.commits[1]?.rows).toEqual([onset("b", 1), onset("a", 999)]);
  disk.commits[1]?.stored();
  await settle();
  expect(seen).toEqual(["failed", "told", "recovered"]);
  expect(await journal.drain(1_000)).toBe(true);
});

test("the end waits for the disk, and not longer than it may", async () => {
  const disk = new SlowDisk();
  const clock = new ManualClock();
  const journal = new AlarmJournal(disk, clock, { failed() {}, recovered() {} });
  journal.save(onset("a", 1));
  const drained = journal.drain(2_000);
  clock.advance(2_000);
  expect(await drained).toBe(false);
});
