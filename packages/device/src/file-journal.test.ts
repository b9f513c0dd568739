import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SeqRanges } from "@wattboard/protocol";
import { ManualSdkClock } from "@wattboard/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { settle } from "./delivery.fixture.ts";
import type { DeviceNotice } from "./device-notice.ts";
import { FileJournal, type FileJournalOptions, fileJournal } from "./file-journal.ts";
import { isGap, type JournalPart, type SampleJournal } from "./journal.ts";
import type { JournalFolder } from "./journal-folder.ts";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-journal-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function contextOf() {
  const clock = new ManualSdkClock();
  const notices: Pick<DeviceNotice, "level" | "code" | "message">[] = [];
  const dropped: [number, number][] = [];
  const context = {
    deviceId: "ems_001",
    clock,
    tell: (level: DeviceNotice["level"], code: DeviceNotice["code"], message: string) =>
      void notices.push({ level, code, message }),
    dropped: (from: number, to: number) => void dropped.push([from, to]),
  };
  return { context, clock, notices, dropped, codes: () => notices.map(({ code }) => code) };
}

function open(folder: string, options: FileJournalOptions = {}) {
  const given = contextOf();
  const journal = fileJournal(folder, options)(given.context);
  onTestFinished(() => journal.close());
  return { journal, ...given };
}

const text = (value: number) => JSON.stringify({ device_id: "ems_001", battery: { soc: value } });
/** As large as what simulators send, and so random that deflate has to work. */
const large = (value: number) =>
  JSON.stringify({ device_id: "ems_001", value, noise: Array.from({ length: 60 }, () => Math.random()) });

/** All entries from the first number on, in one list. */
async function readAll(journal: SampleJournal, from = 1): Promise<JournalPart[]> {
  const entries: JournalPart[] = [];
  for (let seq = from; seq <= journal.lastSeq; ) {
    const read = await journal.read(seq, journal.lastSeq, 100, 10_000);
    for (const entry of read) {
      expect(isGap(entry) ? entry.from_seq : entry.seq).toBe(seq);
      seq = isGap(entry) ? entry.to_seq + 1 : entry.seq + 1;
      entries.push(entry);
    }
  }
  return entries;
}

const gapsOf = (entries: readonly JournalPart[]) => entries.filter(isGap);
const samplesOf = (entries: readonly JournalPart[]) => entries.flatMap((entry) => (isGap(entry) ? [] : [entry.text]));

