import { limits } from "@wattboard/protocol/constants";
import type { Alarm, AlarmMember, AlarmRecord, AlarmStep, AlarmStepName } from "./alarm-record.ts";
import type { AlarmRow } from "./alarm-store.ts";

/** The first steps of an alarm that are kept whatever comes: how it began. */
const firstSteps = 20;

/** One alarm in memory: open, or over for so short a time that it may begin again. What of it has changed is written with the next `rows`. */
export class AlarmEntry {
  readonly members = new Map<string, AlarmMember>();
  /** Under what the book finds it by what its devices share. */
  readonly foundBy = new Set<string>();
  #record: AlarmRecord;
  /** Whether the record's counts are those of the members. */
  #isCounted = true;
  #openMembers = 0;
  #isChanged = true;
  readonly #changedMembers = new Set<string>();
  /** Devices for which it came to hold, or ceased to, and of which no step tells yet. */
  #added: string[] = [];
  #cleared: string[] = [];

  constructor(record: AlarmRecord) {
    this.#record = record;
  }

  get record(): AlarmRecord {
    if (!this.#isCounted) {
      this.#isCounted = true;
      this.#record = { ...this.#record, deviceCount: this.members.size, openDeviceCount: this.#openMembers };
    }
    return this.#record;
  }

  get isOpen(): boolean {
    return this.#record.clearedAtMs === null;
  }

  /** As it is now, for whoever is told of it. */
  view(): Alarm {
    return { ...this.record, members: this.members };
  }

  change(change: Partial<AlarmRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#isChanged = true;
  }

  step(atMs: number, step: AlarmStepName, note: string, by: string | null = null): void {
    const steps = [...this.#record.steps, { atMs, step, by, note }];
    this.change({ steps: shortened(steps) });
  }

  /** Puts a member in as it is from now on. `isTold`: a step tells of it. */
  put(member: AlarmMember, isTold = true): void {
    const before = this.members.get(member.key);
    this.members.set(member.key, member);
    this.#changedMembers.add(member.key);
    const wasOpen = before !== undefined && before.untilMs === null;
    const isOpen = member.untilMs === null;
    this.#openMembers += Number(isOpen) - Number(wasOpen);
    this.#isCounted = false;
    this.#isChanged = true;
    if (isTold && wasOpen !== isOpen) (isOpen ? this.#added : this.#cleared).push(member.name);
  }

  /** Takes up a member as it was stored. */
  restore(member: AlarmMember): void {
    this.members.set(member.key, member);
    if (member.untilMs === null) this.#openMembers++;
  }

  /** What was written down is as it is now. */
  noteStored(): void {
    this.#isChanged = false;
    this.#changedMembers.clear();
  }

  /** One step for all devices of a moment; gives what there is to be told. */
  tellDevices(atMs: number): AlarmStepName[] {
    const told: AlarmStepName[] = [];
    if (this.#added.length > 0) {
      this.step(atMs, "device_added", namesOf(this.#added));
      told.push("device_added");
    }
    if (this.#cleared.length > 0 && this.#openMembers > 0) {
      this.step(atMs, "device_cleared", namesOf(this.#cleared));
      told.push("device_cleared");
    }
    this.#added = [];
    this.#cleared = [];
    return told;
  }

  /** All that is not written yet. */
  rows(): AlarmRow[] {
    const { number } = this.record;
    const rows: AlarmRow[] = [];
    for (const key of this.#changedMembers) {
      const member = this.members.get(key);
      if (member !== undefined) rows.push({ table: "member", number, member });
    }
    // Behind its members: with the record of an alarm that is over, those beyond the bound go.
    if (this.#isChanged) rows.push({ table: "alarm", record: this.record });
    this.noteStored();
    return rows;
  }
}

function namesOf(names: readonly string[]): string {
  return names.length <= 3 ? names.join(", ") : `${names.length} devices`;
}

function shortened(steps: readonly AlarmStep[]): readonly AlarmStep[] {
  if (steps.length <= limits.alarmStepsMax) return steps;
  return [...steps.slice(0, firstSteps), ...steps.slice(firstSteps + 1)];
}
