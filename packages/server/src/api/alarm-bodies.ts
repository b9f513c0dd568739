import type { AlarmBody, AlarmDetailBody, AlarmDeviceBody, AlarmRuleBody, AlarmTrialBody } from "@wattboard/protocol";
import { type AlarmMember, type AlarmRecord, type AlarmRule, stateOf } from "../alarms/alarm-record.ts";
import { titleOf } from "../alarms/alarm-words.ts";
import { describeCause } from "../alarms/shared-cause.ts";
import type { TrialQuery, TrialResult } from "../alarms/trial/trial-query.ts";
import { isoTime } from "../base/iso-time.ts";

/** What of an alarm whoever asks may see. */
export interface SeenAlarm {
  readonly record: AlarmRecord;
  /** The first of the devices that they may see. */
  readonly members: readonly AlarmMember[];
  readonly count: number;
  readonly openCount: number;
  /** Whether that is all of it: what devices share, and who did what to it, is for these. */
  readonly isAll: boolean;
  readonly mayAcknowledge: boolean;
  /** Whether they are told who else has an account. */
  readonly mayViewNames: boolean;
}

/** In the place of a name. */
const somebody = "somebody";

export function alarmBody(seen: SeenAlarm): AlarmBody {
  const { record, members, count, openCount, isAll, mayAcknowledge, mayViewNames } = seen;
  const { cause, acknowledgedBy } = record;
  return {
    alarm_id: record.alarmId,
    rule_id: record.ruleId,
    kind: record.kind,
    severity: record.severity,
    state: stateOf(record),
    title: titleOf(record, count, members[0], isAll ? cause : null),
    text: record.text,
    shared: isAll && cause !== null ? describeCause(cause) : null,
    since: isoTime(isAll ? record.sinceMs : Math.min(...members.map(({ sinceMs }) => sinceMs))),
    raised_at: isoTime(record.raisedAtMs),
    acknowledged_at: timeOrNull(record.acknowledgedAtMs),
    acknowledged_by: acknowledgedBy === null || mayViewNames ? acknowledgedBy : somebody,
    snoozed_until: timeOrNull(record.snoozedUntilMs),
    cleared_at: timeOrNull(record.clearedAtMs),
    cleared_because: record.clearedBecause,
    device_count: count,
    open_device_count: openCount,
    devices: members.map(alarmDeviceBody),
    coverage: record.coverage,
    may_acknowledge: mayAcknowledge,
  };
}

export function alarmDetailBody(seen: SeenAlarm): AlarmDetailBody {
  const { isAll, mayViewNames, record } = seen;
  return {
    ...alarmBody(seen),
    steps: record.steps.map(({ atMs, step, by, note }) => ({
      at: isoTime(atMs),
      step,
      by: by === null || mayViewNames ? by : somebody,
      // The server's notes name devices, which are not all theirs; people write for people of this server.
      note: (by === null ? isAll : mayViewNames) ? note : "",
    })),
  };
}

export function alarmDeviceBody({ deviceId, name, sinceMs, untilMs, evidence }: AlarmMember): AlarmDeviceBody {
  return { device_id: deviceId, name, since: isoTime(sinceMs), until: timeOrNull(untilMs), evidence };
}

export function alarmRuleBody(rule: AlarmRule, openAlarms: number): AlarmRuleBody {
  return {
    rule_id: rule.ruleId,
    kind: rule.kind,
    is_built_in: rule.kind !== "condition",
    name: rule.name,
    is_on: rule.isOn,
    severity: rule.severity,
    where: rule.where,
    for_s: rule.forMs / 1_000,
    clear_for_s: rule.clearForMs / 1_000,
    text: rule.text,
    when: rule.when,
    clear_when: rule.clearWhen,
    open_alarms: openAlarms,
  };
}

export function trialBody(
  { fromMs, toMs, devices }: TrialQuery,
  { times, totalMs, rings }: TrialResult,
): AlarmTrialBody {
  return {
    from: isoTime(fromMs),
    to: isoTime(toMs),
    devices: devices.length,
    times,
    total_s: totalMs / 1_000,
    alarms: rings.map(({ deviceId, sinceMs, raisedAtMs, clearedAtMs }) => ({
      device_id: deviceId,
      since: isoTime(sinceMs),
      raised_at: isoTime(raisedAtMs),
      cleared_at: timeOrNull(clearedAtMs),
    })),
  };
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
