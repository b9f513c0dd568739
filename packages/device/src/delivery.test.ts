import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { firstWelcome, settle, startKeeping } from "./delivery.fixture.ts";
import { memoryJournal } from "./memory-journal.ts";

/** A device whose second welcome has come, and that had sent nothing before. */
function welcomed(more: Record<string, unknown> = {}) {
  const started = startKeeping();
  started.link().accept();
  started.link().push(firstWelcome);
  started.welcome(more);
  return started;
}

const seqs = (frames: readonly Record<string, unknown>[]) => frames.map(({ seq }) => seq);

describe("a live sample", () => {
  test("goes out at once with its number in front, before any welcome", () => {
    const { link, send, live, journal } = startKeeping();
    link().accept();
    expect(send(85)).toBe(true);
    expect(send(86)).toBe(true);
    expect(journal()).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), first_seq: 1, last_seq: 0 });
    expect(link().sent[1]).toMatch(/^\{"seq":1,"device_id":"ems_001","timestamp":/);
    expect(seqs(live())).toEqual([1, 2]);
  });

  test("has no number but its own", () => {
    const { link, device, live } = startKeeping();
    link().accept();
    device.send({ seq: 99, battery: { soc: 1 } } as never);
    expect(seqs(live())).toEqual([1]);
  });

  test("that a congested link does not take is kept, and sent when it does", () => {
    const { device, clock, link, send, live, backfill } = welcomed();
    link().waitingBytes = 256 * 1024 + 1;
    expect(send(1)).toBe(true);
    clock.advance(1_000);
    expect([live(), backfill()]).toEqual([[], []]);
    link().waitingBytes = 0;
    clock.advance(1_000);
    expect(backfill()).toEqual([[1]]);
    expect(device.counters.skippedCongested).toBe(0);
  });
});

describe("after an outage", () => {
  test("live samples go at once, and what was measured meanwhile beside them, oldest first", () => {
    const { clock, link, send, welcome, live, backfill, journal } = startKeeping();
    for (let soc = 1; soc <= 10; soc++) expect(send(soc)).toBe(true);
    link().accept();
    link().push(firstWelcome);
    send(11);
    expect(journal()).toMatchObject({ first_seq: 1, last_seq: 10 });
    expect(backfill()).toEqual([]);
    welcome();
    send(12);
    clock.advance(250);
    expect(seqs(live())).toEqual([11, 12]);
    expect(backfill()).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]);
  });

  test("each has its own time and message", () => {
    const { clock, link, send, welcome } = startKeeping();
    send(85);
    clock.advance(2_000);
    link().accept();
    welcome();
    clock.advance(250);
    expect(JSON.parse(link().sent.at(-1) ?? "")).toEqual({
      type: "backfill",
      samples: [{ seq: 1, device_id: "ems_001", timestamp: "2026-01-31T12:00:00.000Z", battery: { soc: 85 } }],
    });
  });

  test("only what is neither durable nor sent on this link comes again", () => {
    const { clock, link, send, welcome, backfill } = startKeeping();
    for (let soc = 1; soc <= 10; soc++) send(soc);
    link().accept();
    send(11);
    welcome({
      durable_seq: 2,
      durable_ranges: [
        [4, 5],
        [8, 8],
      ],
    });
    clock.advance(250);
    expect(backfill()).toEqual([[3], [6, 7], [9, 10]]);
  });

  test("`read` has gone on, once a second", () => {
    let reads = 0;
    const { clock, link, welcome, backfill } = startKeeping({ read: () => ({ battery: { soc: ++reads % 100 } }) });
    clock.advance(9_500);
    link().accept();
    welcome();
    clock.advance(250);
    expect(reads).toBe(10);
    expect(backfill()).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]);
  });

  test("frames are no longer than the server takes", () => {
    const { clock, link, device, welcome } = startKeeping();
    for (let index = 0; index < 20; index++) device.send({ notes: { text: "å".repeat(120) }, battery: { soc: index } });
    link().accept();
    welcome({ limits: { frame_bytes: 1_000, messages_per_second: 50 } });
    clock.advance(250);
    const frames = link().sent.filter((text) => text.includes("backfill"));
    expect(frames.length).toBeGreaterThan(5);
    expect(frames.every((text) => Buffer.byteLength(text) <= 1_000)).toBe(true);
    expect(frames.flatMap((text) => JSON.parse(text).samples)).toHaveLength(20);
  });

  test("what fits in no frame of this server is declared lost, and told", () => {
    const { clock, link, device, send, welcome, gaps, backfill, notices } = startKeeping();
    device.send({ notes: { text: "x".repeat(2_000) }, battery: { soc: 1 } });
    send(2);
    link().accept();
    welcome({ limits: { frame_bytes: 1_000, messages_per_second: 50 } });
    clock.advance(250);
    expect(gaps()).toEqual([{ type: "gap", from_seq: 1, to_seq: 1, reason: "lost" }]);
    expect(backfill()).toEqual([[2]]);
    expect(notices.map(({ code }) => code)).toContain("sample_too_big");
  });
});