describe("a journal on disk", () => {
  test("gives back what was appended, before it is written and after, and goes on with its numbers after a restart", async () => {
    const folder = temporaryFolder();
    const first = open(folder).journal;
    const texts = Array.from({ length: 50 }, (_, index) => text(index));
    expect(texts.map((each) => first.append(each))).toEqual(texts.map((_, index) => index + 1));
    expect(samplesOf(await readAll(first))).toEqual(texts);
    await first.close();

    const { journal, notices } = open(folder);
    expect(journal).toMatchObject({ id: first.id, firstSeq: 1, lastSeq: 50 });
    expect(journal.append(text(51))).toBe(51);
    expect(samplesOf(await readAll(journal))).toEqual([...texts, text(51)]);
    expect(notices).toEqual([]);
  });

  test("remembers what is durable, and by which epoch", async () => {
    const folder = temporaryFolder();
    const { journal: first } = open(folder);
    for (let index = 0; index < 9; index++) first.append(text(index));
    first.acknowledge(SeqRanges.of(4, [[7, 8]]), 12);
    await first.close();
    expect(open(folder).journal).toMatchObject({ durableSeq: 4, epoch: 12 });
  });

  test("holds what is acknowledged as well, until its room is needed: a restored server asks for it", async () => {
    const { journal } = open(temporaryFolder());
    for (let index = 0; index < 9; index++) journal.append(text(index));
    journal.acknowledge(SeqRanges.of(9), 1);
    expect(samplesOf(await readAll(journal))).toHaveLength(9);
  });

  test("is written once a second, and synced every 3 s, beside the event loop", async () => {
    const { clock, context } = contextOf();
    const calls: string[] = [];
    const journal = new FileJournal(context, recordingFolder(calls));
    for (let second = 0; second < 60; second++) {
      journal.append(text(second));
      clock.advance(1_000);
      await settle();
    }
    await journal.close();
    const writes = calls.filter((call) => call.startsWith("write"));
    expect(writes.length).toBeLessThanOrEqual(62);
    expect(writes.length).toBeGreaterThanOrEqual(59);
    expect(calls.filter((call) => call === "sync").length).toBeLessThanOrEqual(22);
    expect(calls.at(-1)).toBe("close");
    expect(clock.waiting).toBe(0);
  });

  test("with nothing to write leaves the disk and the timers alone", async () => {
    const { clock, context } = contextOf();
    const calls: string[] = [];
    const journal = new FileJournal(context, recordingFolder(calls));
    journal.append(text(1));
    for (let second = 0; second < 10; second++) {
      clock.advance(1_000);
      await settle();
    }
    const before = calls.length;
    clock.advance(3_600_000);
    await settle();
    expect([calls.length, clock.waiting]).toEqual([before, 0]);
    await journal.close();
  });

  test("keeps within its bytes: the oldest segment goes, and is read as an overflow", async () => {
    const folder = temporaryFolder();
    const { journal, dropped } = open(folder, { bytesMax: 600_000 });
    for (let index = 0; index < 3_000; index++) {
      journal.append(large(index));
      if (index % 100 === 99) await journal.flush();
    }
    await journal.flush();
    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    expect(bytes).toBeLessThanOrEqual(600_000 + 100);
    expect(dropped.length).toBeGreaterThan(3);
    const to = dropped.at(-1)?.[1] ?? 0;
    expect(dropped[0]?.[0]).toBe(1);
    expect(journal.firstSeq).toBe(to + 1);
    const [gap, ...rest] = await readAll(journal);
    expect(gap).toEqual({ from_seq: 1, to_seq: to, to: expect.any(String), reason: "overflow" });
    expect(samplesOf(rest)).toHaveLength(3_000 - to);
    expect(gapsOf(rest)).toEqual([]);
  });

  test("of another device is not touched", async () => {
    const folder = temporaryFolder();
    const { journal } = open(folder);
    journal.append(text(1));
    await journal.close();
    const { context } = contextOf();
    expect(() => fileJournal(folder)({ ...context, deviceId: "ems_002" })).toThrow(/holds the samples of ems_001/);
    expect(open(folder).journal.lastSeq).toBe(1);
  });

  test("begins anew where numbers would come to their end", async () => {
    const folder = temporaryFolder();
    const { journal: first } = open(folder);
    first.skip(2 ** 32 - 1_000);
    first.append(text(1));
    await first.close();
    const { journal } = open(folder);
    expect(journal.lastSeq).toBe(0);
    expect(journal.id).not.toBe(first.id);
    journal.append(text(2));
    await journal.flush();
    expect(readdirSync(folder).filter((name) => name.endsWith(".journal"))).toHaveLength(1);
  });
});

describe("a folder", () => {
  test("is one device's at a time: another one in this process is refused, and told where and what to do", async () => {
    const folder = temporaryFolder();
    const { journal } = open(folder);
    const { context } = contextOf();
    const second = () => fileJournal(folder)(context);
    expect(second).toThrow(expect.objectContaining({ code: "journal_in_use" }));
    expect(second).toThrow(new RegExp(`${folder}.*Each device needs a folder of its own`));
    await journal.close();
    await second().close();
  });

  test("whose process has died is free, also if another process has its number now", () => {
    const folder = temporaryFolder();
    for (const lock of ["999999999 x", `${process.pid} another-boot/1`, `${process.ppid} another-boot/1`]) {
      writeFileSync(join(folder, "lock"), lock);
      void open(folder).journal.close();
      rmSync(join(folder, "lock"), { force: true });
    }
  });

  test("that cannot be used makes samples go to memory, with a notice", () => {
    const file = join(temporaryFolder(), "file");
    writeFileSync(file, "");
    const { journal, notices } = open(join(file, "journal"));
    expect(journal.isLasting).toBe(false);
    expect(notices).toMatchObject([{ level: "error", code: "journal_failed" }]);
    expect(journal.append(text(1))).toBe(1);
  });

  test("that refuses later makes them stay in memory, tells it once, and gets them all when it can", async () => {
    const { context, clock, codes, dropped } = contextOf();
    const calls: string[] = [];
    const folder = recordingFolder(calls);
    const journal = new FileJournal(context, folder);
    journal.append(text(0));
    await journal.flush();
    folder.fault = new Error("ENOSPC");
    for (let index = 1; index < 60; index++) {
      journal.append(text(index));
      clock.advance(1_000);
      await settle();
    }
    expect(codes()).toEqual(["journal_failed"]);
    expect(samplesOf(await readAll(journal))).toHaveLength(60);
    folder.fault = null;
    clock.advance(10_000);
    await settle();
    expect(codes()).toEqual(["journal_failed", "journal_failed"]);
    const again = new FileJournal(contextOf().context, folder);
    expect(samplesOf(await readAll(again)).slice(0, 60)).toEqual(Array.from({ length: 60 }, (_, index) => text(index)));
    expect(dropped).toEqual([]);
  });

  test("that refuses for long costs the oldest of what is only in memory, and a bounded amount of it", async () => {
    const { context, clock, dropped } = contextOf();
    const folder = recordingFolder([]);
    folder.fault = new Error("EIO");
    const journal = new FileJournal(context, folder);
    for (let index = 0; index < 4_000; index++) {
      journal.append(large(index));
      if (index % 50 === 0) clock.advance(1_000);
      if (index % 50 === 0) await settle();
    }
    const to = dropped.at(-1)?.[1] ?? 0;
    expect(to).toBeGreaterThan(0);
    const [gap, ...rest] = await readAll(journal);
    expect(gap).toMatchObject({ from_seq: 1, to_seq: to, reason: "overflow" });
    expect(samplesOf(rest)).toHaveLength(4_000 - to);
  });
});

