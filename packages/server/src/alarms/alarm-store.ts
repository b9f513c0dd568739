import type { AlarmMember, AlarmRecord, AlarmRule } from "./alarm-record.ts";

/** A rule that holds for a device and has not rung yet, or is over and has not been cleared yet. */
interface StoredOnset {
  readonly ruleId: string;
  readonly key: string;
  readonly sinceMs: number;
}

/** One row as it is from now on. */
export type AlarmRow =
  | { readonly table: "alarm"; readonly record: AlarmRecord }
  | { readonly table: "member"; readonly number: number; readonly member: AlarmMember }
  | { readonly table: "rule"; readonly ruleId: string; readonly rule: AlarmRule | null }
  | { readonly table: "onset"; readonly ruleId: string; readonly key: string; readonly sinceMs: number | null }
  | { readonly table: "usual_step"; readonly key: string; readonly stepMs: number | null };

/** What is kept of alarms and needed in memory. */
export interface PersistedAlarms {
  /** One's own, and those built in that were changed. */
  readonly rules: readonly AlarmRule[];
  readonly open: readonly AlarmRecord[];
  readonly members: readonly { readonly number: number; readonly member: AlarmMember }[];
  readonly onsets: readonly StoredOnset[];
  readonly usualSteps: readonly { readonly key: string; readonly stepMs: number }[];
  /** The greatest number that an alarm has had. */
  readonly lastNumber: number;
}

/** Where the next page begins: behind the alarm that was raised then and has this number. */
interface AlarmPlace {
  readonly raisedAtMs: number;
  readonly number: number;
}

/** Which alarms that are over are wanted. */
export interface EndedQuery {
  readonly limit: number;
  readonly before?: AlarmPlace | undefined;
  readonly severities?: readonly string[] | undefined;
  readonly kinds?: readonly string[] | undefined;
  readonly ruleId?: string | undefined;
  /** Only those that held at some time from here on. */
  readonly fromMs?: number | undefined;
  /** Only those that were raised before. */
  readonly toMs?: number | undefined;
  /** Only those about one of these registrations; undefined: all, those about the server too. */
  readonly keys?: readonly string[] | undefined;
}

export interface MembersQuery {
  readonly limit: number;
  /** Only those with a greater device id. */
  readonly after?: string | undefined;
  readonly keys?: readonly string[] | undefined;
}

/** An alarm that is over, as it is listed: with the first of its devices, and how many of them were asked for. */
export interface EndedAlarm {
  readonly record: AlarmRecord;
  readonly members: readonly AlarmMember[];
  /** How many there are of the registrations that were asked for. */
  readonly memberCount: number;
}

/** Where alarms are kept. */
export interface AlarmStore {
  load(): Promise<PersistedAlarms>;
  /** All rows or none. What it resolves for is on the disk. Rejects with a `Failure`, `alarms_failed`. */
  commit(rows: readonly AlarmRow[]): Promise<void>;
  /** Newest first. */
  listEnded(query: EndedQuery): Promise<EndedAlarm[]>;
  find(alarmId: string, keys?: readonly string[]): Promise<EndedAlarm | null>;
  /** Of one alarm, by device id. */
  listMembers(number: number, query: MembersQuery): Promise<AlarmMember[]>;
  copyTo(path: string): Promise<void>;
  close(): Promise<void>;
}
