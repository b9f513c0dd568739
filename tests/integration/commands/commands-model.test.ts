import {
  type Capabilities,
  type Command,
  commandStatuses,
  hasEnded,
  isRefusal,
  type NewCommandBody,
} from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CommandInbox } from "../../../packages/device/dist/command-inbox.js";
import type { RememberedCommand } from "../../../packages/device/dist/command-memory.js";
import { YieldQueue } from "../../../packages/server/dist/base/yield-queue.js";
import type { Channel } from "../../../packages/server/dist/commands/channel.js";
import { CommandDatabase } from "../../../packages/server/dist/commands/command-database.js";
import { CommandJournal } from "../../../packages/server/dist/commands/command-journal.js";
import type { CommandRecord, Step } from "../../../packages/server/dist/commands/command-record.js";
import type { CommandRow, CommandScope, CommandStore } from "../../../packages/server/dist/commands/command-store.js";
import { Dispatcher } from "../../../packages/server/dist/commands/dispatcher.js";

/**
 * Method: the real dispatcher on its real file, and the real inbox of the SDK, with everything between them in the hands of fast-check: frames
 * are dropped, doubled, reordered and late in both directions, links come and go, the disk is slow, and either side crashes at any moment and
 * loses what was not on its disk. Beside them a few notes of what was sent and what was done are kept, and judged after every step.
 * fast-check prints the seed of a failure.
 */

const deviceId = "ems_001";
/** Its commands, as it is registered. */
const scope: CommandScope = { key: deviceId, sinceMs: 0 };
const announcement: Capabilities = {
  commands: { SET_MODE: { leases: true }, RESET_ERROR: {} },
  parameters: [{ name: "limit", type: "integer" }],
};

type Act =
  | { readonly kind: "give"; readonly action: number; readonly ttlMs: number; readonly leaseMs: number | null }
  | { readonly kind: "give again" | "to device" | "to server"; readonly which: number; readonly keep: boolean }
  | { readonly kind: "connect" | "cut" | "disk" | "telemetry" | "device crash" | "server crash" }
  | { readonly kind: "pass"; readonly ms: number };

const plain = (kind: "connect" | "cut" | "disk" | "telemetry" | "device crash" | "server crash") =>
  fc.constant<Act>({ kind });
const pick = (kind: "give again" | "to device" | "to server") =>
  fc.record({ kind: fc.constant(kind), which: fc.nat(50), keep: fc.boolean() });

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("give" as const),
      action: fc.nat(2),
      ttlMs: fc.constantFrom(1_000, 10_000, 60_000, 86_400_000),
      leaseMs: fc.option(fc.constantFrom(2_000, 60_000), { freq: 4 }),
    }),
  },
  { weight: 1, arbitrary: pick("give again") },
  { weight: 10, arbitrary: pick("to device") },
  { weight: 8, arbitrary: pick("to server") },
  { weight: 4, arbitrary: plain("connect") },
  { weight: 2, arbitrary: plain("cut") },
  { weight: 10, arbitrary: plain("disk") },
  { weight: 6, arbitrary: plain("telemetry") },
  { weight: 1, arbitrary: plain("device crash") },
  { weight: 1, arbitrary: plain("server crash") },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 40_000 }) }) },
);

/** A disk that does its work when it is told to; a crash loses what it has not done. */
class SlowDisk implements CommandStore {
  readonly file: CommandDatabase;
  readonly #waiting: (() => void)[] = [];

  constructor(file: CommandDatabase) {
    this.file = file;
  }

  load = async () => this.file.load();
  find = async (scope: CommandScope, command: string) => this.file.find(scope, command);
  list = async (scope: CommandScope, limit: number) => this.file.list(scope, limit);
  fleetTargets = async () => [];
  close = async () => {};

  commit(rows: readonly CommandRow[]): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        this.file.commit(rows);
        resolve();
      });
    });
  }

  work(): void {
    for (const each of this.#waiting.splice(0)) each();
  }
}

interface Link {
  isOpen: boolean;
  readonly channel: Channel;
}

class World {
  readonly clock = new ManualClock();
  readonly file = new CommandDatabase(":memory:");
  disk = new SlowDisk(this.file);
  dispatcher!: Dispatcher;
  ids = 0;
  inbox!: CommandInbox;
  link: Link | null = null;
  kept: readonly RememberedCommand[] = [];
  /** Frames on their way, each the texts that were written together. */
  toDevice: { readonly link: Link; readonly texts: readonly string[] }[] = [];
  toServer: { readonly link: Link; readonly text: string }[] = [];
  /** The device's settings, as its telemetry shows them. */
  settings = { mode: "AUTO", targetMode: "AUTO", targetPower: null as number | null, limit: 0 };
  // Notes.
  readonly given = new Map<string, { readonly body: NewCommandBody; expiresAtMs: number }>();
  readonly sentIds = new Set<string>();
  readonly done: { readonly id: string; readonly atMs: number }[] = [];
  readonly told = new Map<string, Step[]>();
  shown: { values: Record<string, Record<string, string | number | null | string[]>>; receivedAtMs: number } | null =
    null;

