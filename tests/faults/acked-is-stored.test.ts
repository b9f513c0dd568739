// Aim: what was acknowledged is stored, once and as it was sent, whatever is killed; and everything that a device has kept comes in the end.
// Method: two fleets, of the SDK in TypeScript and of the one in Python, send ten samples a second and device, with a journal on disk each. In each
// round something is killed with SIGKILL: the server, a fleet, or the network between. A tap on the network writes down which number was sent with
// what, which gaps were declared, and what was acknowledged. Then all is left in peace until nothing is missing, the server is stopped, and its store
// is compared with what the tap has seen.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { EmbeddedStore } from "wattboard";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import { deviceDetail } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { FrameTap } from "../support/frame-tap.ts";
import { rounds, seed, seededRandom } from "../support/long-run.ts";
import { needs } from "../support/needs.ts";
import { pythonWithWebsockets } from "../support/python-client.ts";
import { makeFolder, type ServeProcess, startServe } from "../support/run-cli.ts";
import { startServer } from "../support/start-server.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";

const devicesOfEach = rounds(4, 100);
const roundCount = rounds(5, 100);
const rateHz = 10;
/** So many times faster the SDKs wait before they connect anew. */
const speed = 10;

interface Frame {
  readonly type?: string;
  readonly seq?: number;
  readonly ranges?: readonly (readonly [number, number])[];
  readonly samples?: readonly Frame[];
  readonly own?: { readonly number: number };
  readonly from_seq?: number;
  readonly to_seq?: number;
  readonly journal?: { readonly id: string };
  readonly journal_id?: string;
  readonly epoch?: number;
}

/** What the network has seen of one journal. */
class Seen {
  epoch = 0;
  readonly sent = new Map<number, number>();
  readonly gaps = new Set<number>();
  readonly acked = new Set<number>();
  /** Numbers that were given to two samples. */
  readonly reused: number[] = [];
  #ackedThrough = 0;

  send({ seq = 0, own }: Frame): void {
    const number = own?.number ?? 0;
    const before = this.sent.get(seq);
    if (before !== undefined && before !== number) this.reused.push(seq);
    this.sent.set(seq, number);
  }

  ack({ seq = 0, ranges = [] }: Frame): void {
    for (const [from, to] of [[this.#ackedThrough + 1, seq] as const, ...ranges]) {
      for (let each = from; each <= to; each++) this.acked.add(each);
    }
    this.#ackedThrough = Math.max(this.#ackedThrough, seq);
  }
}

/** A device with a network of its own, of which everything is written down. */
class Watched {
  readonly deviceId: string;
  readonly proxy: TcpProxy;
  readonly journals = new Map<string, Seen>();

  private constructor(deviceId: string, proxy: TcpProxy) {
    this.deviceId = deviceId;
    this.proxy = proxy;
    const connections = new Map<number, { readonly client: FrameTap; readonly server: FrameTap }>();
    proxy.tap = (number, from, bytes) => {
      let taps = connections.get(number);
      if (taps === undefined) {
        let journal: Seen | undefined;
        const hear = (frame: Frame): void => {
          const id = frame.journal?.id ?? frame.journal_id;
          if (id !== undefined) journal = this.#journal(id);
          if (frame.type === "welcome" && journal !== undefined) journal.epoch = frame.epoch ?? 0;
          else if (frame.type === "ack") journal?.ack(frame);
          else if (frame.type === "backfill") for (const sample of frame.samples ?? []) journal?.send(sample);
          else if (frame.type === "gap")
            for (let seq = frame.from_seq ?? 1; seq <= (frame.to_seq ?? 0); seq++) journal?.gaps.add(seq);
          else if (frame.type === undefined && frame.seq !== undefined) journal?.send(frame);
        };
        const tap = (): FrameTap => new FrameTap((text) => hear(JSON.parse(text) as Frame));
        taps = { client: tap(), server: tap() };
        connections.set(number, taps);
      }
      taps[from].take(bytes);
    };
  }

  static async open(deviceId: string, port: number): Promise<Watched> {
    return new Watched(deviceId, await TcpProxy.open(port));
  }

  #journal(id: string): Seen {
    let seen = this.journals.get(id);
    if (seen === undefined) {
      seen = new Seen();
      this.journals.set(id, seen);
    }
    return seen;
  }
}

class Fleet {
  readonly #program: string;
  readonly #script: string;
  readonly #lines: string;
  #process: ChildProcess | null = null;

  constructor(program: string, script: string, lines: readonly string[]) {
    this.#program = program;
    this.#script = fileURLToPath(new URL(`../support/fleets/${script}`, import.meta.url));
    this.#lines = `${lines.join("\n")}\n`;
  }

