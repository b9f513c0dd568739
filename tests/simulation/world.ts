import type { Hello, Welcome } from "@wattboard/protocol";
import { limits } from "@wattboard/protocol";
import { Reader } from "../../packages/server/dist/store/embedded/reader.js";
import { readSamples } from "../../packages/server/dist/store/questions/samples.js";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import { Chance } from "./chance.ts";
import { Checker, sampleValue, Violation } from "./checker.ts";
import { DeviceDisk } from "./device-disk.ts";
import { type DeviceKind, DeviceProcess } from "./device-process.ts";
import { EventLog } from "./event-log.ts";
import type { ModelMutation } from "./model-device.ts";
import { Network, type Wire } from "./network.ts";
import { ServerDisk } from "./server-disk.ts";
import { ServerProcess, type ServerSettings } from "./server-process.ts";
import { Timeline, WallClock } from "./timeline.ts";

export interface WorldOptions {
  readonly seed: number;
  /** Absent: of every kind. */
  readonly kinds?: readonly DeviceKind[];
  readonly mutation?: ModelMutation;
}

/** A device: what of it outlives its processes. */
export interface SimulatedDevice {
  /** Of the machine. */
  readonly name: string;
  /** As which it comes in: two machines with one id are clones. */
  readonly deviceId: string;
  readonly kind: DeviceKind;
  readonly wall: WallClock;
  readonly disk: DeviceDisk;
  readonly periodMs: number;
  process: DeviceProcess | null;
  /** When a dashboard was last shown a sample of it. */
  shownAtMs: number;
}

const restartMs = 500;
const kindsByDefault: readonly DeviceKind[] = ["model", "sdk", "sdk-memory"];

/** Devices, the network, and the server with its store, in virtual time and by one seed. What happens to them, `Faults` decides. */
export class World {
  readonly timeline = new Timeline();
  readonly chance: Chance;
  readonly log = new EventLog(this.timeline);
  readonly checker = new Checker();
  readonly network: Network;
  readonly devices: readonly SimulatedDevice[];
  readonly serverWall = new WallClock(this.timeline);
  readonly serverDisk: ServerDisk;
  readonly settings: ServerSettings;
  server: ServerProcess | null = null;
  /** What does not hold; null: all does. */
  violation: string | null = null;
  /** Some clock was set: times in the store are not those of the world any more. */
  isClockSet = false;
  isSampling = true;
  /** As many ranges a journal had at the most. */
  rangesMost = 0;
  readonly #options: WorldOptions;
  readonly #admitted = new Map<string, Wire>();
  readonly #journalOf = new WeakMap<Wire, string>();
  readonly #epochs = new Map<string, Set<number>>();
  #hearing: Wire | null = null;
  #valueCount = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    const chance = new Chance(options.seed);
    this.chance = chance;
    this.network = new Network(this.timeline, chance.branch(), this.#observer());
    this.settings = {
      flushMs: chance.pick([100, 250, 1_000]),
      queueBytesMax: chance.pick([8_000, 64_000, 1_000_000]),
      messagesPerSecond: chance.pick([5, 50]),
      messagesBurst: chance.pick([20, 1_000]),
      backfillPerSecond: chance.pick([100, 5_000]),
      connectsPerSecond: chance.pick([1, 500]),
    };
    this.serverDisk = new ServerDisk(this.serverWall, chance.pick([20_000, 1_000_000]), chance.branch());
    const { kinds = kindsByDefault } = options;
    const hasClone = chance.happens(0.2);
    this.devices = Array.from({ length: chance.between(2, 5) }, (_, at) => ({
      name: `ems_${at}`,
      deviceId: hasClone && at === 1 ? "ems_0" : `ems_${at}`,
      kind: kinds[(at + options.seed) % kinds.length] as DeviceKind,
      wall: new WallClock(this.timeline),
      disk: new DeviceDisk(chance.branch(), chance.pick([40, 200, 5_000])),
      periodMs: chance.pick([500, 1_000, 1_000, 3_000]),
      process: null,
      shownAtMs: 0,
    }));
    this.startServer();
    for (const device of this.devices) {
      this.startDevice(device);
      this.#sample(device);
    }
  }

