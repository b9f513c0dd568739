import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FleetRow, isRefusal } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { onTestFinished } from "vitest";
import { untilNextTurn } from "../base/clock.ts";
import type { Requester } from "../base/requester.ts";
import { Channels } from "./channels.ts";
import { MaintenanceWindows } from "./maintenance-windows.ts";
import type { Outcome } from "./message.ts";
import type { Notice } from "./notice.ts";
import { Notifier } from "./notifier.ts";
import { NotifyJournal } from "./notify-journal.ts";
import type { ChannelScope, NotificationRecord, NotifyChannel, NotifyStore } from "./records.ts";
import { notifyStoreInMemory } from "./store-in-memory.ts";

export interface Taken {
  readonly atMs: number;
  readonly channel: string;
  readonly messageId: string;
  readonly records: readonly NotificationRecord[];
  readonly deviceIds: readonly string[];
}

/** The notifier over its real file, with receivers that do as the test says; it can be killed and started again. */
export class NotifyWorld {
  readonly clock: ManualClock;
  readonly taken: Taken[] = [];
  readonly told: string[] = [];
  readonly gaveUp: NotificationRecord[] = [];
  readonly rights = new Map<string, ReadonlySet<string> | null>();
  readonly rows = new Map<string, FleetRow>();
  /** What the receiver of a channel says; a promise that does not resolve hangs. */
  receiver: (channel: NotifyChannel, messageId: string) => Outcome | Promise<Outcome> = () => ({ kind: "delivered" });
  store!: NotifyStore;
  journal!: NotifyJournal;
  channels!: Channels;
  windows!: MaintenanceWindows;
  notifier!: Notifier;
  perHour = 30;
  timeZone = "Europe/Vienna";
  isDiskFull = false;
  /** Nothing of an old one reaches the world any more. */
  #life = 0;
  #ids = 0;
  #isEnded = false;
  readonly #folder: string;
  readonly #path: string;

  /** At night the quiet hours of people hold: the clock begins at noon in Vienna. */
  constructor(startMs = Date.UTC(2026, 0, 31, 11)) {
    this.clock = new ManualClock(startMs);
    const folder = mkdtempSync(join(tmpdir(), "wattboard-notify-"));
    this.#path = join(folder, "notify.db");
    this.#folder = folder;
    onTestFinished(() => this.end());
  }

  /** Lets go of its file; a test that has many of them does so itself. */
  async end(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.notifier.stop();
    this.journal.stop();
    await this.store.close();
    rmSync(this.#folder, { recursive: true });
  }

  async start(): Promise<this> {
    const life = ++this.#life;
    const file = notifyStoreInMemory(this.#path);
    this.store = {
      ...file,
      commit: async (rows) => {
        if (life !== this.#life) throw new Error("killed");
        if (this.isDiskFull) throw new Error("no room");
        await file.commit(rows);
      },
    };
    const { clock } = this;
    const newId = (bytes: number) => (++this.#ids).toString(16).padStart(bytes * 2, "0");
    this.journal = new NotifyJournal(this.store, clock, { failed: () => {}, recovered: () => {} });
    this.channels = new Channels(clock, newId, this.journal);
    this.windows = new MaintenanceWindows(clock, newId, this.journal, this.fleet, () => true);
    const persisted = await file.load(clock.wallMs() - 3_600_000);
    this.channels.restore(persisted);
    this.windows.restore(persisted.windows);
    this.notifier = new Notifier({
      clock,
      newId,
      journal: this.journal,
      channels: this.channels,
      windows: this.windows,
      rights: {
        devicesOf: ({ name }) => this.rights.get(name),
        mayAdminister: ({ name }) => name === "ada",
      },
      fleet: this.fleet,
      watch: {
        failing: ({ name }) => this.told.push(`${name} fails`),
        recovered: ({ name }) => this.told.push(`${name} works`),
        gaveUp: (record) => {
          if (life === this.#life) this.gaveUp.push(record);
        },
        escalated: (person, { about }) => this.told.push(`${about} goes on to ${person}`),
        reachesNobody: (person) => this.told.push(`${person} cannot be told`),
      },
      timeZone: this.timeZone,
      perHour: this.perHour,
      person: (name) => (this.rights.has(name) ? person(name) : undefined),
      nameOf: (deviceId) => deviceId,
      deliver: async (channel, messageId, told) => {
        const records = told.map(({ record }) => record);
        const deviceIds = told.flatMap((each) => each.deviceIds);
        const delivery = await this.receiver(channel, messageId);
        if (delivery.kind === "delivered") {
          this.taken.push({ atMs: clock.wallMs(), channel: channel.name, messageId, records, deviceIds });
        }
        return delivery;
      },
    });
    this.notifier.restore(persisted);
    this.notifier.start();
    await this.settle();
    return this;
  }

  /** As kill -9 does: nothing is said to anybody, and what was not committed is gone. */
  async kill(): Promise<void> {
    this.#life++;
    this.notifier.stop();
    this.journal.stop();
    await this.store.close();
  }

  /** Someone with a channel called as they are. */
  add(name: string, scope: Partial<ChannelScope> = {}, devices: readonly string[] | null = null): NotifyChannel {
    this.rights.set(name, devices === null ? null : new Set(devices));
    return this.addChannel(name, name, scope);
  }

  addChannel(owner: string, name: string, scope: Partial<ChannelScope> = {}): NotifyChannel {
    const made = this.channels.add(person(owner), { name, address: hook(name), scope });
    if (isRefusal(made)) throw new Error(made.message);
    return made;
  }

  /** All turns of the event loop that have something to do without time going on. */
  async settle(): Promise<void> {
    await this.notifier.distributed();
    for (let turn = 0; turn < 12; turn++) await untilNextTurn(this.clock);
  }

  async pass(ms: number, stepMs = 15_000): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.clock.advance(Math.min(stepMs, left));
      await this.settle();
    }
  }

  /** What was taken, as `channel phase about`. */
  get lines(): string[] {
    return this.taken.flatMap(({ channel, records }) =>
      records.length === 0 ? [`${channel} test`] : records.map(({ phase, about }) => `${channel} ${phase} ${about}`),
    );
  }

  async stored(): Promise<NotificationRecord[]> {
    await this.journal.settle();
    return (await this.store.list({ person: null, limit: 10_000, before: null })).map(({ record }) => record);
  }

  private get fleet() {
    return { find: (deviceId: string) => this.rows.get(deviceId) };
  }
}

export function person(name: string): Requester {
  return { kind: "person", name, sinceMs: 1 };
}

function hook(name: string) {
  return {
    kind: "webhook",
    preset: "home_assistant",
    url: `https://example.org/${name}`,
    topic: null,
    chatId: null,
    token: null,
    secret: null,
    oldSecret: null,
    oldSecretUntilMs: null,
  } as const;
}

export function notice(about: string, change: Partial<Notice> = {}): Notice {
  const deviceIds = change.deviceIds ?? ["ems_001", "ems_002"];
  return {
    about,
    ring: 1,
    phase: "begins",
    severity: "warning",
    title: `${deviceIds.length} devices send nothing`,
    what: "No data",
    text: "Look at the router.",
    sinceMs: Date.UTC(2026, 0, 31, 10, 59),
    overMs: null,
    deviceIds,
    forAdministrators: false,
    path: `/alarms/${about}`,
    ...change,
  };
}

export function over(begun: Notice, overMs: number): Notice {
  return { ...begun, phase: "over", overMs };
}