describe("the pace", () => {
  /** A device with so many samples that wait, linked and welcomed. */
  function withWaiting(samples: number, pace: number) {
    const started = startKeeping();
    for (let index = 0; index < samples; index++) started.send(index % 100);
    started.link().accept();
    started.welcome({ pace: { backfill: pace } });
    const sent = () => started.backfill().flat().length;
    return { ...started, sent };
  }

  test("is not exceeded in any second, and used in full while acks come", () => {
    const { clock, sent, ack } = withWaiting(1_000, 100);
    const bySecond: number[] = [];
    for (let second = 1; second <= 8; second++) {
      const before = sent();
      for (let turn = 0; turn < 4; turn++) {
        clock.advance(250);
        ack(sent());
      }
      bySecond.push(sent() - before);
    }
    expect(bySecond).toEqual([100, 100, 100, 100, 100, 100, 100, 100]);
  });

  test("leaves two seconds' worth unacknowledged at most", () => {
    const { clock, sent, ack } = withWaiting(1_000, 100);
    clock.advance(10_000);
    expect(sent()).toBe(200);
    ack(150);
    clock.advance(10_000);
    expect(sent()).toBe(350);
  });

  test("of 0 stops backfill until the next one; live samples go on", () => {
    const { clock, sent, send, live, link } = withWaiting(100, 0);
    clock.advance(20_000);
    send(1);
    expect([sent(), live().length]).toEqual([0, 1]);
    link().push({ type: "pace", backfill: 8 });
    clock.advance(1_000);
    expect(sent()).toBe(8);
    link().push({ type: "pace", backfill: 0 });
    clock.advance(5_000);
    expect(sent()).toBe(8);
  });

  test("of 0 for a device that had nothing to send is asked anew by one sample, when there is something", () => {
    const { clock, link, send, ack, backfill } = welcomed({ pace: { backfill: 0 } });
    for (let soc = 1; soc <= 9; soc++) send(soc);
    ack(0, [9, 9]);
    clock.advance(1_000);
    expect(backfill()).toEqual([[1]]);
    link().push({ type: "pace", backfill: 100 });
    clock.advance(250);
    expect(backfill()).toEqual([[1], [2, 3, 4, 5, 6, 7, 8]]);
  });

  test("may be less than one a second", () => {
    const { clock, sent, ack } = withWaiting(10, 0.5);
    for (let second = 0; second < 10; second++) {
      clock.advance(1_000);
      ack(sent());
    }
    expect(sent()).toBe(5);
  });
});

