import type { Alarm, AlarmListener, AlarmMember, AlarmRecord } from "../alarms/alarm-record.ts";
import { titleOf } from "../alarms/alarm-words.ts";
import type { Alarms, ServerCheck } from "../alarms/alarms.ts";
import { administratorKinds } from "../alarms/built-in-rules.ts";
import { type Channels, isFailing } from "../notify/channels.ts";
import type { Notice, NoticeSink } from "../notify/notice.ts";

/** Makes notices of alarms, as they change. */
export function tellAlarms(notices: NoticeSink): AlarmListener {
  return {
    changed(alarm, what) {
      if (alarm.clearedAtMs !== null) notices.tell(noticeOf(alarm, alarm.members));
      // While it is snoozed nobody wants to hear of it; when it rings again it says so.
      else if (alarm.snoozedUntilMs === null) notices.tell(noticeOf(alarm, alarm.members));
      if (what === "acknowledged" || what === "snoozed") notices.acknowledged(alarm.alarmId);
    },
  };
}

/** After a start: what was stored as an alarm and not told any more, and what was told and is over. */
export function tellWhatIsOpen(alarms: Alarms, notices: NoticeSink, nowMs: number): void {
  const open = new Set<string>();
  for (const { record, members } of alarms.book.open()) {
    open.add(record.alarmId);
    if (record.snoozedUntilMs === null) notices.tell(noticeOf(record, members));
    if (record.acknowledgedAtMs !== null) notices.acknowledged(record.alarmId);
  }
  for (const notice of notices.open()) {
    if (!open.has(notice.about)) notices.tell({ ...notice, phase: "over", overMs: nowMs });
  }
}

/** A channel that fails is an alarm, as long as it does. */
export function checkChannels(channels: Channels): ServerCheck {
  return (_, tell) => {
    const failing = new Set<string>();
    for (const { channelId, person, name, fault } of channels.all()) {
      if (!isFailing(fault)) continue;
      failing.add(channelId);
      const words = `${person.name} cannot be told by the channel ${JSON.stringify(name)}: ${fault?.cause}`;
      tell.begin("channel_failing", channelId, words);
    }
    tell.endAllBut("channel_failing", failing);
  };
}

function noticeOf(alarm: AlarmRecord, members: Alarm["members"]): Notice {
  const [first] = members.values() as Iterable<AlarmMember | undefined>;
  return {
    about: alarm.alarmId,
    ring: alarm.rings,
    phase: alarm.clearedAtMs === null ? "begins" : "over",
    severity: alarm.severity,
    title: titleOf(alarm, alarm.deviceCount, first, alarm.cause),
    what: alarm.name,
    text: alarm.text,
    sinceMs: alarm.sinceMs,
    overMs: alarm.clearedAtMs,
    deviceIds: [...members.values()].map(({ deviceId }) => deviceId),
    forAdministrators: administratorKinds.has(alarm.kind),
    path: `/alarms/${alarm.alarmId}`,
  };
}
