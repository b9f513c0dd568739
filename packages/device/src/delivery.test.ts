import { describe, expect, test } from "vitest";
import { firstWelcome, seqs, startKeeping, welcomed } from "./delivery.fixture.ts";

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
    // A link on which nothing has come for so long may be dead: what is sent there is kept.
    send(2);
    link().ping();
    send(3);
    clock.advance(59_000);
    send(4);
    expect(seqs(live())).toEqual([1, 2, undefined, undefined]);
    expect(backfill()).toEqual([]);
    expect(device.waiting).toBe(2);
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
