import type { AlarmSeverity } from "@wattboard/protocol";
import type { NewId } from "../base/random-id.ts";
import { AlarmEntry } from "./alarm-entry.ts";
import type { AlarmJournal } from "./alarm-journal.ts";
import type {
  AlarmListener,
  AlarmMember,
  AlarmRecord,
  AlarmRule,
  AlarmStepName,
  Cause,
  Evidence,
} from "./alarm-record.ts";
import type { PersistedAlarms } from "./alarm-store.ts";
import { type FleetTraits, findCause, type Trait, traitOf } from "./shared-cause.ts";

/** A device for which a rule rings. */
export interface Ringing {
  readonly deviceId: string;
  readonly key: string;
  readonly name: string;
  /** What it shares with others. */
  readonly traits: readonly Trait[];
  readonly sinceMs: number;
  readonly atMs: number;
  readonly evidence: Evidence;
  /** Between what has one cause may lie so much more than a minute: of silence what is usual between two samples, ms. */
  readonly spreadMs: number;
}

/** What rings again within this time of its end is the same alarm, ms. */
const reopenMs = 10 * 60_000;
/** Alarms that are over and held for that; beyond it the oldest begins anew instead. */
const recentMax = 10_000;

/** What begins within this time may have one cause, ms. */
const togetherMs = 60_000;
/** An alarm of so few devices may turn out to have a cause with the next; one of more would have shown it. */
const fewMax = 8;

interface BookServices {
  readonly journal: AlarmJournal;
  readonly newId: NewId;
  /** Of a device that is watched, by the key of its registration. */
  readonly traitsOf: (key: string) => readonly Trait[] | undefined;
  readonly fleet: FleetTraits;
}

/** The alarms that are open: how devices that ring become alarms, and what becomes of these. What has changed is written and told by `flush`. */
export class AlarmBook {
  readonly #services: BookServices;
  readonly #listeners: AlarmListener[] = [];
  readonly #open = new Map<string, AlarmEntry>();
  /** Over since a short time, the oldest first. */
  readonly #recent = new Map<string, AlarmEntry>();
  /** The alarm in which a device, or a thing of the server, is or was lately: by rule and key. */
  readonly #byMember = new Map<string, AlarmEntry>();
  /** The newest alarm that takes devices with a trait, by rule and trait: its cause, or what its few devices have. */
  readonly #byTrait = new Map<string, AlarmEntry>();
  readonly #touched = new Map<AlarmEntry, AlarmStepName[]>();
  #lastNumber = 0;

  constructor(services: BookServices) {
    this.#services = services;
  }

  watch(listener: AlarmListener): void {
    this.#listeners.push(listener);
  }

  restore({ open, members, lastNumber }: PersistedAlarms): void {
    this.#lastNumber = lastNumber;
    const byNumber = new Map<number, AlarmEntry>();
    for (const record of open) {
      const entry = new AlarmEntry(record);
      this.#open.set(record.alarmId, entry);
      byNumber.set(record.number, entry);
      if (record.subject !== null) this.#byMember.set(memberKey(record.ruleId, record.subject), entry);
    }
    for (const { number, member } of members) {
      const entry = byNumber.get(number);
      entry?.restore(member);
      if (entry !== undefined) this.#byMember.set(memberKey(entry.record.ruleId, member.key), entry);
    }
    for (const entry of byNumber.values()) {
      entry.noteStored();
      const { cause } = entry.record;
      if (cause !== null) this.#byTrait.set(memberKey(entry.record.ruleId, traitOf(cause)), entry);
    }
  }