describe("what did not arrive", () => {
  test("is sent again as backfill as soon as something that was sent later is durable", () => {
    const { clock, send, ack, backfill } = welcomed();
    for (let soc = 1; soc <= 5; soc++) send(soc);
    ack(2, [4, 4]);
    clock.advance(250);
    expect(backfill()).toEqual([[3]]);
  });

  test("is told by the order of sending: backfill of a low number is on its way while a live sample is acknowledged", () => {
    const { clock, link, send, welcome, ack, backfill } = startKeeping();
    send(1);
    link().accept();
    send(2);
    welcome();
    clock.advance(250);
    expect(backfill()).toEqual([[1]]);
    ack(0, [2, 2]);
    clock.advance(1_000);
    expect(backfill()).toEqual([[1]]);
    send(3);
    ack(0, [2, 3]);
    clock.advance(1_000);
    expect(backfill()).toEqual([[1], [1]]);
  });

  test("is all that was sent, if no ack comes for 30 s", () => {
    const { clock, send, backfill } = welcomed();
    send(1);
    clock.advance(1_000);
    send(2);
    clock.advance(28_999);
    expect(backfill()).toEqual([]);
    clock.advance(1_000);
    expect(backfill()).toEqual([[1, 2]]);
  });

  test("is a last frame of backfill that no ack names for 30 s, though live samples are acknowledged", () => {
    const { clock, link, send, welcome, ack, backfill } = startKeeping();
    send(1);
    link().accept();
    welcome();
    clock.advance(250);
    for (let second = 1; second < 30; second++) {
      clock.advance(1_000);
      ack(0);
    }
    expect(backfill()).toEqual([[1]]);
    clock.advance(1_250);
    expect(backfill()).toEqual([[1], [1]]);
  });

  test("is nothing where acks come twice, late or in the wrong order", () => {
    const { device, clock, send, ack, backfill } = welcomed();
    for (let soc = 1; soc <= 9; soc++) send(soc);
    ack(6);
    ack(2);
    ack(9);
    ack(9);
    ack(3, [5, 5]);
    clock.advance(60_000);
    expect(backfill()).toEqual([]);
    expect(device.counters.stored).toBe(9);
    expect(device.waiting).toBe(0);
  });

  test("comes again on the next link, but for what is durable by then", () => {
    const { clock, send, ack, relink, welcome, live, backfill } = welcomed();
    for (let soc = 1; soc <= 6; soc++) send(soc);
    ack(2);
    relink();
    send(7);
    welcome({ durable_seq: 3, durable_ranges: [[5, 5]] });
    clock.advance(250);
    expect(seqs(live())).toEqual([7]);
    expect(backfill()).toEqual([[4], [6]]);
  });
});

describe("a server that does not know journals", () => {
  test("gets no numbers without the subprotocol, and nothing twice", () => {
    const { device, clock, link, send, live } = startKeeping();
    send(1);
    link().speaksSubprotocol = false;
    link().accept();
    send(2);
    clock.advance(50_000);
    expect(live()).toEqual([{ device_id: "ems_001", timestamp: expect.any(String), battery: { soc: 2 } }]);
    // What was measured without a link waits for a server that takes it.
    expect(device.waiting).toBe(1);
  });

  test("with the subprotocol is told so by its silence: samples have no numbers any more, and nothing comes twice", () => {
    const { device, clock, link, send, live, backfill } = startKeeping();
    link().accept();
    link().push(firstWelcome);
    send(1);
    clock.advance(30_000);
    send(2);
    link().ping();
    clock.advance(59_000);
    send(3);
    expect(seqs(live())).toEqual([1, undefined, undefined]);
    expect(backfill()).toEqual([]);
    expect(device.waiting).toBe(1);
  });

  test("is not one that gives a pace, however long its store takes for the welcome", () => {
    const { clock, link, send, live } = startKeeping();
    link().accept();
    link().push(firstWelcome);
    link().push({ type: "pace", backfill: 0 });
    clock.advance(31_000);
    link().ping();
    send(1);
    expect(seqs(live())).toEqual([1]);
  });

  test("is not one that has known this journal before, and whose store is away", () => {
    const { clock, send, ack, relink, live } = welcomed();
    send(1);
    ack(1);
    relink();
    clock.advance(31_000);
    send(2);
    expect(seqs(live())).toEqual([2]);
  });
});

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
