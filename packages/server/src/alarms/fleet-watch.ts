import type { Clock } from "../base/clock.ts";
import { type Device, type DeviceRegistry, propertiesOf } from "../devices/device-registry.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { DeviceStates } from "../devices/device-states.ts";
import type { AlarmBook } from "./alarm-book.ts";
import type { AlarmJournal } from "./alarm-journal.ts";
import type { AlarmRules } from "./alarm-rules.ts";
import type { PersistedAlarms } from "./alarm-store.ts";
import { DeviceWatch, type DeviceWatchServices, type RuleChange } from "./device-watch.ts";
import type { ScopeRow } from "./prepared-rule.ts";
import type { RuleState } from "./rule-state.ts";
import { FleetTraits, type Trait, traitsOf } from "./shared-cause.ts";
import { SilenceWatch } from "./silence-watch.ts";
import { WatchedDevice } from "./watched-device.ts";

/** Devices that are looked at for other properties in one tick: a fleet of 50,000 takes ten. */
const lookedAtMax = 5_000;
/** An onset is stored when it has lasted so long: what flutters is not. */
const storedMsMin = 1_000;
/** Onsets that are stored with one tick; the others with the next. */
const storedAtOnceMax = 1_000;
/** A usual step is stored anew where it differs by more than this share. */
const stepShareMin = 0.25;

interface FleetWatchServices {
  readonly clock: Clock;
  readonly devices: Pick<DeviceRegistry, "find" | "findRegistered">;
  readonly latest: Pick<DeviceStates, "find">;
  readonly isOnline: (deviceId: string) => boolean;
  readonly offlineSinceMs: (deviceId: string) => number | null;
  readonly rules: () => AlarmRules;
  readonly book: () => AlarmBook;
  readonly journal: AlarmJournal;
  readonly changed: (change: RuleChange) => void;
  readonly evidence: DeviceWatchServices["evidence"];
  readonly silent: (silent: readonly WatchedDevice[], atMs: number) => void;
}

/** The devices that have been heard, and which rules are about each; what of them outlives a restart. */
export class FleetWatch {
  readonly #services: FleetWatchServices;
  readonly devices: DeviceWatch;
  readonly #silence: SilenceWatch;
  readonly traits = new FleetTraits();
  readonly #watched = new Map<string, WatchedDevice>();
  /** As they were stored, by the keys of registrations; taken when a device is watched. */
  #onsets = new Map<string, PersistedAlarms["onsets"][number][]>();
  #usualSteps = new Map<string, number>();
  /** Pending states that are stored, and those that were. */
  readonly #stored = new Map<RuleState, WatchedDevice>();
  #look: Iterator<WatchedDevice> | null = null;
  #planNumber = 0;

  constructor(services: FleetWatchServices) {
    this.#services = services;
    const { isOnline, offlineSinceMs, silent, book } = services;
    this.devices = new DeviceWatch({ ...services, watch: (state) => this.#watch(state) });
    this.#silence = new SilenceWatch(
      {
        isOnline,
        offlineSinceMs,
        silent,
        back: ({ key }, sinceMs, atMs, because) => book().over("no_data", key, sinceMs, atMs, because),
      },
      services.clock.wallMs(),
    );
  }

  find(key: string): WatchedDevice | undefined {
    return this.#watched.get(key);
  }

  restore({ onsets, usualSteps }: PersistedAlarms): void {
    for (const onset of onsets) {
      const ofKey = this.#onsets.get(onset.key) ?? [];
      ofKey.push(onset);
      this.#onsets.set(onset.key, ofKey);
    }
    this.#usualSteps = new Map(usualSteps.map(({ key, stepMs }) => [key, stepMs]));
    this.#dropGone();
  }

  /** The store has told what it had last of the device: what was pending goes on from there. */
  begin(state: DeviceState): boolean {
    const watched = state.latestReceivedAtMs === 0 ? undefined : this.devices.find(state);
    if (watched === undefined) return true;
    for (const { ruleId, sinceMs } of this.#onsets.get(watched.key) ?? []) {
      const prepared = this.#services.rules().prepared(ruleId);
      if (prepared !== undefined) this.devices.resumeOnset(watched, prepared, sinceMs);
      const pending = watched.states?.get(ruleId);
      if (pending?.onset.isPending === true) this.#stored.set(pending, watched);
      else this.#services.journal.save({ table: "onset", ruleId, key: watched.key, sinceMs: null });
    }
    this.#onsets.delete(watched.key);
    return true;
  }

  deaf(untilMs: number): void {
    this.#silence.deaf(untilMs);
  }

  filled(deviceId: string): void {
    const device = this.#services.devices.find(deviceId);
    const watched = device && this.#watched.get(device.registration.key);
    if (watched === undefined) return;
    const nowMs = this.#services.clock.wallMs();
    this.#silence.end(watched, nowMs, nowMs, "the samples came later");
    watched.heardAtMs = nowMs;
  }

  tick(nowMs: number): void {
    this.devices.tick(nowMs);
    const rule = this.#services.rules().active("no_data");
    if (rule !== undefined) this.#silence.tick(this.#watched.values(), nowMs, rule);
    this.#lookAround(nowMs);
  }

  /** Rules are others: which are about whom is told anew, some thousand devices with each tick. */
  replanAll(): void {
    this.#planNumber++;
    this.#look = null;
    this.#lookAround(this.#services.clock.wallMs());
  }

  describe(device: Device): { readonly row: ScopeRow; readonly traits: readonly Trait[] } {
    const row = scopeRowOf(device);
    return { row, traits: traitsOf(row.properties) };
  }

  /** Stores what has held for a while and has not rung yet, and forgets what has ended. */
  saveOnsets(nowMs: number): void {
    const { journal } = this.#services;
    let room = storedAtOnceMax;
    for (const [state, watched] of this.#stored) {
      if (this.devices.pending.has(state)) continue;
      if (room-- <= 0) return;
      this.#stored.delete(state);
      journal.save({ table: "onset", ruleId: state.prepared.rule.ruleId, key: watched.key, sinceMs: null });
    }
    for (const [state, watched] of this.devices.pending) {
      const { onset, prepared } = state;
      const { rule } = prepared;
      if (this.#stored.has(state) || nowMs - onset.sinceMs < storedMsMin) continue;
      if (room-- <= 0) return;
      this.#stored.set(state, watched);
      journal.save({ table: "onset", ruleId: rule.ruleId, key: watched.key, sinceMs: Math.round(onset.sinceMs) });
    }
  }

  #watch(state: DeviceState): WatchedDevice | undefined {
    const { devices, rules, book } = this.#services;
    const device = devices.find(state.deviceId);
    if (device === undefined) return undefined;
    const { row, traits } = this.describe(device);
    const watched = new WatchedDevice(state, device, rules().planFor(row), traits);
    watched.planNumber = this.#planNumber;
    watched.storedStepMs = this.#usualSteps.get(watched.key) ?? null;
    if (watched.storedStepMs !== null) watched.step.usualMs = watched.storedStepMs;
    watched.isExpected = this.#isExpected(watched, row);
    watched.isSilent = this.#isIn("no_data", watched.key);
    this.#watched.set(watched.key, watched);
    this.traits.add(watched.properties);
    const { plan } = watched;
    for (const prepared of plan.clockOff === null ? plan.rules : [...plan.rules, plan.clockOff]) {
      const { ruleId } = prepared.rule;
      const member = book().findOpen(ruleId, watched.key)?.members.get(watched.key);
      if (member?.untilMs === null) this.devices.resume(watched, prepared, member.sinceMs);
    }
    return watched;
  }

  #isIn(ruleId: string, key: string): boolean {
    return this.#services.book().findOpen(ruleId, key)?.members.get(key)?.untilMs === null;
  }

