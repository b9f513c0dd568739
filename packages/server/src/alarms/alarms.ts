import {
  type AlarmKind,
  type AlarmRuleChangeBody,
  isRefusal,
  limits,
  type NewAlarmRuleBody,
  type Refusal,
  refuse,
  valueFaults,
} from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { NewId } from "../base/random-id.ts";
import { visitInSlices } from "../base/time-slices.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { DeviceStates } from "../devices/device-states.ts";
import type { Sample } from "../devices/sample.ts";
import type { SampleSink } from "../telemetry/sample-sink.ts";
import { AlarmBook, type Ringing } from "./alarm-book.ts";
import { AlarmJournal, type AlarmJournalObserver } from "./alarm-journal.ts";
import type { AlarmListener, AlarmRule } from "./alarm-record.ts";
import { AlarmRules } from "./alarm-rules.ts";
import type { AlarmStore } from "./alarm-store.ts";
import { deviceKinds, onceKinds } from "./built-in-rules.ts";
import type { RuleChange } from "./device-watch.ts";
import { FleetWatch } from "./fleet-watch.ts";
import { ToldWatch } from "./told-watch.ts";
import type { WatchedDevice } from "./watched-device.ts";

const tickMs = 1_000;
/** A tick that comes so late says that the event loop stood still, and heard nobody, ms. */
const stallMsMin = 3_000;
/** After a start all devices come back; who is not there after this time counts as silent from then on, ms. */
const startGraceMs = 60_000;
/** After a stall those whose links ended meanwhile come back within so long, ms. */
const stallGraceMs = 10_000;
const leftOutLookMs = 60_000;
/** So many devices that ring at once without a cause in common are one alarm all the same; of those that are silent two are. */
const togetherMin = 5;
const silentTogetherMin = 2;

export interface AlarmServices {
  readonly clock: Clock;
  readonly newId: NewId;
  readonly store: AlarmStore;
  readonly observer: AlarmJournalObserver;
  readonly devices: Pick<DeviceRegistry, "find" | "findRegistered">;
  readonly latest: Pick<DeviceStates, "find">;
  readonly isOnline: (deviceId: string) => boolean;
  readonly offlineSinceMs: (deviceId: string) => number | null;
}

/** What something of the server is told to be: once a tick. */
export type ServerCheck = (nowMs: number, tell: ServerTelling) => void;

/** How parts of the server tell what no sample does. A subject is a channel's id, a fleet command's; `""`: the server itself. */
export interface ServerTelling {
  begin(kind: AlarmKind, subject: string, words: string, evidence?: Readonly<Record<string, number | string>>): void;
  end(kind: AlarmKind, subject: string, because?: string): void;
  /** Ends what of the kind is none of these. */
  endAllBut(kind: AlarmKind, subjects: ReadonlySet<string>): void;
}

/** Alarms: rules held against what devices send and what the server knows of itself, once a second; what rings is the book's. */
export class Alarms implements SampleSink {
  readonly #services: AlarmServices;
  readonly journal: AlarmJournal;
  readonly #fleet: FleetWatch;
  readonly #told: ToldWatch;
  readonly #checks: ServerCheck[] = [];
  readonly telling: ServerTelling;
  #rules: AlarmRules;
  readonly #book: AlarmBook;
  #changes: RuleChange[] = [];
  #stopTimer: CancelTimer = () => {};
  #tickedMs: number;
  #lookedMs = 0;

