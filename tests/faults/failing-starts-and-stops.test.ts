import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { isRefusal } from "@wattboard/protocol";
import { expect, onTestFinished, test } from "vitest";
import { type Clock, loadConfig, type Switchboard, systemClock } from "wattboard";
import type { Defer } from "../../packages/server/dist/app/closing.js";
import { startSteps, startSwitchboard } from "../../packages/server/dist/app/switchboard.js";
import { eventually } from "../support/eventually.ts";
import { openDevice } from "../support/sockets.ts";
import { temporaryFolder } from "../support/start-server.ts";

/**
 * Method: the steps of a start are a table, and each is handed `defer`. Both are wrapped here, so that whatever step and whatever part the test
 * names fails, and so that a new step and a new part are tried too. What is open afterwards is told by the operating system (descriptors in the
 * folder, sockets that listen), by Node (threads) and by the clock (timers).
 */

interface Faults {
  /** After a step has done all that it does. */
  readonly afterStep?: (name: string) => void;
  /** As soon as a part is there, and with it how it ends. */
  readonly afterPart?: (what: string) => void;
  /** In the place of a part's end. */
  readonly close?: (what: string, close: () => unknown) => unknown;
}

function stepsWith({ afterStep = () => {}, afterPart = () => {}, close = (_, run) => run() }: Faults) {
  const wrapped = Object.entries(startSteps).map(([name, step]) => {
    const run = (defer: Defer, parts: never): unknown => {
      const watched: Defer = (what, end) => {
        defer(what, (graceMs) => close(what, () => end(graceMs)));
        afterPart(what);
      };
      const made: unknown = step(watched, parts);
      if (!(made instanceof Promise)) {
        afterStep(name);
        return made;
      }
      return made.then((result: unknown) => {
        afterStep(name);
        return result;
      });
    };
    return [name, run];
  });
  return Object.fromEntries(wrapped) as typeof startSteps;
}

/** The machine's time, which also tells how many timers have not come to their end. */
class CountingClock implements Clock {
  readonly timers = new Set<object>();
  wallMs = systemClock.wallMs;
  monotonicMs = systemClock.monotonicMs;
  sleep = systemClock.sleep;
  nextTurn = systemClock.nextTurn;

  after(delayMs: number, task: () => void) {
    const timer = {};
    this.timers.add(timer);
    const cancel = systemClock.after(delayMs, () => {
      this.timers.delete(timer);
      task();
    });
    return () => {
      this.timers.delete(timer);
      cancel();
    };
  }

  every(periodMs: number, task: () => void) {
    const timer = {};
    this.timers.add(timer);
    const cancel = systemClock.every(periodMs, task);
    return () => {
      this.timers.delete(timer);
      cancel();
    };
  }
}

/** A folder, and starts on it, one after another; looks at what they leave open. */
class Bench {
  readonly folder = temporaryFolder();
  readonly clock = new CountingClock();
  readonly workers = new Set<Worker>();
  readonly #listeningBefore = listeningCount();

  constructor() {
    const note = (worker: Worker): void => {
      this.workers.add(worker);
      worker.once("exit", () => this.workers.delete(worker));
    };
    process.on("worker", note);
    onTestFinished(() => void process.off("worker", note));
  }

  start(faults: Faults = {}): Promise<Switchboard> {
    const { config } = loadConfig({
      flags: {
        port: "0",
        data_dir: this.folder,
        "log.level": "silent",
        "log.general": "all",
        "access.peers": "true",
        "smart_os.access": "open",
      },
      env: {},
      file: undefined,
    });
    return startSwitchboard({ config, clock: this.clock }, stepsWith(faults));
  }

  open() {
    return {
      files: openFiles().filter((path) => path.startsWith(this.folder)),
      control: readdirSync(this.folder).filter((name) => name === "control.json"),
      listening: listeningCount() - this.#listeningBefore,
      timers: this.clock.timers.size,
      workers: this.workers.size,
    };
  }
}

