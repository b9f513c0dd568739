import type { AlarmBody, AlarmDetailBody, AlarmKind, AlarmSeverity } from "@wattboard/protocol";

/** When an alarm rings, as it is stored. */
export interface AlarmRule {
  readonly ruleId: string;
  readonly kind: AlarmKind;
  readonly name: string;
  readonly isOn: boolean;
  readonly severity: AlarmSeverity;
  readonly where: readonly string[];
  /** Empty where the rule is built in and no condition tells it. */
  readonly when: readonly string[];
  /** Null: as soon as `when` does not hold any more. */
  readonly clearWhen: readonly string[] | null;
  readonly forMs: number;
  readonly clearForMs: number;
  readonly text: string;
}

/** The values that rang, by point. */
export type Evidence = AlarmBody["devices"][number]["evidence"];
export type AlarmStepName = AlarmDetailBody["steps"][number]["step"];

export interface AlarmStep {
  readonly atMs: number;
  readonly step: AlarmStepName;
  /** Null: the server. */
  readonly by: string | null;
  readonly note: string;
}

/** What the devices of an alarm have in common. */
export interface Cause {
  readonly what: "site" | "postcode" | "place" | "tag" | "version" | "country" | "server";
  readonly value: string;
  /** How many of those that share it ring, of how many there are. */
  readonly ringing: number;
  readonly of: number;
}

/** One device of an alarm. */
export interface AlarmMember {
  readonly deviceId: string;
  /** The key of its registration: another device of the same id is another. */
  readonly key: string;
  readonly name: string;
  /** Since when it holds for it. */
  readonly sinceMs: number;
  /** Until when it held; null while it does. */
  readonly untilMs: number | null;
  readonly evidence: Evidence;
}

/** An alarm, without the list of its devices. */
export interface AlarmRecord {
  /** Grows with every alarm. */
  readonly number: number;
  readonly alarmId: string;
  readonly ruleId: string;
  readonly kind: AlarmKind;
  readonly severity: AlarmSeverity;
  /** The rule's. */
  readonly name: string;
  readonly text: string;
  /** What of the server it is about (`""`: the server itself, or the id of a fleet command, a channel); null: it is about devices. */
  readonly subject: string | null;
  /** Of an alarm about the server: in words. */
  readonly words: string;
  readonly cause: Cause | null;
  readonly sinceMs: number;
  readonly raisedAtMs: number;
  /** How often it has rung: it rings again after a snooze, and where it comes back soon after it was cleared. */
  readonly rings: number;
  readonly acknowledgedAtMs: number | null;
  readonly acknowledgedBy: string | null;
  readonly snoozedUntilMs: number | null;
  readonly clearedAtMs: number | null;
  readonly clearedBecause: string | null;
  readonly deviceCount: number;
  readonly openDeviceCount: number;
  /** How much of the ten minutes before was covered by samples; null where that is not known. */
  readonly coverage: number | null;
  /** Of an alarm about the server: the values that rang. */
  readonly evidence: Evidence;
  readonly steps: readonly AlarmStep[];
}

/** An alarm with its devices, by the keys of their registrations. */
export interface Alarm extends AlarmRecord {
  readonly members: ReadonlyMap<string, AlarmMember>;
}

/** Who hears of alarms: told of each change when it is stored, or when the disk has refused it. */
export interface AlarmListener {
  changed(alarm: Alarm, what: AlarmStepName): void;
}

/** What of an alarm stands when it is asked for. */
export function stateOf({ clearedAtMs, snoozedUntilMs, acknowledgedAtMs }: AlarmRecord): AlarmBody["state"] {
  if (clearedAtMs !== null) return "cleared";
  if (snoozedUntilMs !== null) return "snoozed";
  return acknowledgedAtMs === null ? "raised" : "acknowledged";
}