  start(hz = rateHz): void {
    const env = {
      PATH: process.env.PATH,
      PYTHONPATH: fileURLToPath(new URL("../../packages/device-python/src", import.meta.url)),
      PYTHONDONTWRITEBYTECODE: "1",
    };
    const stdio = ["pipe", "ignore", "ignore"] as const;
    const child = spawn(this.#program, [this.#script, String(hz), String(speed)], { env, stdio: [...stdio] });
    child.stdin?.end(this.#lines);
    this.#process = child;
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }
}

needs("python3-websockets", pythonWithWebsockets !== undefined)("two fleets", () => {
  test(`${roundCount} kills lose and double nothing that was acknowledged (seed ${seed})`, async () => {
    const random = seededRandom();
    const dataDir = makeFolder();
    const names = (kind: string) => Array.from({ length: devicesOfEach }, (_, at) => `${kind}_${at}`);
    const ids = [...names("ts"), ...names("py")];
    const tokens = await provision(dataDir, ids);
    const args = ["--takeover-max=100000", "--heartbeat-ping-ms=1000", "--limits-messages-burst=100000"];
    const limits = ["--limits-backfill-per-device=100000", "--limits-backfill-per-second=1000000"];
    let server: ServeProcess = await startServe({ dataDir, args: [...args, ...limits] });
    const port = Number(new URL(server.url).port);
    const journals = makeFolder();
    const watched = await Promise.all(ids.map((id) => Watched.open(id, port)));
    const lineOf = (watch: Watched, at: number): string => {
      const journal = join(journals, watch.deviceId);
      mkdirSync(journal, { recursive: true });
      return JSON.stringify({ device_id: watch.deviceId, token: tokens[at], url: watch.proxy.url, journal });
    };
    const lines = watched.map(lineOf);
    const fleets = [
      new Fleet(process.execPath, "fleet.ts", lines.slice(0, devicesOfEach)),
      new Fleet(pythonWithWebsockets ?? "", "fleet.py", lines.slice(devicesOfEach)),
    ];
    onTestFinished(async () => void (await Promise.all(fleets.map((fleet) => fleet.kill()))));
    for (const fleet of fleets) fleet.start();
    const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    const everybodyIsHeard = async (): Promise<void> => {
      const before = watched.map(({ journals: seen }) =>
        [...seen.values()].reduce((sum, { acked }) => sum + acked.size, 0),
      );
      await eventually(
        () => {
          for (const [at, { deviceId, journals: seen }] of watched.entries()) {
            const now = [...seen.values()].reduce((sum, { acked }) => sum + acked.size, 0);
            expect([deviceId, now]).not.toEqual([deviceId, before[at]]);
          }
        },
        { withinMs: 60_000 },
      );
    };
    for (let round = 0; round < roundCount; round++) {
      if (round % 10 === 0) await everybodyIsHeard();
      await pause(500 + random() * 1_500);
      const what = random();
      if (what < 0.4) {
        server.process.signal("SIGKILL");
        await server.process.exited;
        server = await startServe({ dataDir, args: [...args, ...limits, `--port=${port}`] });
      } else if (what < 0.7) {
        const fleet = fleets[Math.floor(random() * fleets.length)] as Fleet;
        await fleet.kill();
        fleet.start();
      } else {
        for (const { proxy } of watched) {
          if (random() < 0.5) proxy.cut();
          else proxy.halfOpen(random() < 0.5 ? "client" : "server");
        }
      }
    }
    await everybodyIsHeard();
    // Nothing new is measured, and what there is must come.
    for (const fleet of fleets) {
      await fleet.kill();
      fleet.start(0.000_1);
    }
    await eventually(
      async () => {
        for (const { deviceId, journals: seen } of watched) {
          const { journal, online } = await deviceDetail(server, deviceId);
          expect([deviceId, online, journal?.missing]).toEqual([deviceId, true, 0]);
          const sent = Math.max(...(seen.get(journal?.id ?? "")?.sent.keys() ?? [0]));
          expect(journal?.durable_seq).toBeGreaterThanOrEqual(sent);
        }
      },
      { withinMs: 120_000 },
    );
    await Promise.all(fleets.map((fleet) => fleet.kill()));
    await server.stop();
    await compare(dataDir, watched);
  }, 3_600_000);
});

async function provision(dataDir: string, ids: readonly string[]): Promise<string[]> {
  const server = await startServer({ dataDir });
  const tokens = ids.map((id) => server.addDevice(id));
  await server.stop();
  return tokens;
}

async function compare(dataDir: string, watched: readonly Watched[]): Promise<void> {
  const store = await EmbeddedStore.open(dataDir, {
    openBytesMax: 64 * 1024 ** 2,
    journalBytesMax: 1024 ** 3,
    retentionMs: 0,
    bytesMax: 0,
  });
  onTestFinished(() => store.close());
  let [ackedCount, declaredCount] = [0, 0];
  for (const { deviceId, journals } of watched) {
    const everything = { fromMs: 0, toMs: Date.now() + 3_600_000, take: "first", limit: 10_000_000 } as const;
    const samples = await store.samples({ registration: firstRegistration(deviceId), ...everything });
    const numbers = samples.map(({ points }) => Number(points["own.number"]));
    // Once, and in order.
    expect([deviceId, new Set(numbers).size]).toEqual([deviceId, samples.length]);
    expect([deviceId, numbers]).toEqual([deviceId, [...numbers].sort((a, b) => a - b)]);
    const stored = new Map(samples.map(({ epoch, seq }, at) => [`${epoch} ${seq}`, numbers[at]]));
    for (const { epoch, sent, acked, gaps, reused } of journals.values()) {
      expect([deviceId, reused]).toEqual([deviceId, []]);
      const lost = [...acked].filter((seq) => !gaps.has(seq) && stored.get(`${epoch} ${seq}`) !== sent.get(seq));
      expect([deviceId, lost]).toEqual([deviceId, []]);
      ackedCount += acked.size;
      declaredCount += gaps.size;
    }
  }
  expect(ackedCount).toBeGreaterThan(watched.length * rateHz * roundCount * 0.25);
  console.log(`${ackedCount} samples were acknowledged, of which ${declaredCount} were declared as gaps`);
}