describe("after a crash", () => {
  test("numbers that may have been sent are not given again, and are read as lost", async () => {
    const files = recordingFolder([]);
    const first = new FileJournal(contextOf().context, files);
    for (let index = 0; index < 5; index++) first.append(text(index));
    await first.flush();
    first.append(text(5));
    const journal = new FileJournal(contextOf().context, files);
    expect(journal.lastSeq).toBeGreaterThanOrEqual(6);
    const seq = journal.append(text(6));
    expect(gapsOf(await readAll(journal))).toEqual([
      { from_seq: 6, to_seq: seq - 1, from: expect.any(String), to: expect.any(String), reason: "lost" },
    ]);
  });

  test("a torn tail is cut, and the rest is good", async () => {
    const files = recordingFolder([]);
    const first = new FileJournal(contextOf().context, files);
    for (let index = 0; index < 20; index++) {
      first.append(text(index));
      await first.flush();
    }
    const [name = ""] = files.files.keys();
    const bytes = files.files.get(name) ?? Buffer.alloc(0);
    const end = bytes.findLastIndex((byte) => byte !== 0);
    bytes.fill(0, end - 3);
    const { context, codes } = contextOf();
    const journal = new FileJournal(context, files);
    expect(samplesOf(await readAll(journal))).toEqual(Array.from({ length: 19 }, (_, index) => text(index)));
    expect(codes()).toEqual(["journal_damaged"]);
    journal.append(text(99));
    await journal.flush();
    const again = contextOf();
    expect(samplesOf(await readAll(new FileJournal(again.context, files))).at(-1)).toBe(text(99));
    expect(again.codes()).toEqual([]);
  });
});

/** A folder in memory that says what it was asked for, and fails as long as it has a fault. */
function recordingFolder(
  calls: string[],
): JournalFolder & { fault: Error | null; readonly files: Map<string, Buffer> } {
  const files = new Map<string, Buffer>();
  const folder = {
    fault: null as Error | null,
    files,
    names: () => [...files.keys()],
    readNow: (name: string) => Buffer.from(files.get(name) ?? []),
    read: async (name: string) => Buffer.from(files.get(name) ?? []),
    async write(name: string, bytes: Uint8Array, position: number) {
      calls.push(`write ${name} ${bytes.length}`);
      if (folder.fault !== null) throw folder.fault;
      const before = files.get(name) ?? Buffer.alloc(0);
      const after = Buffer.alloc(Math.max(before.length, position + bytes.length));
      before.copy(after);
      after.set(bytes, position);
      files.set(name, after);
    },
    async sync() {
      calls.push("sync");
      if (folder.fault !== null) throw folder.fault;
    },
    async remove(name: string) {
      files.delete(name);
    },
    async close() {
      calls.push("close");
    },
  };
  return folder;
}
