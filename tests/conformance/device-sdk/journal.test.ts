// The journal of a device beyond kill -9, a full journal and torn files (docs/adr/0070-nothing-lost.md): what the server does not get is declared.

import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@wattboard/testing";
import { expect, test } from "vitest";
import { numbers, type ScriptedLink, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";
import { forEachSdk, journalFolder } from "./sdk-process.ts";

const withinMs = 20_000;

/** Acknowledges all that comes until `isDone` throws no more. */
async function acknowledgeUntil(link: ScriptedLink, isDone: () => void): Promise<void> {
  await eventually(
    () => {
      const come = new Set([...link.samples.map(({ seq }) => seq), ...link.gaps]);
      link.ack(0, ranges(come));
      isDone();
    },
    { withinMs },
  );
}

function ranges(seqs: ReadonlySet<number>): [number, number][] {
  const found: [number, number][] = [];
  for (const seq of [...seqs].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last?.[1] === seq - 1) last[1] = seq;
    else found.push([seq, seq]);
  }
  return found.slice(0, 32);
}

/** The largest number that was ever given to a sample that came, or was declared. */
function highest(...links: ScriptedLink[]): number {
  return Math.max(0, ...links.flatMap((link) => link.samples.map(({ seq }) => seq)));
}

/** Every number up to the newest either came or was declared as lost. */
function expectAccounted(link: ScriptedLink, upTo: number): void {
  const known = new Set([...link.samples.map(({ seq }) => seq), ...link.gaps]);
  expect(numbers(1, upTo).filter((seq) => !known.has(seq))).toEqual([]);
}

/** The file of a journal in which most is written. */
function largestFile(folder: string): string {
  const paths = readdirSync(folder).map((name) => join(folder, name));
  const written = (path: string) => readFileSync(path).filter((byte) => byte !== 0).length;
  return paths.filter((path) => statSync(path).isFile()).sort((a, b) => written(b) - written(a))[0] as string;
}

async function offline(): Promise<ScriptedServer> {
  const server = await startScriptedServer();
  server.answer = { status: 503 };
  return server;
}