  /** Lets time pass, and looks at the bounds at each step. */
  run(forMs: number): Promise<void> {
    return this.timeline.run(this.timeline.nowMs + forMs, () => {
      this.check(() => this.#checkBounds());
      if (this.violation !== null) throw new Violation(this.violation);
    });
  }

  /** The first violation is kept: where it is thrown, the code under test may have an answer to it. */
  check(look: () => void): void {
    try {
      look();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.violation ??= error.message;
    }
  }

  startServer(): void {
    if (this.server !== null) return;
    this.log.note("server starts");
    this.checker.serverStarted();
    this.server = new ServerProcess({
      timeline: this.timeline,
      wall: this.serverWall,
      disk: this.serverDisk,
      chance: this.chance.branch(),
      settings: this.settings,
      deviceIds: this.#deviceIds,
      commits: {
        committed: (record, isAnswered) => {
          const what = record.isPassed ? `passed to ${record.toSeq}` : "";
          this.log.note(`commit ${record.key} ${record.epoch}/${record.seq} ${what}${isAnswered ? "" : " unanswered"}`);
          this.check(() => this.checker.committed(record, isAnswered));
        },
      },
      viewer: (deviceId, message) => this.#shown(deviceId, message),
    });
    this.network.host = this.server;
  }

  /** The process of the server is gone. */
  killServer(isPowerLost: boolean): void {
    if (this.server === null) return;
    this.#endServer(isPowerLost);
    this.serverDisk.crash(isPowerLost);
  }

  /** The server is stopped as by its operator, and starts again. */
  async restartServer(): Promise<void> {
    const { server } = this;
    if (server === null) return;
    this.network.host = null;
    await server.stop();
    if (this.server !== server) return;
    this.log.note("server has stopped");
    this.#endServer(false);
    this.serverDisk.close();
    this.timeline.after(restartMs, () => this.startServer());
  }

  /** The process of the server is gone, and its store is an older one; false where there is no backup. */
  restoreServer(): boolean {
    if (this.server === null || !this.serverDisk.hasBackup) return false;
    this.#endServer(false);
    this.serverDisk.restore();
    this.checker.restored();
    return true;
  }

  backUp(): void {
    if (this.server === null) return;
    this.serverDisk.backUp();
    this.checker.backedUp();
  }

  startDevice(device: SimulatedDevice): void {
    if (device.process !== null) return;
    const { name, deviceId, kind, wall, disk } = device;
    this.log.note(`${name} (${kind}) starts as ${deviceId}`);
    device.process = new DeviceProcess(
      kind,
      { name, deviceId },
      {
        timeline: this.timeline,
        wall,
        network: this.network,
        chance: this.chance.branch(),
        disk,
        accepted: (journalId, seq, text) => {
          const value = sampleValue(text);
          this.log.note(`${name} takes ${value} as ${seq} of ${journalId}`);
          const measuredAtMs = this.timeline.nowMs + new WallClock(this.timeline).offsetMs;
          this.check(() => this.checker.accepted({ deviceId, journalId, seq, value, measuredAtMs }));
        },
        unkept: (text) =>
          this.check(() => {
            throw new Violation(`${name} sends ${sampleValue(text)} and does not keep it.`);
          }),
        mutation: this.#options.mutation,
      },
    );
  }

  /** The process of the device is gone; its connection is left to the network. */
  killDevice(device: SimulatedDevice, isPowerLost: boolean): void {
    const { process, kind, disk, name } = device;
    if (process === null) return;
    process.kill();
    device.process = null;
    const journalId = process.journal?.id;
    if (kind === "sdk-memory") this.checker.wiped(journalId ?? "");
    else if (isPowerLost) this.checker.lost(disk.journalId, disk.losePower());
    const wire = this.network.wireOf(name);
    if (wire === undefined) return;
    wire.abandon();
    // Where the machine was switched off, nobody tells the server.
    this.network.lose(wire, null, isPowerLost ? null : 30, this.chance.happens(0.4));
  }

  /** The device begins anew, with another disk. */
  wipeDevice(device: SimulatedDevice): void {
    this.killDevice(device, true);
    if (device.kind === "sdk-memory") return;
    this.checker.wiped(device.disk.journalId);
    device.disk.wipe();
  }

  send(device: SimulatedDevice): void {
    if (device.process === null) return;
    const timestamp = new Date(device.wall.nowMs).toISOString();
    const sample = { device_id: device.deviceId, timestamp, solar: { power: 1 }, world: { value: ++this.#valueCount } };
    device.process.program.send(JSON.stringify(sample));
  }

  /** Clones would go on throwing each other out: from now on there is one of them at a time, and this is the next one's turn. */
  takeTurns(): void {
    const clones = this.devices.filter(({ deviceId }) => deviceId === "ems_0");
    const present = clones.findIndex(({ process }) => process !== null);
    if (clones.length < 2) return;
    for (const clone of clones) this.killDevice(clone, false);
    this.startDevice(clones[(present + 1) % clones.length] as SimulatedDevice);
  }

  /** Whether all that devices have taken is stored or declared as lost. */
  unsettled(): readonly string[] {
    const found: string[] = [];
    for (const journalId of this.checker.journalIds) {
      const seqs = this.checker.unsettled(journalId, [...(this.#epochs.get(journalId) ?? [])]);
      if (seqs.length > 0) found.push(`${journalId}: ${seqs.slice(0, 10).join(", ")} (${seqs.length})`);
    }
    return found;
  }

  /** Reads everything from the store, and holds it against what should be there. */
  readAll(): void {
    const { server } = this;
    if (server === null) throw new Error("There is no server.");
    for (const deviceId of this.#deviceIds) {
      const query = {
        registration: firstRegistration(deviceId),
        fromMs: 0,
        toMs: Number.MAX_SAFE_INTEGER,
        take: "first" as const,
        limit: Number.MAX_SAFE_INTEGER,
      };
      const work = readSamples(new Reader(server.store.blocks.windows), query);
      let step = work.next();
      while (!step.done) step = work.next();
      const samples = step.value.map(({ epoch, seq, observedAtMs, points }) => ({
        epoch,
        seq,
        observedAtMs,
        value: Number(points["world.value"]),
      }));
      this.checker.reads(deviceId, samples, this.isClockSet ? Number.POSITIVE_INFINITY : 2_000);
    }
  }

  get #deviceIds(): string[] {
    return [...new Set(this.devices.map(({ deviceId }) => deviceId))];
  }

  discard(): void {
    this.server?.clock.kill();
    for (const { process } of this.devices) process?.kill();
    this.serverDisk.discard();
  }

  /** The connection of the device is lost; whether each end learns of it is chance. */
  loseConnection({ name }: SimulatedDevice): void {
    const wire = this.network.wireOf(name);
    if (wire === undefined) return;
    const learns = (): number | null => (this.chance.happens(0.7) ? this.chance.between(0, 2_000) : null);
    this.network.lose(wire, learns(), learns(), this.chance.happens(0.5));
  }

  #sample(device: SimulatedDevice): void {
    this.timeline.after(this.chance.between(1, device.periodMs), () => {
      const next = (): void => {
        if (this.isSampling) this.send(device);
        this.timeline.after(device.periodMs, next);
      };
      next();
    });
  }

  #endServer(isPowerLost: boolean): void {
    const wires = this.server?.kill() ?? [];
    this.server = null;
    this.network.host = null;
    for (const wire of wires) this.network.lose(wire, isPowerLost || this.chance.happens(0.2) ? null : 30, null, false);
  }

  #observer() {
    return {
      deviceSends: (wire: Wire, text: string): void => {
        if (text.includes('"type":"hello"')) this.#helloSent(wire, JSON.parse(text) as Hello);
        else if (text.startsWith('{"type":"gap"')) {
          const { from_seq, to_seq } = JSON.parse(text) as { from_seq: number; to_seq: number };
          this.log.note(`${wire.deviceId}#${wire.no} declares ${from_seq} to ${to_seq}`);
          this.checker.declares(this.#journalOf.get(wire) ?? "", from_seq, to_seq);
        } else this.log.note(`${wire.deviceId}#${wire.no} sends ${briefly(text)}`);
      },
      serverHears: (wire: Wire, hear: () => void): void => {
        this.#hearing = wire;
        hear();
        this.#hearing = null;
      },
      admitted: (wire: Wire): void => {
        this.log.note(`${wire.deviceId}#${wire.no} is let in`);
        this.#admitted.set(wire.deviceId, wire);
        for (const late of this.network.takeLate(wire.deviceId)) {
          this.timeline.after(this.chance.between(0, 1_500), () => late.toServer.thaw());
        }
      },
      serverSends: (wire: Wire, text: string): void => {
        this.log.note(`to ${wire.deviceId}#${wire.no} ${text}`);
        const frame = JSON.parse(text) as Omit<Partial<Welcome>, "type"> & { readonly type?: string };
        const isWelcome = frame.type === "welcome" && frame.journal_id !== undefined;
        if (isWelcome) {
          const journalId = frame.journal_id as string;
          const epochs = this.#epochs.get(journalId) ?? new Set();
          this.#epochs.set(journalId, epochs.add(frame.epoch as number));
        }
        if (!isWelcome && frame.type !== "ack") return;
        this.check(() =>
          this.checker.tells(wire.deviceId, frame.journal_id ?? this.#journalOf.get(wire) ?? "", isWelcome, frame),
        );
      },
    };
  }

  #helloSent(wire: Wire, { journal }: Hello): void {
    if (journal === undefined) return;
    this.log.note(`${wire.deviceId}#${wire.no} says hello: ${JSON.stringify(journal)}`);
    this.#journalOf.set(wire, journal.id);
    this.checker.declares(journal.id, 1, journal.first_seq - 1);
  }

  #shown(deviceId: string, message: string): void {
    for (const device of this.devices) if (device.deviceId === deviceId) device.shownAtMs = this.timeline.nowMs;
    this.check(() => {
      if (this.#hearing !== this.#admitted.get(deviceId)) {
        throw new Violation(`Dashboards of ${deviceId} are shown what came on a link that was replaced.`);
      }
      this.checker.shown(deviceId, message);
    });
  }

  #checkBounds(): void {
    const { server } = this;
    for (const { disk, deviceId } of this.devices) {
      if (disk.samples > disk.samplesMax) throw new Violation(`The journal of ${deviceId} holds ${disk.samples}.`);
      const ranges = server?.parts.latest.find(deviceId)?.journal?.taken.size ?? 0;
      this.rangesMost = Math.max(this.rangesMost, ranges);
      if (ranges > limits.durableRangesMax) throw new Violation(`${ranges} ranges of ${deviceId} are taken.`);
    }
    const queuedBytes = server?.parts.storeQueue.queuedBytes ?? 0;
    if (queuedBytes > this.settings.queueBytesMax) throw new Violation(`${queuedBytes} bytes wait for the store.`);
  }
}

function briefly(text: string): string {
  const seqs = [...text.matchAll(/"seq":(\d+)/g)].map(([, seq]) => seq);
  const kind = text.startsWith('{"type":"backfill"') ? "backfill" : "live";
  return seqs.length > 2 ? `${kind} ${seqs[0]} … ${seqs.at(-1)} (${seqs.length})` : `${kind} ${seqs.join(", ")}`;
}