const nothing = { files: [], control: [], listening: 0, timers: 0, workers: 0 };

function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((name) => {
    try {
      return [readlinkSync(join("/proc/self/fd", name))];
    } catch {
      return [];
    }
  });
}

function listeningCount(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "TCPServerWrap").length;
}

/** The names of all parts, in the order in which they come to be. */
async function namesOfParts(): Promise<string[]> {
  const names: string[] = [];
  const server = await new Bench().start({ afterPart: (what) => names.push(what) });
  await server.stop();
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThan(Object.keys(startSteps).length);
  return names;
}

test("a server that runs has all of it open, and one that has stopped has nothing", async () => {
  const bench = new Bench();
  const server = await bench.start();
  const { files, control, listening, timers, workers } = bench.open();
  expect({ control, listening, workers }).toEqual({ control: ["control.json"], listening: 1, workers: 3 });
  expect(files.map((path) => path.slice(bench.folder.length + 1))).toEqual(
    expect.arrayContaining(["access.db", "audit.db", "commands.db", "store.db", "revocations", "general.log"]),
  );
  expect(timers).toBeGreaterThan(10);
  await server.stop();
  expect(bench.open()).toEqual(nothing);
});

test.each(Object.keys(startSteps))("a start that fails in %s leaves nothing open, and says why", async (step) => {
  const bench = new Bench();
  const parts: string[] = [];
  const ends: string[] = [];
  const failing = bench.start({
    afterPart: (what) => parts.push(what),
    afterStep(name) {
      if (name === step) throw new Error(`${name} failed`);
    },
    close(what, close) {
      ends.push(what);
      // Neither does a part that cannot be closed hide the error, nor does it keep others open.
      return Promise.resolve(close()).then(() => Promise.reject(new Error(`${what} did not close`)));
    },
  });
  await expect(failing).rejects.toThrow(`${step} failed`);
  expect(ends).toEqual(parts.toReversed());
  expect(bench.open()).toEqual(nothing);
  await (await bench.start()).stop();
});

test("a start that fails as soon as a part is there closes it and those before it, the newest first", async () => {
  const bench = new Bench();
  const names = await namesOfParts();
  for (const [index, failing] of names.entries()) {
    const ends: string[] = [];
    const start = bench.start({
      afterPart(what) {
        if (what === failing) throw new Error(`after ${what}`);
      },
      close(what, close) {
        ends.push(what);
        return close();
      },
    });
    await expect(start).rejects.toThrow(`after ${failing}`);
    expect(ends).toEqual(names.slice(0, index + 1).reverse());
    expect(bench.open(), failing).toEqual(nothing);
  }
});

test("a stop in which one part fails ends all others, and rejects with that error", async () => {
  const bench = new Bench();
  const names = await namesOfParts();
  for (const failing of names) {
    const ends: string[] = [];
    const server = await bench.start({
      async close(what, close) {
        ends.push(what);
        await close();
        if (what === failing) throw new Error(`${what} did not close`);
      },
    });
    await expect(server.stop(), failing).rejects.toThrow(`${failing} did not close`);
    expect(ends).toEqual(names.toReversed());
    expect(bench.open(), failing).toEqual(nothing);
  }
});

test("a stop in which every part fails, with a device on the line, ends them all and rejects with the first error", async () => {
  const bench = new Bench();
  const server = await bench.start({
    async close(what, close) {
      await close();
      throw new Error(`${what} did not close`);
    },
  });
  const added = server.devices.add({ deviceId: "ems_001" });
  if (isRefusal(added)) throw new Error(added.message);
  const device = await openDevice(server.url.replace("http", "ws"), "ems_001", added.token);
  const stopped = server.stop();
  await expect(stopped).rejects.toThrow("control.json did not close");
  expect(server.stop()).toBe(stopped);
  expect(await device.closed).toEqual({ code: 1012, reason: "restarting" });
  await eventually(() => expect(bench.open()).toEqual(nothing));
  await (await bench.start()).stop();
});