forEachSdk("the journal", (sdk) => {
  test("outlives kill -9: the same journal, the same numbers, and what was not acknowledged comes", async () => {
    const server = await startScriptedServer();
    const journal = journalFolder();
    const before = sdk.start({ url: server.url, journal });
    const first = await server.link(0);
    await first.welcome();
    await before.send(1, 8);
    await eventually(() => expect(first.seqs("live")).toEqual(numbers(1, 8)));
    // A journal may be written a second late.
    for (let turn = 0; turn < 100; turn++) await first.settle();
    await before.send(9);
    await before.send(10);
    await before.kill();

    const after = sdk.start({ url: server.url, journal });
    const second = await server.link(1);
    const hello = await second.hello();
    expect(hello.journal.id).toBe((await first.hello()).journal.id);
    expect(hello.journal).toMatchObject({ first_seq: 1 });
    await after.send(11, 12);
    await second.welcome({ durableSeq: 3 });
    await acknowledgeUntil(second, () =>
      expect(second.samples.map(({ n }) => n)).toEqual(expect.arrayContaining([11, 12])),
    );
    await acknowledgeUntil(second, () => {
      const come = second.samples.filter(({ n }) => n <= 8).map(({ n, seq }) => [n, seq]);
      expect(come).toEqual(numbers(4, 8).map((n) => [n, n]));
    });
    // No number of before stands for another sample now.
    const given = new Map(first.samples.map(({ seq, n }) => [seq, n]));
    for (const { seq, n } of second.samples) expect(given.get(seq) ?? n).toBe(n);
  });

  test("goes on without a hole after an orderly stop", async () => {
    const server = await offline();
    const journal = journalFolder();
    const before = sdk.start({ url: server.url, journal });
    await before.send(1, 5);
    await before.stop();
    expect(before.events.at(-1)).toEqual({ event: "stopped" });
    server.answer = undefined;
    const after = sdk.start({ url: server.url, journal });
    await after.send(6);
    const link = await server.link(0);
    await link.welcome();
    await acknowledgeUntil(link, () => expect(link.samples.map(({ seq }) => seq).sort()).toEqual(numbers(1, 6)));
    expect(link.gaps).toEqual([]);
  });

  test("in memory is another one at each start", async () => {
    const server = await startScriptedServer();
    const before = sdk.start({ url: server.url, journal: "memory" });
    const { journal } = await (await server.link(0)).hello();
    await before.send(1, 3);
    await before.kill();
    sdk.start({ url: server.url, journal: "memory" });
    const hello = await (await server.link(1)).hello();
    expect(hello.journal.id).not.toBe(journal.id);
    expect(hello.journal).toMatchObject({ first_seq: 1, last_seq: 0 });
  });

  test("gives a server that was restored from an older backup what it lacks", async () => {
    const server = await startScriptedServer();
    const device = sdk.start({ url: server.url, journal: journalFolder() });
    const first = await server.link(0);
    await first.welcome();
    await device.send(1, 10);
    await eventually(() => expect(first.seqs("live")).toEqual(numbers(1, 10)));
    first.ack(10);
    await device.send(11);
    await first.settle();
    first.close(1012, "restarting");
    const second = await server.link(1);
    await second.welcome({ durableSeq: 5 });
    await eventually(() => expect(second.seqs("backfill")).toEqual(numbers(6, 11)));
  });

  test("when it is full drops the oldest, and declares what was not acknowledged", async () => {
    const server = await offline();
    const device = sdk.start({ url: server.url, journal: journalFolder(), journalBytes: 600_000 });
    await device.send(1, 2_000, 500);
    server.answer = undefined;
    const link = await server.link(0);
    const { journal } = await link.hello();
    expect(journal.first_seq).toBeGreaterThan(1);
    expect(journal.last_seq).toBe(2_000);
    await link.welcome({ pace: 5_000 });
    await acknowledgeUntil(link, () => expectAccounted(link, 2_000));
    expect(link.gaps).toEqual(numbers(1, journal.first_seq - 1));
    expect(link.frames("gap").every(({ reason }) => reason === "overflow" || reason === "lost")).toBe(true);
    for (const { n, seq } of link.samples) expect(n).toBe(seq);
  });

  test("is refused to a second process, in words", async () => {
    const server = await startScriptedServer();
    const journal = journalFolder();
    const first = sdk.start({ url: server.url, journal });
    await (await server.link(0)).welcome();
    const second = sdk.start({ url: server.url, journal });
    await eventually(() => expect(second.of("failed")[0]?.message).toMatch(/in use by/), { withinMs });
    // The first one has it as before.
    await first.send(1);
    await eventually(async () => expect((await server.link(0)).seqs("live")).toEqual([1]), { withinMs });
  });

  test.each([
    ["cut in the middle", (bytes: Buffer) => bytes.subarray(0, Math.floor(lastByte(bytes) * 0.6))],
    ["cut to nothing", () => Buffer.alloc(0)],
    ["with flipped bits in the middle", (bytes: Buffer) => flipped(bytes, Math.floor(lastByte(bytes) * 0.5))],
    ["with flipped bits at its end", (bytes: Buffer) => flipped(bytes, lastByte(bytes) - 3)],
    ["with flipped bits at its start", (bytes: Buffer) => flipped(bytes, 5)],
    ["full of something else", (bytes: Buffer) => Buffer.alloc(bytes.length, "wattboard")],
  ])("%s starts, gives no number twice, and accounts for what it cannot read", async (_, damage) => {
    const server = await startScriptedServer();
    const journal = journalFolder();
    const before = sdk.start({ url: server.url, journal });
    const first = await server.link(0);
    await first.hello();
    await before.send(1, 100, 60);
    await before.stop();
    await eventually(() => expect(first.seqs("live").length).toBeGreaterThan(0));
    const path = largestFile(journal);
    const bytes = damage(readFileSync(path));
    truncateSync(path, 0);
    writeFileSync(path, bytes);

    const after = sdk.start({ url: server.url, journal });
    const second = await server.link(1);
    const sameJournal = (await second.hello()).journal.id === (await first.hello()).journal.id;
    await second.welcome({ pace: 2_000 });
    await after.send(1_001, 1_003);
    await acknowledgeUntil(second, () => {
      expect(second.samples.filter(({ n }) => n > 1_000).map(({ n }) => n)).toEqual([1_001, 1_002, 1_003]);
      expectAccounted(second, highest(second));
    });
    for (const { n, seq } of second.samples) {
      // In the same journal no number of before may stand for something new.
      if (sameJournal) expect(n === seq || seq > highest(first)).toBe(true);
    }
  });
});

function lastByte(bytes: Buffer): number {
  return bytes.findLastIndex((byte) => byte !== 0);
}

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  for (let index = at; index < at + 3; index++) changed[index] = (changed[index] ?? 0) ^ 0x55;
  return changed;
}
