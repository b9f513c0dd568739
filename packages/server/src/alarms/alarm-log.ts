import type { Events } from "../observe/events.ts";
import type { Log } from "../observe/log.ts";
import type { Throttle } from "../observe/throttle.ts";
import type { AlarmJournalObserver } from "./alarm-journal.ts";
import type { AlarmListener } from "./alarm-record.ts";
import { titleOf } from "./alarm-words.ts";
import { administratorKinds } from "./built-in-rules.ts";

interface AlarmLogServices {
  readonly events: Events;
  readonly log: Log;
  readonly throttle: Throttle;
}

/** What is written down of alarms: each step in the log; what rings and what is over among the events; and there whether they can be stored. */
export function logAlarms({ events, log, throttle }: AlarmLogServices): AlarmListener & AlarmJournalObserver {
  return {
    changed(alarm, what) {
      const { alarmId, ruleId, severity, openDeviceCount, deviceCount, members, cause, kind } = alarm;
      const last = alarm.steps.at(-1);
      const about = { alarm_id: alarmId, rule_id: ruleId, severity, devices: openDeviceCount };
      const [first] = members.values();
      const title = titleOf(alarm, deviceCount, first, cause);
      log.info({ ...about, by: last?.by ?? undefined, note: last?.note }, `alarm ${what}: ${title}`);
      if (administratorKinds.has(kind)) return;
      // Of one device it is an event of this; of several, or of the server, one of the server as a whole.
      const deviceId = deviceCount === 1 ? (first?.deviceId ?? null) : null;
      if (what === "raised" || what === "snooze_ended") events.note("alarm_raised", deviceId, `${title}.`);
      if (what === "cleared") events.note("alarm_cleared", deviceId, `${title}: ${alarm.clearedBecause}.`);
    },
    failed(error) {
      if (throttle.pass("alarms failing") === null) return;
      const reason = error instanceof Error ? error.message : String(error);
      events.report(
        "alarms_failing",
        null,
        `${reason} They ring all the same, and are stored as soon as that is possible.`,
      );
    },
    recovered: () => events.report("alarms_recovered", null, "Alarms are stored again."),
  };
}
