// What a device sends, and when: live first, backfill beside it at the server's pace, what is missing again, what is durable never
// (docs/adr/0070-nothing-lost.md). The server is scripted; each SDK runs in a process of its own.

import { eventually } from "@wattboard/testing";
import { expect, test } from "vitest";
import { numbers, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";
import { forEachSdk, type Sdk, type SdkProcess } from "./sdk-process.ts";

interface Pair {
  readonly server: ScriptedServer;
  readonly device: SdkProcess;
}

async function startPair(sdk: Sdk, options: { speaksSubprotocol?: boolean; answer?: number } = {}): Promise<Pair> {
  const server = await startScriptedServer(options);
  if (options.answer !== undefined) server.answer = { status: options.answer };
  return { server, device: sdk.start({ url: server.url, journal: "memory" }) };
}

/** A device that measured `count` samples before there was any link. */
async function startWithBacklog(sdk: Sdk, count: number): Promise<Pair> {
  const pair = await startPair(sdk, { answer: 503 });
  await pair.device.send(1, count);
  pair.server.answer = undefined;
  return pair;
}

forEachSdk("delivery", (sdk) => {
  test("says hello with its journal, and sends live samples with their number first, without waiting for an answer", async () => {
    const { server, device } = await startPair(sdk);
    const link = await server.link(0);
    const hello = await link.hello();
    expect(link.request.headers.authorization).toBe("Bearer a-token-of-the-suite");
    expect(link.request.url).toBe("/ws/device/ems_001");
    expect(hello).toMatchObject({ journal: { first_seq: 1, last_seq: 0 }, commands: { RESET_ERROR: {} } });
    expect(Date.parse(String(hello.device_time))).not.toBeNaN();
    await device.send(1, 5);
    await eventually(() => expect(link.seqs("live")).toEqual([1, 2, 3, 4, 5]));
    for (const { text, timestamp, n, seq } of link.samples) {
      expect(text.startsWith(`{"seq":${seq},`)).toBe(true);
      expect(JSON.parse(text)).toMatchObject({ device_id: "ems_001", solar: { power: n } });
      expect(Date.parse(timestamp)).not.toBeNaN();
    }
    expect(link.frames("hello")).toHaveLength(1);
  });

  test("after an outage sends what it measured, oldest first, and what is new at once beside it", async () => {
    const { server, device } = await startWithBacklog(sdk, 40);
    const link = await server.link(0);
    expect((await link.hello()).journal).toMatchObject({ first_seq: 1, last_seq: 40 });
    await device.send(41);
    await eventually(() => expect(link.seqs("live")).toEqual([41]));
    // Until the server has said what it has, nothing old goes out.
    expect(link.seqs("backfill")).toEqual([]);
    await link.welcome({ pace: 20 });
    await eventually(() => expect(link.seqs("backfill").length).toBeGreaterThan(0));
    await device.send(42);
    await eventually(() => expect(link.seqs("live")).toEqual([41, 42]));
    await eventually(() => {
      link.ack(link.seqs("backfill").length, [[41, 42]]);
      expect(link.seqs("backfill")).toEqual(numbers(1, 40));
    });
    expect(link.samples.map(({ n, seq }) => n - seq)).toEqual(Array(42).fill(0));
  });

  test("leaves out what the server says is durable", async () => {
    const { server } = await startWithBacklog(sdk, 12);
    const link = await server.link(0);
    await link.welcome({
      durableSeq: 3,
      ranges: [
        [6, 7],
        [12, 12],
      ],
    });
    await eventually(() => expect(link.seqs("backfill")).toEqual([4, 5, 8, 9, 10, 11]));
  });

  test("has at most two seconds' worth of backfill that is not acknowledged, and goes on with each ack", async () => {
    const { server } = await startWithBacklog(sdk, 50);
    const link = await server.link(0);
    await link.welcome({ pace: 10 });
    await eventually(() => expect(link.seqs("backfill")).toEqual(numbers(1, 20)));
    // As long as the first 20 took, and nothing more comes.
    for (let turn = 0; turn < 20; turn++) await link.settle();
    expect(link.seqs("backfill")).toEqual(numbers(1, 20));
    link.ack(5);
    await eventually(() => expect(link.seqs("backfill")).toEqual(numbers(1, 25)));
    link.ack(25);
    await eventually(() => expect(link.seqs("backfill")).toEqual(numbers(1, 45)));
  });

  test("pauses backfill at pace 0, sends live samples all the same, and goes on when it may", async () => {
    const { server, device } = await startWithBacklog(sdk, 10);
    const link = await server.link(0);
    await link.welcome({ pace: 0 });
    await device.send(11, 15);
    await eventually(() => expect(link.seqs("live")).toEqual(numbers(11, 15)));
    expect(link.seqs("backfill")).toEqual([]);
    link.send({ type: "pace", backfill: 100 });
    await eventually(() => expect(link.seqs("backfill")).toEqual(numbers(1, 10)));
  });

  test("sends again, as backfill, what the server did not get: sent before something that is durable, and is not", async () => {
    const { server, device } = await startPair(sdk);
    const link = await server.link(0);
    await link.welcome();
    await device.send(1, 9);
    await eventually(() => expect(link.seqs("live")).toEqual(numbers(1, 9)));
    // 8 and 9 may be on their way.
    link.ack(2, [
      [4, 4],
      [7, 7],
    ]);
    await eventually(() => expect(link.seqs("backfill")).toEqual([3, 5, 6]));
    link.ack(9);
    await device.send(10);
    await eventually(() => expect(link.seqs("live")).toEqual(numbers(1, 10)));
    expect(link.seqs("backfill")).toEqual([3, 5, 6]);
  });

  test("does not send backfill again while it is on its way, though live samples of higher numbers are acknowledged", async () => {
    const { server, device } = await startWithBacklog(sdk, 5);
    const link = await server.link(0);
    await link.hello();
    await device.send(6, 8);
    await eventually(() => expect(link.seqs("live")).toEqual([6, 7, 8]));
    await link.welcome();
    await eventually(() => expect(link.seqs("backfill")).toEqual(numbers(1, 5)));
    link.ack(0, [[6, 8]]);
    link.ack(0, [[6, 8]]);
    await device.send(9);
    await eventually(() => expect(link.seqs("live")).toEqual([6, 7, 8, 9]));
    expect(link.seqs("backfill")).toEqual(numbers(1, 5));
    // What was sent after it is durable now: it did not arrive.
    link.ack(0, [[6, 9]]);
    await eventually(() => expect(link.seqs("backfill")).toEqual([...numbers(1, 5), ...numbers(1, 5)]));
  });

  test("counts as not sent what nobody has acknowledged for 30 s", async () => {
    const { server, device } = await startPair(sdk);
    const link = await server.link(0);
    await link.welcome();
    await device.send(1, 3);
    await eventually(() => expect(link.seqs("live")).toEqual([1, 2, 3]));
    await eventually(() => expect(link.seqs("backfill")).toEqual([1, 2, 3]), { withinMs: 20_000 });
  });

  test("brings back on the next link what was not acknowledged on the last, letter by letter and with its number", async () => {
    const { server, device } = await startPair(sdk);
    const first = await server.link(0);
    await first.welcome();
    await device.send(1, 6);
    await eventually(() => expect(first.seqs("live")).toEqual(numbers(1, 6)));
    first.ack(2);
    await first.settle();
    first.cut();
    const second = await server.link(1);
    expect((await second.hello()).journal).toMatchObject({ last_seq: 6 });
    await second.welcome({ durableSeq: 2 });
    await eventually(() => expect(second.seqs("backfill")).toEqual([3, 4, 5, 6]));
    const before = first.samples.slice(2).map(({ text }) => text);
    const [backfill = ""] = second.texts.filter((text) => text.startsWith('{"type":"backfill"'));
    expect(backfill).toBe(`{"type":"backfill","samples":[${before.join(",")}]}`);
  });

  test("does not give another registration what was stored for the one before", async () => {
    const { server, device } = await startPair(sdk);
    const first = await server.link(0);
    await first.welcome({ epoch: 7 });
    await device.send(1, 6);
    await eventually(() => expect(first.seqs("live")).toEqual(numbers(1, 6)));
    first.ack(4);
    await first.settle();
    first.cut();
    const second = await server.link(1);
    await second.welcome({ epoch: 8 });
    await eventually(() => expect(second.seqs("backfill")).toEqual([5, 6]));
    await eventually(() => expect(second.gaps).toEqual([1, 2, 3, 4]));
  });

  test("keeps to the frames that the server takes, and to 256 samples in each", async () => {
    const { server, device } = await startPair(sdk, { answer: 503 });
    await device.send(1, 40, 500);
    await device.send(41, 640);
    server.answer = undefined;
    const link = await server.link(0);
    await link.welcome({ pace: 2_000, frameBytes: 4_000 });
    await eventually(
      () => {
        link.ack(Math.max(0, ...link.seqs("backfill")));
        expect(link.seqs("backfill")).toEqual(numbers(1, 640));
      },
      { withinMs: 20_000 },
    );
    for (const text of link.texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4_000);
    for (const { samples } of link.frames("backfill")) expect((samples as unknown[]).length).toBeLessThanOrEqual(256);
  });

  test("is not led astray by acks that come late, twice, in another order, or make no sense", async () => {
    const { server, device } = await startPair(sdk);
    const link = await server.link(0);
    await link.welcome();
    await device.send(1, 6);
    await eventually(() => expect(link.seqs("live")).toEqual(numbers(1, 6)));
    link.ack(4);
    link.ack(2);
    link.ack(4);
    const nonsense = [
      '{"type":"ack"}',
      '{"type":"ack","seq":-1}',
      '{"type":"ack","seq":"6"}',
      '{"type":"ack","seq":1e99}',
      '{"type":"ack","seq":4,"ranges":[[6]]}',
      '{"type":"ack","seq":4,"ranges":{"6":6}}',
      '{"type":"ack","seq":4,"ranges":[["a","b"]]}',
      '{"type":"pace","backfill":-5}',
      '{"type":"pace","backfill":null}',
      '{"type":"welcome"}',
      '{"type":"welcome","server_time":5,"journal_id":7}',
      '{"type":"of-a-later-version","seq":6}',
      "[]",
      "null",
      "{",
    ];
    for (const text of nonsense) link.send(text);
    link.send({ type: "welcome", server_time: "", epoch: 1, journal_id: "another", durable_seq: 1_000 });
    link.send(Buffer.from([1, 2, 3]));
    // What is above the newest sample cannot have been stored: the next one is sent and kept all the same.
    link.ack(1_000);
    await link.settle();
    await device.send(7);
    await eventually(() => expect(link.seqs("live")).toEqual(numbers(1, 7)));
    expect(link.seqs("backfill")).toEqual([]);
    expect(server.links).toHaveLength(1);
    link.cut();
    const next = await server.link(1);
    await next.welcome({ durableSeq: 6 });
    await eventually(() => expect(next.seqs("backfill")).toEqual([7]));
  });

  test("sends to a server that knows wattboard.v1 and no journals live, and nothing old", async () => {
    const { server, device } = await startWithBacklog(sdk, 3);
    const link = await server.link(0);
    await link.hello();
    await device.send(4, 6);
    await eventually(() => expect(link.samples.map(({ n }) => n)).toEqual([4, 5, 6]));
    await link.settle();
    expect(link.frames("backfill")).toEqual([]);
    expect(link.frames("gap")).toEqual([]);
  });

  test.skipIf(!sdk.takesPlainServers)(
    "sends to a plain server what the seeds' devices send: no hello, no number",
    async () => {
      const { server, device } = await startPair(sdk, { speaksSubprotocol: false });
      const link = await server.link(0);
      await eventually(() => expect(device.of("status").at(-1)?.state).toBe("online"));
      await device.send(1, 3);
      await eventually(() => expect(link.texts).toHaveLength(3));
      for (const text of link.texts) {
        const message = JSON.parse(text) as object;
        expect(Object.keys(message)).toEqual(["device_id", "timestamp", "solar", "load"]);
      }
    },
  );
});
