import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { settle, startKeeping, welcomed } from "./delivery.fixture.ts";
import { memoryJournal } from "./memory-journal.ts";

describe("the journal's end", () => {
  test("loses the oldest, counts and tells them, and declares a gap", () => {
    const { device, clock, link, send, welcome, gaps, backfill, journal, notices } = startKeeping({
      journal: memoryJournal({ bytesMax: 1_000 }),
    });
    for (let soc = 1; soc <= 50; soc++) {
      send(soc);
      clock.advance(10);
    }
    const { lost } = device.counters;
    expect(lost).toBeGreaterThan(35);
    expect(device.waiting).toBe(50 - lost);
    expect(notices.filter(({ code }) => code === "journal_full")).toHaveLength(1);
    link().accept();
    expect(journal()).toMatchObject({ first_seq: lost + 1, last_seq: 50 });
    welcome();
    clock.advance(250);
    expect(gaps()).toEqual([{ type: "gap", from_seq: 1, to_seq: lost, to: expect.any(String), reason: "overflow" }]);
    expect(backfill()).toEqual([Array.from({ length: 50 - lost }, (_, index) => lost + 1 + index)]);
  });

  test("is nothing to an acknowledged sample", () => {
    const { device, send, ack } = welcomed();
    for (let soc = 1; soc <= 20_000; soc++) {
      send(soc % 100);
      ack(soc);
    }
    expect(device.counters).toMatchObject({ stored: 20_000, lost: 0 });
  });
});

describe("a server that was restored from a backup", () => {
  test("is told what the device does not hold any longer", () => {
    const { clock, send, ack, relink, welcome, gaps } = welcomed();
    for (let soc = 1; soc <= 5; soc++) send(soc);
    ack(5);
    relink();
    welcome({ durable_seq: 2 });
    clock.advance(250);
    expect(gaps()).toEqual([{ type: "gap", from_seq: 3, to_seq: 5, reason: "lost" }]);
  });
});

describe("a journal on disk", () => {
  function folder(): string {
    const path = mkdtempSync(join(tmpdir(), "wattboard-journal-"));
    onTestFinished(() => rmSync(path, { recursive: true, force: true }));
    return path;
  }

  test("gives a server that was restored from a backup what it lacks", () => {
    const { clock, link, send, ack, relink, welcome, backfill } = startKeeping({ journal: folder() });
    link().accept();
    welcome();
    for (let soc = 1; soc <= 5; soc++) send(soc);
    ack(5);
    relink();
    welcome({ durable_seq: 2 });
    clock.advance(250);
    expect(backfill()).toEqual([[3, 4, 5]]);
  });

  test("does not give another registration what was stored for the one before", () => {
    const { clock, link, send, ack, relink, welcome, backfill, gaps } = startKeeping({ journal: folder() });
    link().accept();
    welcome();
    for (let soc = 1; soc <= 5; soc++) send(soc);
    ack(4);
    relink();
    welcome({ epoch: 8 });
    clock.advance(250);
    expect(gaps()).toEqual([{ type: "gap", from_seq: 1, to_seq: 4, reason: "lost" }]);
    expect(backfill()).toEqual([[5]]);
  });

  test("whose end is gone gives new numbers to what has the numbers of samples that the server knows", async () => {
    const { clock, link, send, welcome, backfill, notices } = startKeeping({ journal: folder() });
    for (let soc = 1; soc <= 3; soc++) send(soc);
    link().accept();
    welcome({ durable_seq: 5 });
    await settle();
    clock.advance(250);
    expect(backfill()).toEqual([[6, 7, 8]]);
    expect(link().sent.at(-1)).toMatch(/"seq":6,.*"soc":1.*"seq":8,.*"soc":3/);
    expect(notices.map(({ code }) => code)).toContain("journal_damaged");
  });
});

describe("stopping", () => {
  test("waits until the server has stored what is only in memory", async () => {
    const { device, link, send, ack } = welcomed();
    send(1);
    const stopped = device.stop();
    expect(send(2)).toBe(false);
    await Promise.resolve();
    expect(link().closing).toBeUndefined();
    ack(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(link().closing).toMatchObject({ code: 1000 });
    link().end(1000);
    await stopped;
  });

  test("waits for 3 s at most", async () => {
    const { device, clock, link, send } = welcomed();
    send(1);
    const stopped = device.stop();
    clock.advance(3_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(link().closing).toMatchObject({ code: 1000 });
    link().end(1000);
    await stopped;
    expect(clock.waiting).toBe(0);
  });

  test("flush tells whether the server has stored everything", async () => {
    const { device, clock, send, ack } = welcomed();
    send(1);
    const first = device.flush();
    await new Promise((resolve) => setImmediate(resolve));
    ack(1);
    expect(await first).toBe(true);
    send(2);
    const second = device.flush(1_000);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1_000);
    expect(await second).toBe(false);
  });
});