  /** Those that are open, as they are; not to be changed. */
  open(): Iterable<AlarmEntry> {
    return this.#open.values();
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** How many are open, and not snoozed. */
  count(severity: AlarmSeverity): number {
    let count = 0;
    for (const { record } of this.#open.values()) {
      if (record.severity === severity && record.snoozedUntilMs === null) count++;
    }
    return count;
  }

  /** An alarm that is open, or over since a short time. */
  find(alarmId: string): AlarmEntry | undefined {
    return this.#open.get(alarmId) ?? this.#recent.get(alarmId);
  }

  /** The open alarm of the rule in which this device, or thing of the server, is. */
  findOpen(ruleId: string, key: string): AlarmEntry | undefined {
    const entry = this.#byMember.get(memberKey(ruleId, key));
    return entry?.isOpen === true ? entry : undefined;
  }

  /**
   * The rule rings for these devices, at about the same time. Each becomes part of an alarm whose cause it shares, or of a new one: those with a
   * cause in common of one, and of the others one each, or one of all where they are at least `togetherMin`.
   */
  ring(rule: AlarmRule, ringing: readonly Ringing[], togetherMin: number): void {
    const { fleet } = this.#services;
    const fresh: Ringing[] = [];
    for (const each of ringing) if (!this.#ringAgain(rule, each) && !this.#join(rule, each)) fresh.push(each);
    let left = fresh;
    for (let cause = findCause(left, fleet); cause !== null; cause = findCause(left, fleet)) {
      const trait = traitOf(cause);
      const { together = [], others = [] } = Object.groupBy(left, ({ traits }) =>
        traits.includes(trait) ? "together" : "others",
      );
      this.#raise(rule, together, cause);
      left = others;
    }
    if (left.length >= togetherMin) this.#raise(rule, left, null);
    else for (const each of left) this.#raise(rule, [each], null);
  }

  /** The rule rings for something of the server. */
  ringServer(
    rule: AlarmRule,
    subject: string,
    about: Pick<AlarmRecord, "words" | "evidence">,
    sinceMs: number,
    atMs: number,
  ) {
    const before = this.#byMember.get(memberKey(rule.ruleId, subject));
    if (before !== undefined) {
      before.change(about);
      if (!before.isOpen) this.#reopen(before, atMs);
      this.#touch(before);
      return;
    }
    const entry = this.#make(rule, { ...about, subject, sinceMs, raisedAtMs: atMs });
    this.#byMember.set(memberKey(rule.ruleId, subject), entry);
    this.#tell(entry, atMs, "raised", about.words);
  }

  /** It is over since `sinceMs` for this device, or thing of the server; and the alarm is where that was the last. */
  over(ruleId: string, key: string, sinceMs: number, atMs: number, because: string): void {
    const entry = this.findOpen(ruleId, key);
    if (entry === undefined) return;
    const member = entry.members.get(key);
    if (member !== undefined && member.untilMs === null) {
      entry.put({ ...member, untilMs: Math.max(sinceMs, member.sinceMs) });
      this.#touch(entry);
    }
    if (entry.record.subject === key || entry.record.openDeviceCount === 0) this.#clear(entry, atMs, because);
  }

  /** The values for which it rings are others now. */
  setEvidence(ruleId: string, key: string, evidence: Evidence): void {
    const entry = this.findOpen(ruleId, key);
    const member = entry?.members.get(key);
    if (entry === undefined || member === undefined || member.untilMs !== null) return;
    entry.put({ ...member, evidence });
    this.#touch(entry);
  }

  setCoverage(alarmId: string, coverage: number | null): void {
    const entry = this.find(alarmId);
    if (entry === undefined) return;
    entry.change({ coverage });
    this.#touch(entry);
  }

  acknowledge(entry: AlarmEntry, by: string, note: string, atMs: number): void {
    entry.change({ acknowledgedAtMs: atMs, acknowledgedBy: by, snoozedUntilMs: null });
    this.#tell(entry, atMs, "acknowledged", note, by);
  }

  snooze(entry: AlarmEntry, untilMs: number, by: string, note: string, atMs: number): void {
    entry.change({ snoozedUntilMs: untilMs });
    this.#tell(entry, atMs, "snoozed", note, by);
  }

  /** Nobody else was asked to, and nobody has taken it on. */
  noteEscalated(alarmId: string, note: string, atMs: number): void {
    const entry = this.#open.get(alarmId);
    if (entry !== undefined) this.#tell(entry, atMs, "escalated", note);
  }

  /** All open alarms of the rule are over. */
  clearRule(ruleId: string, atMs: number, because: string): void {
    for (const entry of [...this.#open.values()]) if (entry.record.ruleId === ruleId) this.clear(entry, atMs, because);
  }

  clear(entry: AlarmEntry, atMs: number, because: string): void {
    for (const member of entry.members.values()) {
      if (member.untilMs === null) entry.put({ ...member, untilMs: Math.max(atMs, member.sinceMs) }, false);
    }
    this.#clear(entry, atMs, because);
  }

  /** What is about the open alarms of a rule changes with it. */
  retitle({ ruleId, name, severity, text }: AlarmRule): void {
    for (const entry of this.#open.values()) {
      if (entry.record.ruleId !== ruleId) continue;
      entry.change({ name, severity, text });
      this.#touch(entry);
    }
  }

  /** Snoozes end, and what has been over for long enough begins anew when it comes again. */
  tick(nowMs: number): void {
    for (const entry of this.#open.values()) {
      const { snoozedUntilMs, rings } = entry.record;
      if (snoozedUntilMs === null || snoozedUntilMs > nowMs) continue;
      entry.change({ snoozedUntilMs: null, acknowledgedAtMs: null, acknowledgedBy: null, rings: rings + 1 });
      this.#tell(entry, nowMs, "snooze_ended", "It still holds.");
    }
    for (const [alarmId, entry] of this.#recent) {
      const isOld = nowMs - (entry.record.clearedAtMs ?? 0) > reopenMs;
      if (!isOld && this.#recent.size <= recentMax) break;
      this.#recent.delete(alarmId);
      this.#forget(entry);
    }
  }

  /** Writes what has changed, and tells it when it is stored. */
  flush(nowMs: number): void {
    const { journal } = this.#services;
    for (const [entry, told] of this.#touched) {
      const all = [...told, ...entry.tellDevices(nowMs)];
      for (const row of entry.rows()) journal.save(row);
      if (all.length === 0) continue;
      journal.tell(() => {
        for (const what of all) for (const listener of this.#listeners) listener.changed(entry.view(), what);
      });
    }
    this.#touched.clear();
    journal.flush();
  }

  /** It is open, or was until lately: then it is the same alarm that rings again. */
  #ringAgain(rule: AlarmRule, { key, sinceMs, evidence, atMs, name }: Ringing): boolean {
    const entry = this.#byMember.get(memberKey(rule.ruleId, key));
    const member = entry?.members.get(key);
    if (entry === undefined || member === undefined) return false;
    if (member.untilMs === null) return true;
    // An alarm that goes on without it for a long time does not hold its place.
    if (atMs - member.untilMs > reopenMs) return false;
    const wasOpen = entry.isOpen;
    entry.put({ ...member, name, sinceMs, untilMs: null, evidence }, wasOpen);
    if (!wasOpen) this.#reopen(entry, atMs);
    this.#touch(entry);
    return true;
  }

  /** Makes the device part of an open alarm of the rule, if all its devices and this one share a cause. */
  #join(rule: AlarmRule, ringing: Ringing): boolean {
    const { ruleId } = rule;
    for (const trait of ringing.traits) {
      const entry = this.#byTrait.get(memberKey(ruleId, trait));
      if (entry?.isOpen !== true) continue;
      const cause = this.#commonCause(entry, ringing, trait);
      if (cause === null) continue;
      entry.put(asMember(ringing));
      entry.change({ cause });
      this.#byMember.set(memberKey(ruleId, ringing.key), entry);
      this.#byTrait.set(memberKey(ruleId, traitOf(cause)), entry);
      this.#touch(entry);
      return true;
    }
    return false;
  }

  /** The cause that the alarm has with one device more; null: it has none with it. */
  #commonCause(entry: AlarmEntry, ringing: Ringing, trait: Trait): Cause | null {
    const { cause, sinceMs } = entry.record;
    if (cause !== null) {
      if (traitOf(cause) !== trait) return null;
      const count = cause.ringing + 1;
      return { ...cause, ringing: count, of: Math.max(cause.of, count) };
    }
    if (Math.abs(ringing.sinceMs - sinceMs) > togetherMs + ringing.spreadMs || entry.members.size > fewMax) return null;
    const { traitsOf, fleet } = this.#services;
    const others = [...entry.members.values()].filter(({ untilMs }) => untilMs === null);
    return findCause([ringing, ...others.map(({ key }) => ({ traits: traitsOf(key) ?? [] }))], fleet, true);
  }

  #raise(rule: AlarmRule, ringing: readonly Ringing[], cause: Cause | null): void {
    const sinceMs = Math.min(...ringing.map((each) => each.sinceMs));
    const raisedAtMs = Math.min(...ringing.map((each) => each.atMs));
    const entry = this.#make(rule, { cause, sinceMs, raisedAtMs });
    for (const each of ringing) {
      entry.put(asMember(each), false);
      this.#byMember.set(memberKey(rule.ruleId, each.key), entry);
    }
    const traits =
      cause !== null ? [traitOf(cause)] : ringing.length <= fewMax ? ringing.flatMap((each) => each.traits) : [];
    for (const trait of traits) this.#byTrait.set(memberKey(rule.ruleId, trait), entry);
    this.#tell(entry, raisedAtMs, "raised", ringing.length === 1 ? "" : `${ringing.length} devices`);
  }

  #make({ ruleId, kind, severity, name, text }: AlarmRule, about: Partial<AlarmRecord>): AlarmEntry {
    const record: AlarmRecord = {
      number: ++this.#lastNumber,
      alarmId: `alm_${this.#services.newId(4)}`,
      ruleId,
      kind,
      severity,
      name,
      text,
      subject: null,
      words: "",
      cause: null,
      sinceMs: 0,
      raisedAtMs: 0,
      rings: 1,
      acknowledgedAtMs: null,
      acknowledgedBy: null,
      snoozedUntilMs: null,
      clearedAtMs: null,
      clearedBecause: null,
      deviceCount: 0,
      openDeviceCount: 0,
      coverage: null,
      evidence: {},
      steps: [],
      ...about,
    };
    const entry = new AlarmEntry(record);
    this.#open.set(record.alarmId, entry);
    return entry;
  }

  #clear(entry: AlarmEntry, atMs: number, because: string): void {
    const { alarmId } = entry.record;
    entry.change({ clearedAtMs: atMs, clearedBecause: because, snoozedUntilMs: null });
    this.#open.delete(alarmId);
    this.#recent.set(alarmId, entry);
    this.#tell(entry, atMs, "cleared", because);
  }