  async startServer(): Promise<void> {
    this.dispatcher?.stop();
    this.disk = new SlowDisk(this.file);
    // What the disk has is told before the next act.
    const yieldQueue = new YieldQueue(Number.POSITIVE_INFINITY, queueMicrotask);
    const journal = new CommandJournal(this.disk, this.clock, { failed() {}, recovered() {} }, yieldQueue);
    this.dispatcher = new Dispatcher(
      this.clock,
      () => `id_${++this.ids}`,
      this.disk,
      journal,
      { find: () => ({ since: () => this.shown }) },
      { noteScopeOf: () => scope },
      { mayCommand: () => true },
      { given() {}, resultIgnored() {} },
    );
    this.dispatcher.watch(this);
    this.dispatcher.restore(this.file.load(), () => true);
    this.cut();
  }

  startDevice(): void {
    this.inbox?.stop();
    this.cut();
    // A program's sockets end with it, and what they had not read.
    this.toDevice = [];
    const { clock } = this;
    this.inbox = new CommandInbox(
      {
        now: () => clock.wallMs(),
        monotonicMs: () => clock.monotonicMs(),
        setTimeout: (run, delayMs) => clock.after(delayMs, run),
        clearTimeout: (cancel) => (cancel as (() => void) | undefined)?.(),
      },
      announcement,
      (command) => this.carryOut(command),
      {
        load: () => this.kept,
        save: (commands) => {
          this.kept = commands;
        },
      },
      {
        send: (result) => {
          const { link } = this;
          if (link === null) return false;
          this.toServer.push({ link, text: JSON.stringify(result) });
          return true;
        },
        began() {},
        failed() {},
        leaseEnded() {},
      },
    );
  }

  carryOut({ command_id, action, payload }: Command): void {
    this.done.push({ id: command_id, atMs: this.clock.wallMs() });
    if (action === "SET_PARAMETER") this.settings.limit = Number(payload.value);
    if (action === "SET_MODE") {
      const isAuto = payload.target_mode === "AUTO";
      this.settings.mode = isAuto ? "AUTO" : "MANUAL";
      this.settings.targetMode = payload.target_mode;
      this.settings.targetPower = payload.target_power ?? null;
    }
  }

  connect(): void {
    this.cut();
    const link: Link = {
      isOpen: true,
      channel: {
        saysHello: true,
        get isOpen() {
          return link.isOpen;
        },
        whenHeard: (callback) => callback(),
        send: (frame) => {
          const texts = textsOf(frame);
          this.toDevice.push({ link, texts });
          const { command_id } = JSON.parse(texts.at(-1) ?? "");
          this.sentIds.add(command_id);
          // Never sent after its time to live.
          expect(this.clock.wallMs()).toBeLessThan(this.given.get(command_id)?.expiresAtMs ?? 0);
        },
      },
    };
    this.link = link;
    this.dispatcher.connected(deviceId, link.channel);
    this.inbox.welcome({ type: "welcome", server_time: new Date(this.clock.wallMs()).toISOString(), epoch: 1 });
    this.dispatcher.hello(deviceId, link.channel, announcement);
    this.inbox.linked();
  }

  cut(): void {
    const { link } = this;
    if (link === null) return;
    link.isOpen = false;
    this.link = null;
    this.dispatcher.disconnected(deviceId, link.channel);
  }

  async give(body: NewCommandBody, command_id: string): Promise<void> {
    const answer = this.dispatcher.submit({
      deviceId,
      action: body.action,
      payload: body.payload,
      commandId: command_id,
      ttlMs: body.ttl_ms,
      requester: { kind: "token", name: "test", sinceMs: 0 },
    });
    const startedAtMs = this.clock.wallMs();
    if (!this.given.has(command_id)) {
      this.given.set(command_id, { body, expiresAtMs: startedAtMs + (body.ttl_ms ?? 60_000) });
    }
    void answer.then((given) => {
      if (!isRefusal(given)) expect(this.file.find(scope, command_id)).not.toBeNull();
    });
  }

  noteStep(record: CommandRecord, step: Step): void {
    // Stored before it is announced.
    const stored = this.file.find(scope, record.commandId);
    expect(stored?.history).toContainEqual(step);
    const steps = this.told.get(record.commandId) ?? [];
    const before = steps.at(-1);
    if (before !== undefined) expect(commandStatuses[before.status].next).toContain(step.status);
    this.told.set(record.commandId, [...steps, step]);
    if (step.status === "applied") expect(this.done.map(({ id }) => id)).toContain(record.commandId);
    if (step.status === "expired") expect(this.sentIds).not.toContain(record.commandId);
  }

  sendTelemetry(): void {
    if (this.link === null) return;
    const { mode, targetMode, targetPower, limit } = this.settings;
    this.shown = {
      values: {
        system_status: { state: "IDLE", mode, target_mode: targetMode, target_power: targetPower, error_flags: [] },
        parameters: { limit },
      },
      receivedAtMs: this.clock.wallMs(),
    };
    this.dispatcher.accept({ deviceId: deviceId });
  }

