import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  connectDevice,
  type DeviceNotice,
  fileJournal,
  type JournalOpener,
  type JournalPart,
  type SampleJournal,
  systemClock,
} from "@wattboard/device";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { fill, mountDisk, unmountDisk } from "../support/disk.ts";
import { eventually } from "../support/eventually.ts";
import { seed as faultsSeed, rounds } from "../support/long-run.ts";
import { needs } from "../support/needs.ts";
import { temporaryFolder } from "../support/start-server.ts";

/**
 * Aim: whatever becomes of the files of a device's journal, what can be read is true, what cannot is named, the program goes on, and no number is
 * given twice.
 * Method: the files of a journal with several segments are cut at random places (1,000 in a long run), as a power failure does, and what comes behind is gone; then one
 * random bit is flipped, as often; each time the journal is opened and read as a whole. A process that writes is killed at random (kill -9), and what it
 * had said is compared with what it left. The folder is shared by two processes, and its disk is full. The seed stands in the titles:
 * `JOURNAL_SEED=… npx vitest run tests/faults/torn-journal.test.ts` goes through the same places again.
 */

const seed = Number(process.env.JOURNAL_SEED ?? faultsSeed);
const tries = rounds(300, 1_000);

/** Numbers from 0 to below 1 that a seed repeats (mulberry32). */
function randomOf(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const textOf = (seq: number, random: () => number) =>
  JSON.stringify({ device_id: "ems_001", seq_was: seq, values: Array.from({ length: 30 }, random) });

function openWith(open: JournalOpener): { journal: SampleJournal; notices: string[] } {
  const notices: string[] = [];
  const journal = open({
    deviceId: "ems_001",
    clock: systemClock,
    tell: (_level, code, message) => void notices.push(`${code}: ${message}`),
    dropped: () => {},
  });
  return { journal, notices };
}

async function readAll(journal: SampleJournal): Promise<JournalPart[]> {
  const entries: JournalPart[] = [];
  for (let seq = 1; seq <= journal.lastSeq; ) {
    for (const entry of await journal.read(seq, journal.lastSeq, 10_000, 10_000_000)) {
      const [from, to] = "text" in entry ? [entry.seq, entry.seq] : [entry.from_seq, entry.to_seq];
      if (from !== seq) throw new Error(`After ${seq - 1} came ${from}.`);
      seq = to + 1;
      entries.push(entry);
    }
  }
  return entries;
}

const filesOf = (folder: string) => readdirSync(folder).filter((name) => name.endsWith(".journal"));

/** In memory where there is such a folder: two thousand fsyncs of a disk would take minutes, and prove nothing here. */
function memoryFolder(): string {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "wattboard-journal-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A journal of several segments that was closed, and what it held, by number. */
async function written() {
  const folder = memoryFolder();
  const random = randomOf(seed);
  const texts = [""];
  const { journal } = openWith(fileJournal(folder, { bytesMax: 1_000_000 }));
  while (filesOf(folder).length < 3) {
    for (let count = 0; count < 6; count++) {
      texts.push(textOf(texts.length, random));
      journal.append(texts.at(-1) ?? "");
    }
    await journal.flush();
  }
  await journal.close();
  const names = filesOf(folder).sort();
  const files = new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
  const total = names.length * (files.get(names[0] ?? "")?.length ?? 0);
  const restore = () => {
    for (const name of filesOf(folder)) if (!files.has(name)) rmSync(join(folder, name));
    for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  };
  /** Which file a place of all of them lies in, and where in it. */
  const at = (place: number) => {
    const size = total / names.length;
    return { index: Math.floor(place / size), offset: Math.floor(place % size) };
  };
  return { folder, texts, names, files, total, restore, at, random };
}

describe("the files of a journal", () => {
  test(`cut at ${tries} random places lose a suffix and nothing else (seed ${seed})`, async () => {
    const { folder, texts, names, files, total, restore, at, random } = await written();
    let cutInside = 0;
    for (let round = 0; round < tries; round++) {
      restore();
      const { index, offset } = at(random() * total);
      for (const name of names.slice(index + 1)) rmSync(join(folder, name));
      const name = names[index] ?? "";
      const rest = files.get(name)?.subarray(0, offset) ?? Buffer.alloc(0);
      // Either the file is shorter, or it has its length and zeros or rubbish at its end: file systems differ.
      const tail = [Buffer.alloc(0), Buffer.alloc(500), Buffer.from(Array.from({ length: 500 }, () => random() * 256))];
      writeFileSync(join(folder, name), Buffer.concat([rest, tail[round % 3] ?? rest]));

      const { journal } = openWith(fileJournal(folder, { bytesMax: 1_000_000 }));
      const seq = journal.append(textOf(0, random));
      const entries = await readAll(journal);
      const kept = entries.filter((entry) => "text" in entry).slice(0, -1);
      expect(kept.filter(({ seq, text }, place) => seq !== place + 1 || text !== texts[seq])).toEqual([]);
      expect(seq).toBeGreaterThan(kept.length);
      if (kept.length > 0 && kept.length < texts.length - 1) cutInside++;
      await journal.close();
    }
    expect(cutInside).toBeGreaterThan(tries / 2);
  });

  test(`with one bit flipped, ${tries} times, lose one record or one segment, which is named (seed ${seed})`, async () => {
    const { folder, texts, names, files, total, restore, at, random } = await written();
    const firstOf = (name: string | undefined) => (name === undefined ? texts.length : Number(name.slice(0, 10)));
    let harmed = 0;
    let missedMost = 0;
    for (let round = 0; round < tries; round++) {
      restore();
      const { index, offset } = at(random() * total);
      const name = names[index] ?? "";
      const bytes = Buffer.from(files.get(name) ?? []);
      bytes[offset] = (bytes[offset] ?? 0) ^ (1 << Math.floor(random() * 8));
      writeFileSync(join(folder, name), bytes);

      const { journal, notices } = openWith(fileJournal(folder, { bytesMax: 1_000_000 }));
      const entries = await readAll(journal);
      const kept = new Map(entries.flatMap((entry) => ("text" in entry ? [[entry.seq, entry.text]] : [])));
      expect([...kept].filter(([seq, text]) => text !== texts[seq])).toEqual([]);
      const missing = texts.flatMap((_, seq) => (seq > 0 && !kept.has(seq) ? [seq] : []));
      expect(missing.every((seq) => seq >= firstOf(name) && seq < firstOf(names[index + 1]))).toBe(true);
      if (missing.length > 0) {
        harmed++;
        expect(notices.join()).toContain(name);
      }
      if (missing.length > 6) missedMost++;
      await journal.close();
    }
    expect(harmed).toBeGreaterThan(tries / 3);
    // Only what says whose the segment is, and what its samples are deflated with, takes all of it along.
    expect(missedMost).toBeLessThan(tries / 20);
  });
});

/** A program that has a journal, appends without end, and says each number that it gave. */
function startWriter(folder: string): { child: ChildProcess; said: () => number[]; errors: () => string } {
  const code = `
    import { connectDevice } from "@wattboard/device";
    const device = connectDevice({ deviceId: "ems_001", token: "t", url: "http://127.0.0.1:9", journal: ${JSON.stringify(folder)}, log: () => {} });
    setInterval(() => {
      device.send({ battery: { soc: 50 } });
      console.log(device.waiting);
    }, 10);`;
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const child = spawn("node", ["--input-type=module", "--eval", code], { cwd: root });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, said: () => out.split("\n").slice(0, -1).map(Number), errors: () => err };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

describe("a process that is killed", () => {
  test("leaves all that it had written a second before, and none of its numbers is given again", async () => {
    const folder = temporaryFolder();
    let before = 0;
    for (let round = 0; round < 4; round++) {
      const { child, said } = startWriter(folder);
      await eventually(() => expect(said().length).toBeGreaterThan(50 + 40 * round), { withinMs: 20_000 });
      await kill(child);
      const { journal } = openWith(fileJournal(folder));
      // `waiting` counts from the first number on, so it was the last number given.
      expect(journal.lastSeq).toBeGreaterThanOrEqual(said().at(-1) ?? 0);
      expect(journal.lastSeq).toBeGreaterThan(before);
      before = journal.lastSeq;
      const entries = await readAll(journal);
      expect(entries.some((entry) => "text" in entry)).toBe(true);
      expect(entries.flatMap((entry) => ("text" in entry ? [] : [entry.reason]))).not.toContain("damaged");
      await journal.close();
    }
  });
});

describe("a folder that two processes want", () => {
  test("is refused to the second as long as the first lives, with what to do", async () => {
    const folder = temporaryFolder();
    const first = startWriter(folder);
    await eventually(() => expect(first.said().length).toBeGreaterThan(0), { withinMs: 20_000 });
    const connect = () =>
      connectDevice({ deviceId: "ems_001", token: "t", url: "http://127.0.0.1:9", journal: folder, log: () => {} });
    expect(connect).toThrow(/is in use by the process.*Each device needs a folder of its own/);
    const second = startWriter(folder);
    await eventually(() => expect(second.errors()).toContain("journal_in_use"), { withinMs: 20_000 });
    await kill(first.child);
    await connect().stop();
  });
});

const disk = mountDisk("600k");
afterAll(() => {
  if (disk !== null) unmountDisk(disk);
});

needs("mount", disk !== null)("a disk that is full", () => {
  test("leaves samples in memory, tells it, and gets them when there is room", async () => {
    const notices: DeviceNotice[] = [];
    const device = connectDevice({
      deviceId: "ems_001",
      token: "t",
      url: "http://127.0.0.1:9",
      journal: join(disk ?? "", "journal"),
      log: (notice) => notices.push(notice),
    });
    onTestFinished(() => device.stop());
    const makeRoom = fill(disk ?? "");
    for (let index = 0; index < 100; index++) expect(device.send({ battery: { soc: index } })).toBe(true);
    await device.flush(0);
    expect(notices.map(({ code }) => code)).toContain("journal_failed");
    makeRoom();
    await device.stop();
    const { journal } = openWith(fileJournal(join(disk ?? "", "journal")));
    onTestFinished(() => journal.close());
    expect(await readAll(journal)).toHaveLength(100);
  });
});