  constructor(services: AlarmServices) {
    const { clock, newId, store, observer } = services;
    this.#services = services;
    this.journal = new AlarmJournal(store, clock, observer);
    this.#rules = new AlarmRules(newId, []);
    this.#fleet = new FleetWatch({
      ...services,
      rules: () => this.#rules,
      book: () => this.#book,
      journal: this.journal,
      changed: (change) => void this.#changes.push(change),
      evidence: ({ key }, { rule }, evidence) => this.#book.setEvidence(rule.ruleId, key, evidence),
      silent: (silent, atMs) => this.#ringSilent(silent, atMs),
    });
    this.#book = new AlarmBook({
      journal: this.journal,
      newId,
      traitsOf: (key) => this.#fleet.find(key)?.traits,
      fleet: this.#fleet.traits,
    });
    this.#told = new ToldWatch({
      ruleOf: (kind) => this.#rules.active(kind),
      rings: (kind, told, sinceMs, atMs) => this.#ringTold(kind, told, sinceMs, atMs),
      over: (kind, subject, sinceMs, atMs, because) => this.#book.over(kind, subject, sinceMs, atMs, because),
    });
    this.#tickedMs = clock.monotonicMs();
    this.telling = {
      begin: (kind, subject, words, evidence = {}) => this.#begin(kind, { subject, words, evidence }),
      end: (kind, subject, because) => this.#told.end(kind, subject, clock.wallMs(), because),
      endAllBut: (kind, subjects) => this.#told.endAllBut(kind, subjects, clock.wallMs()),
    };
  }

  get book(): AlarmBook {
    return this.#book;
  }

  get rules(): AlarmRules {
    return this.#rules;
  }

  /** Has it told of each alarm that changes, from now on. */
  watch(listener: AlarmListener): void {
    this.#book.watch(listener);
  }

  /** Has this looked at with every tick. */
  addCheck(check: ServerCheck): void {
    this.#checks.push(check);
  }

  /** Takes up what the server before this one left, and goes on from there. */
  async restore(): Promise<void> {
    const { store, newId, clock } = this.#services;
    const persisted = await store.load();
    this.#rules = new AlarmRules(newId, persisted.rules);
    this.#book.restore(persisted);
    const nowMs = clock.wallMs();
    for (const entry of this.#book.open()) {
      const { kind, subject, words, evidence, sinceMs } = entry.record;
      if (onceKinds.has(kind)) continue;
      if (subject !== null) this.#told.resume(kind, { subject, words, evidence }, sinceMs, nowMs);
      else if (isTold(kind)) {
        for (const member of entry.members.values()) {
          const told = { subject: member.key, words: "", evidence: member.evidence };
          if (member.untilMs === null) this.#told.resume(kind, told, member.sinceMs, nowMs);
        }
      }
    }
    this.#fleet.restore(persisted);
    this.#fleet.deaf(nowMs + startGraceMs);
    this.#tickedMs = clock.monotonicMs();
    this.#stopTimer = clock.every(tickMs, () => this.#tick());
  }

  /** The store has told what it had last of these devices. */
  async devicesRestored(states: Iterable<DeviceState>): Promise<void> {
    await visitInSlices(states, (state) => this.#fleet.begin(state));
  }

  accept(device: DeviceState, sample: Sample): void {
    this.#fleet.devices.accept(device, sample);
  }

  /** Samples of before have become durable: what is called silent was not. */
  filled(deviceId: string): void {
    this.#fleet.filled(deviceId);
  }

  /** It is so for a device: told by an event of one of these kinds. */
  tellDevice(kind: AlarmKind, deviceId: string, evidence: Readonly<Record<string, number | string>>): void {
    const device = this.#services.devices.find(deviceId);
    if (device !== undefined) this.#begin(kind, { subject: device.registration.key, words: "", evidence });
  }

  /** The server's clock was set by so much, ms, or the machine slept so long. */
  serverStepped(stepMs: number): void {
    this.#fleet.devices.shift(stepMs);
    this.#fleet.deaf(this.#services.clock.wallMs() + (stepMs > 0 ? startGraceMs : 0));
  }

  /** Makes a rule; stored when this resolves. */
  addRule(body: NewAlarmRuleBody): Promise<AlarmRule | Refusal> {
    const rule = this.#rules.add(body);
    return this.#ruleChanged(rule, () => isRefusal(rule) || this.#rules.remove(rule.ruleId));
  }

  changeRule(ruleId: string, change: AlarmRuleChangeBody): Promise<AlarmRule | Refusal> {
    const before = this.#rules.find(ruleId);
    return this.#ruleChanged(this.#rules.change(ruleId, change), () => before && this.#rules.restore(before));
  }

  removeRule(ruleId: string): Promise<AlarmRule | Refusal> {
    const rule = this.#rules.remove(ruleId);
    return this.#ruleChanged(rule, () => isRefusal(rule) || this.#rules.restore(rule), true);
  }

  acknowledge(alarmId: string, by: string, note: string): Refusal | null {
    const entry = this.#book.find(alarmId);
    if (entry === undefined || !entry.isOpen) return refuse("alarm_cleared");
    const nowMs = this.#services.clock.wallMs();
    this.#book.acknowledge(entry, by, note, nowMs);
    if (onceKinds.has(entry.record.kind)) this.#book.clear(entry, nowMs, "somebody has seen it");
    this.#book.flush(nowMs);
    return null;
  }

  snooze(alarmId: string, untilMs: number, by: string, note: string): Refusal | null {
    const entry = this.#book.find(alarmId);
    if (entry === undefined || !entry.isOpen) return refuse("alarm_cleared");
    const nowMs = this.#services.clock.wallMs();
    if (!(untilMs > nowMs && untilMs <= nowMs + limits.alarmSnoozeMsMax)) {
      const words = "until is an RFC 3339 time, e.g. 2026-01-31T12:00:00Z, that is to come, within 30 days.";
      return refuse("invalid_request", words);
    }
    this.#book.snooze(entry, untilMs, by, note, nowMs);
    this.#book.flush(nowMs);
    return null;
  }

  stop(): void {
    this.#stopTimer();
    const nowMs = this.#services.clock.wallMs();
    this.#fleet.saveOnsets(nowMs);
    this.#book.flush(nowMs);
  }

  #tick(): void {
    const { clock } = this.#services;
    const monotonicMs = clock.monotonicMs();
    const nowMs = clock.wallMs();
    if (monotonicMs - this.#tickedMs > stallMsMin) this.#fleet.deaf(nowMs + stallGraceMs);
    this.#tickedMs = monotonicMs;
    for (const check of this.#checks) check(nowMs, this.telling);
    this.#lookForLeftOut(nowMs);
    this.#told.tick(nowMs);
    this.#fleet.tick(nowMs);
    this.#takeChanges();
    this.#book.tick(nowMs);
    this.#fleet.saveOnsets(nowMs);
    this.#book.flush(nowMs);
  }

  /** Values that are left out are an event once an hour; whether they still are, the devices of open alarms are asked once a minute. */
  #lookForLeftOut(nowMs: number): void {
    if (nowMs - this.#lookedMs < leftOutLookMs) return;
    const sinceMs = this.#lookedMs;
    this.#lookedMs = nowMs;
    for (const { record, members } of this.#book.open()) {
      if (record.kind !== "values_left_out") continue;
      for (const { deviceId, key, evidence, untilMs } of members.values()) {
        const counts = untilMs === null ? this.#services.latest.find(deviceId)?.faultyValues.counts : undefined;
        const isLeftOut = counts?.some(({ fault, lastMs }) => !valueFaults[fault].isKept && lastMs >= sinceMs);
        if (isLeftOut === true) this.#told.begin(record.kind, { subject: key, words: "", evidence }, nowMs);
      }
    }
  }

  /** What has changed since the last tick, in its order; devices for which a rule rings together are told together. */
  #takeChanges(): void {
    if (this.#changes.length === 0) return;
    const changes = this.#changes;
    this.#changes = [];
    const ringing = new Map<AlarmRule, Ringing[]>();
    const ring = (rule: AlarmRule): void => {
      const together = ringing.get(rule);
      if (together !== undefined) this.#book.ring(rule, together, togetherMin);
      ringing.delete(rule);
    };
    for (const { prepared, watched, isRinging, sinceMs, atMs, evidence } of changes) {
      const { rule } = prepared;
      if (isRinging) {
        const together = ringing.get(rule) ?? [];
        together.push(ringingOf(watched, { sinceMs, atMs, evidence, spreadMs: 0 }));
        ringing.set(rule, together);
        continue;
      }
      ring(rule);
      this.#book.over(rule.ruleId, watched.key, sinceMs, atMs, "it is over");
    }
    for (const rule of [...ringing.keys()]) ring(rule);
  }

  #ringSilent(silent: readonly WatchedDevice[], atMs: number): void {
    const rule = this.#rules.active("no_data");
    if (rule === undefined) return;
    const ringing = silent.map((watched) =>
      ringingOf(watched, { sinceMs: watched.heardAtMs, atMs, evidence: {}, spreadMs: watched.silenceMsMax }),
    );
    this.#book.ring(rule, ringing, silentTogetherMin);
  }

  #begin(kind: AlarmKind, told: Parameters<ToldWatch["begin"]>[1]): void {
    const nowMs = this.#services.clock.wallMs();
    if (!onceKinds.has(kind)) this.#told.begin(kind, told, nowMs);
    else if (this.#rules.active(kind) !== undefined) this.#ringTold(kind, told, nowMs, nowMs);
  }

  #ringTold(kind: AlarmKind, told: Parameters<ToldWatch["begin"]>[1], sinceMs: number, atMs: number): void {
    const rule = this.#rules.active(kind);
    if (rule === undefined) return;
    const { subject, words, evidence } = told;
    if (!deviceKinds.has(kind)) {
      this.#book.ringServer(rule, subject, { words, evidence }, sinceMs, atMs);
      return;
    }
    const device = this.#services.devices.findRegistered(subject);
    if (device === undefined) return;
    const about = this.#fleet.describe(device);
    if (!this.#rules.isAbout(kind, about.row)) return;
    const { deviceId, name } = device;
    const ringing = { deviceId, name, key: subject, traits: about.traits, sinceMs, atMs, evidence, spreadMs: 0 };
    this.#book.ring(rule, [ringing], togetherMin);
  }

  async #ruleChanged(rule: AlarmRule | Refusal, undo: () => void, isRemoved = false): Promise<AlarmRule | Refusal> {
    if (isRefusal(rule)) return rule;
    const { ruleId } = rule;
    if (this.journal.isFailing) {
      undo();
      return refuse("alarms_unavailable");
    }
    const nowMs = this.#services.clock.wallMs();
    this.journal.save({ table: "rule", ruleId, rule: isRemoved ? null : rule });
    if (isRemoved || !rule.isOn) {
      this.#book.clearRule(ruleId, nowMs, isRemoved ? "the rule was removed" : "the rule was switched off");
      this.#told.forget(rule.kind);
    } else this.#book.retitle(rule);
    this.#fleet.replanAll();
    this.#book.flush(nowMs);
    await this.journal.settled();
    return rule;
  }
}

/** Kinds about devices that no sample tells. */
function isTold(kind: AlarmKind): boolean {
  return kind === "contested" || kind === "values_left_out" || kind === "claim_contested";
}

function ringingOf(
  { deviceId, key, device, traits }: WatchedDevice,
  about: Pick<Ringing, "sinceMs" | "atMs" | "evidence" | "spreadMs">,
): Ringing {
  return { deviceId, key, name: device.name, traits, ...about };
}