  /** Whether samples are expected: not of one whose token was taken away. */
  #isExpected({ device, mayRest }: WatchedDevice, row: ScopeRow): boolean {
    return (device.token !== null || mayRest) && this.#services.rules().isAbout("no_data", row);
  }

  /** Looks at some devices, in turn: whether they are registered, and as they were. */
  #lookAround(nowMs: number): void {
    this.#look ??= this.#watched.values();
    for (let at = 0; at < lookedAtMax; at++) {
      const next = this.#look.next();
      if (next.done === true) {
        this.#look = null;
        return;
      }
      this.#lookAt(next.value, nowMs);
    }
  }

  #lookAt(watched: WatchedDevice, nowMs: number): void {
    const device = this.#services.devices.find(watched.deviceId);
    if (device === undefined || device.registration.key !== watched.key) {
      this.#forget(watched, nowMs);
      return;
    }
    this.#saveStep(watched);
    if (device === watched.device && watched.planNumber === this.#planNumber) return;
    this.traits.remove(watched.properties);
    const { row, traits } = this.describe(device);
    watched.become(device, traits, this.#services.rules().planFor(row));
    watched.planNumber = this.#planNumber;
    this.traits.add(watched.properties);
    for (const ruleId of this.devices.replan(watched)) {
      this.#services.book().over(ruleId, watched.key, nowMs, nowMs, "the rule is not about it any more");
    }
    watched.isExpected = this.#isExpected(watched, row);
    if (watched.isExpected) return;
    const because = device.token === null ? "its token was revoked" : "the rule is not about it any more";
    this.#silence.end(watched, nowMs, nowMs, because);
  }

  #saveStep(watched: WatchedDevice): void {
    const { step, storedStepMs, key } = watched;
    const usualMs = Math.round(step.usualMs);
    if (Number.isNaN(usualMs)) return;
    if (storedStepMs !== null && Math.abs(usualMs - storedStepMs) <= storedStepMs * stepShareMin) return;
    watched.storedStepMs = usualMs;
    this.#services.journal.save({ table: "usual_step", key, stepMs: usualMs });
  }

  #forget(watched: WatchedDevice, nowMs: number): void {
    const { journal } = this.#services;
    const { key } = watched;
    this.#watched.delete(key);
    this.traits.remove(watched.properties);
    this.#silence.forget(watched);
    this.devices.forget(watched);
    journal.save({ table: "usual_step", key, stepMs: null });
    this.#clearOf(key, nowMs);
  }

  /** Ends what rings for a registration that has ended. */
  #clearOf(key: string, nowMs: number): void {
    const { book } = this.#services;
    for (const entry of [...book().open()]) {
      if (entry.members.get(key)?.untilMs === null) {
        book().over(entry.record.ruleId, key, nowMs, nowMs, "the device was removed");
      }
    }
  }

  /** Devices may have been removed while no server ran. */
  #dropGone(): void {
    const { book, clock, devices } = this.#services;
    const nowMs = clock.wallMs();
    for (const entry of [...book().open()]) {
      for (const { key, untilMs } of [...entry.members.values()]) {
        if (untilMs !== null || devices.findRegistered(key) !== undefined) continue;
        book().over(entry.record.ruleId, key, nowMs, nowMs, "the device was removed");
      }
    }
  }
}

/** What scopes judge a device by. */
export function scopeRowOf(device: Device): ScopeRow {
  const { deviceId: id, name } = device;
  return { id, name: name === "" ? id : name, properties: propertiesOf(device) };
}