  #reopen(entry: AlarmEntry, atMs: number): void {
    const { alarmId, rings } = entry.record;
    this.#recent.delete(alarmId);
    this.#open.set(alarmId, entry);
    entry.change({ clearedAtMs: null, clearedBecause: null, rings: rings + 1 });
    entry.change({ acknowledgedAtMs: null, acknowledgedBy: null });
    this.#tell(entry, atMs, "raised", "It is so again.");
  }

  #tell(entry: AlarmEntry, atMs: number, step: AlarmStepName, note: string, by: string | null = null): void {
    entry.step(atMs, step, note, by);
    this.#touch(entry).push(step);
  }

  #touch(entry: AlarmEntry): AlarmStepName[] {
    let told = this.#touched.get(entry);
    if (told === undefined) {
      told = [];
      this.#touched.set(entry, told);
    }
    return told;
  }

  #forget(entry: AlarmEntry): void {
    const { ruleId, subject } = entry.record;
    for (const [key, each] of this.#byTrait) if (each === entry) this.#byTrait.delete(key);
    for (const key of subject === null ? entry.members.keys() : [subject]) {
      if (this.#byMember.get(memberKey(ruleId, key)) === entry) this.#byMember.delete(memberKey(ruleId, key));
    }
  }
}

function asMember({ deviceId, key, name, sinceMs, evidence }: Ringing): AlarmMember {
  return { deviceId, key, name, sinceMs, untilMs: null, evidence };
}

function memberKey(ruleId: string, key: string): string {
  return `${ruleId} ${key}`;
}