  deliverToDevice(which: number, keep: boolean): void {
    const [frame] = this.toDevice.splice(which % Math.max(1, this.toDevice.length), 1);
    if (frame === undefined) return;
    if (keep) this.toDevice.push(frame);
    for (const text of frame.texts) {
      const message = JSON.parse(text);
      if (message.type === "deadline") this.inbox.deadline(message);
      else this.inbox.receive(message);
    }
  }

  deliverToServer(which: number, keep: boolean): void {
    const [frame] = this.toServer.splice(which % Math.max(1, this.toServer.length), 1);
    if (frame === undefined) return;
    if (keep) this.toServer.push(frame);
    this.dispatcher.result(deviceId, frame.link.channel, JSON.parse(frame.text));
  }

  judge(): void {
    const own = this.done.filter(({ id }) => !id.endsWith(":lease"));
    // No double effect.
    expect(new Set(own.map(({ id }) => id)).size).toBe(own.length);
    // Nothing is started after its time to live, and nothing that was not sent.
    for (const { id, atMs } of own) {
      expect(atMs).toBeLessThan(this.given.get(id)?.expiresAtMs ?? 0);
      expect(this.sentIds).toContain(id);
    }
    expect(this.dispatcher.openCount).toBeLessThanOrEqual(16);
  }
}

test("whatever the network, the disk and two crashing sides do: no double effect, nothing started late, and every command ends", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 90, size: "max" }), async (acts) => {
      const world = new World();
      await world.startServer();
      world.startDevice();
      let number = 0;
      for (const each of acts) {
        switch (each.kind) {
          case "give": {
            number++;
            // Each asks for something that no other asks for, so that what is shown tells which was carried out.
            const orders: NewCommandBody[] = [
              { action: "SET_PARAMETER", payload: { name: "limit", value: number } },
              {
                action: "SET_MODE",
                payload: {
                  target_mode: "MANUAL_CHARGE",
                  target_power: number,
                  ...(each.leaseMs !== null && { lease_ms: each.leaseMs }),
                },
              },
              { action: "RESET_ERROR", payload: {} },
            ];
            const order = orders[each.action] ?? orders[0];
            // An error that is not there is reset at once, whoever does it: that shows nothing of who did what.
            if (order !== undefined && order.action !== "RESET_ERROR") {
              await world.give({ ...order, ttl_ms: each.ttlMs }, `cmd_${number}`);
            }
            break;
          }
          case "give again": {
            const [id, known] = [...world.given][each.which % Math.max(1, world.given.size)] ?? [];
            if (id !== undefined && known !== undefined && world.file.find(scope, id) !== null) {
              await world.give(known.body, id);
            }
            break;
          }
          case "to device":
            world.deliverToDevice(each.which, each.keep);
            break;
          case "to server":
            world.deliverToServer(each.which, each.keep);
            break;
          case "connect":
            world.connect();
            break;
          case "cut":
            world.cut();
            break;
          case "disk":
            world.disk.work();
            break;
          case "telemetry":
            world.sendTelemetry();
            break;
          case "device crash":
            world.startDevice();
            break;
          case "server crash":
            await world.startServer();
            break;
          case "pass":
            world.clock.advance(each.ms);
        }
        await settled();
        world.judge();
      }
      // A day later all has ended, whatever happened, and the disk says the same as was told.
      for (let hours = 0; hours < 50; hours++) {
        world.disk.work();
        await settled();
        world.clock.advance(1_800_000);
      }
      world.disk.work();
      await settled();
      world.judge();
      expect(world.dispatcher.openCount).toBe(0);
      expect(world.file.load().open).toEqual([]);
      for (const [id, steps] of world.told) {
        const stored = world.file.find(scope, id);
        expect(hasEnded(stored?.status ?? "queued")).toBe(true);
        // What was told is on the disk, in the same order; after a crash there may be a step on the disk that nobody was told.
        const history = stored?.history ?? [];
        let from = 0;
        for (const step of steps) {
          from = history.findIndex((one, at) => at >= from && one.status === step.status && one.atMs === step.atMs) + 1;
          expect(from).toBeGreaterThan(0);
        }
      }
      world.file.close();
    }),
    { numRuns: 400 },
  );
});

/** Lets everything run that waits for a promise. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** The payloads of short unmasked frames. */
function textsOf(frames: Uint8Array): string[] {
  const texts: string[] = [];
  const bytes = Buffer.from(frames);
  for (let at = 0; at < bytes.length; ) {
    const short = bytes[at + 1] ?? 0;
    const headerBytes = short < 126 ? 2 : 4;
    const length = short < 126 ? short : bytes.readUInt16BE(at + 2);
    texts.push(bytes.toString("utf8", at + headerBytes, at + headerBytes + length));
    at += headerBytes + length;
  }
  return texts;
}
