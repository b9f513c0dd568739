import { SeqRanges } from "@wattboard/protocol";
import { DuplexLink, duplexTransport, ManualSdkClock } from "@wattboard/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { connectDevice } from "./connect-device.ts";
import { firstWelcome, settle } from "./delivery.fixture.ts";
import type { Device } from "./device.ts";
import { FileJournal } from "./file-journal.ts";
import type { JournalOpener } from "./journal.ts";
import type { JournalFolder } from "./journal-folder.ts";
import { memoryJournal } from "./memory-journal.ts";

/**
 * Method: a device, and a server of a page that does what ADR 70 says, go through random faults: frames that are dropped for their rate, commits that come
 * late, acks that come late and out of order, links that are cut, servers that restart with their queue lost, a store that is away, a pace of 0, and
 * programs that are killed. Then a quiet phase, in which everything must be stored: each sample once, under one number.
 */

type Step = "send" | "wait" | "drop" | "commit" | "ack" | "old ack" | "cut" | "restart" | "pause" | "kill";

interface Server {
  /** By number: what is stored, or waits in the queue to the store. */
  readonly stored: Map<number, number>;
  queue: [number, number][];
  pace: number;
  drops: number;
}

/** Opens the journal of a program, which may be killed. */
type OpenFor = (program: { isKilled: boolean }) => JournalOpener;

function startWorld(open: OpenFor) {
  const { transport, links } = duplexTransport();
  const clock = new ManualSdkClock();
  const server: Server = { stored: new Map(), queue: [], pace: 40, drops: 0 };
  let program = { isKilled: false };
  const connect = (): Device => {
    const own = program;
    return connectDevice({
      deviceId: "ems_001",
      token: "t",
      clock,
      // A killed one gets no link any more.
      transport: (events) => (own.isKilled ? new DuplexLink(events) : transport(events)),
      random: () => 0.5,
      log: () => {},
      journal: open(own),
    });
  };
  let device = connect();
  let read = 0;
  let told = 0;
  let value = 0;
  const durable = () => {
    const ranges = new SeqRanges();
    for (const seq of server.stored.keys()) ranges.add(seq, seq);
    const seq = ranges.firstMissing(1) - 1;
    const list: [number, number][] = [];
    for (let from = ranges.firstFrom(seq + 1); Number.isFinite(from); from = ranges.firstFrom(from)) {
      const to = ranges.firstMissing(from) - 1;
      list.push([from, to]);
      from = to + 1;
    }
    return { seq, ranges: list };
  };
  const acks: object[] = [];
  /** The server reads what the device has sent since. */
  const receive = () => {
    const link = links.at(-1);
    for (const text of link?.sent.slice(read) ?? []) {
      read++;
      const frame = JSON.parse(text);
      if (frame.type === "hello") {
        const { seq, ranges } = durable();
        const answer = { epoch: 3, journal_id: frame.journal.id, durable_seq: seq, durable_ranges: ranges };
        link?.push({ ...firstWelcome, ...answer, pace: { backfill: server.pace } });
      } else if (frame.type === "gap") {
        for (let seq = frame.from_seq; seq <= frame.to_seq; seq++)
          if (!server.stored.has(seq)) server.queue.push([seq, 0]);
      } else if (server.drops > 0) server.drops--;
      else for (const each of frame.samples ?? [frame]) server.queue.push([each.seq, each.battery.voltage]);
    }
  };
  const push = (frame: object | undefined) => {
    if (links.at(-1)?.isOpen && frame !== undefined) links.at(-1)?.push(frame);
  };
  const steps: Record<Step, () => void | Promise<void>> = {
    send: () => void device.send({ battery: { voltage: ++value } }),
    wait: () => {
      clock.advance(300);
      const link = links.at(-1);
      if (link !== undefined && !link.isOpen && device.status.state === "connecting" && told !== links.length) {
        told = links.length;
        read = 0;
        acks.length = 0;
        link.accept();
        link.push(firstWelcome);
      }
      receive();
    },
    drop: () => void server.drops++,
    commit: () => {
      receive();
      for (const [seq, each] of server.queue.splice(0)) {
        const before = server.stored.get(seq);
        if (before === undefined) server.stored.set(seq, each);
        else if (before !== each && before !== 0 && each !== 0)
          throw new Error(`Number ${seq} stands for ${before} and ${each}.`);
      }
      acks.push({ type: "ack", ...durable() });
    },
    ack: () => push(acks.at(-1)),
    "old ack": () => push(acks[0]),
    cut: () => {
      receive();
      links.at(-1)?.end(1006);
    },
    restart: () => {
      server.queue = [];
      links.at(-1)?.end(1012);
    },
    pause: () => {
      server.pace = server.pace === 0 ? 40 : 0;
      push({ type: "pace", backfill: server.pace });
    },
    kill: async () => {
      // What was written is what it leaves.
      const flushed = device.flush(0);
      await settle();
      clock.advance(0);
      await flushed;
      program.isKilled = true;
      links.at(-1)?.end(1006);
      program = { isKilled: false };
      device = connect();
    },
  };
  return { server, steps, values: () => value, device: () => device, stop: () => device.stop() };
}

async function run(open: OpenFor, list: readonly Step[]): Promise<void> {
  const world = startWorld(open);
  for (const step of list) await world.steps[step]();
  world.server.drops = 0;
  if (world.server.pace === 0) await world.steps.pause();
  for (let round = 0; round < 2_000 && (world.device().waiting > 0 || round < 300); round++) {
    for (const step of ["wait", "commit", "ack"] as const) await world.steps[step]();
    if (round % 10 === 0) await settle();
  }
  const stored = [...world.server.stored.values()].filter((value) => value !== 0).sort((a, b) => a - b);
  expect(stored).toEqual(Array.from({ length: world.values() }, (_, index) => index + 1));
  expect(world.device().waiting).toBe(0);
}

const step = fc.constantFrom<Step>(
  "send",
  "send",
  "send",
  "send",
  "wait",
  "wait",
  "wait",
  "drop",
  "commit",
  "commit",
  "ack",
  "ack",
  "old ack",
  "cut",
  "restart",
  "pause",
);
const long = { minLength: 20, maxLength: 120 } as const;

test("whatever becomes of links, frames and acks, each sample is stored once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, long), (list) => run(() => memoryJournal(), list)),
    { numRuns: 60 },
  );
});

test("whatever becomes of the device's program as well, with a journal on disk", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 14, arbitrary: step }, { weight: 1, arbitrary: fc.constant<Step>("kill") }), long),
      (list) => {
        const folder = filesInMemory();
        return run((program) => (context) => new FileJournal(context, folder(program)), list);
      },
    ),
    { numRuns: 30 },
  );
});

/** A folder that outlives the programs that have it, and that a killed one does not reach. */
function filesInMemory(): (program: { isKilled: boolean }) => JournalFolder {
  const files = new Map<string, Buffer>();
  return (program) => ({
    names: () => [...files.keys()],
    readNow: (name) => Buffer.from(files.get(name) ?? []),
    read: async (name) => Buffer.from(files.get(name) ?? []),
    async write(name, bytes, position) {
      if (program.isKilled) throw new Error("It was killed.");
      const before = files.get(name) ?? Buffer.alloc(0);
      const after = Buffer.alloc(Math.max(before.length, position + bytes.length));
      before.copy(after);
      after.set(bytes, position);
      files.set(name, after);
    },
    async sync() {},
    async remove(name) {
      files.delete(name);
    },
    async close() {},
  });
}
