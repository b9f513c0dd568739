import type { NotificationPreferencesBody } from "@wattboard/protocol";
import { Temporal } from "temporal-polyfill";

type QuietHours = NonNullable<NotificationPreferencesBody["quiet_hours"]>;

/**
 * When the quiet hours that hold at this instant end, ms; null where none hold. They go by the clock on the wall: where it is set, they are as much
 * longer or shorter. From a time to the same time is the whole day but for that instant: quiet until the next one.
 */
export function quietUntil(
  nowMs: number,
  { from, to }: Pick<QuietHours, "from" | "to">,
  timeZone: string,
): number | null {
  const now = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(timeZone);
  const [start, end] = [Temporal.PlainTime.from(from), Temporal.PlainTime.from(to)];
  const time = now.toPlainTime();
  const isFromStart = Temporal.PlainTime.compare(time, start) >= 0;
  const isToEnd = Temporal.PlainTime.compare(time, end) < 0;
  const isOverMidnight = Temporal.PlainTime.compare(start, end) >= 0;
  if (isOverMidnight ? !isFromStart && !isToEnd : !isFromStart || !isToEnd) return null;
  const day = isOverMidnight && isFromStart ? now.toPlainDate().add({ days: 1 }) : now.toPlainDate();
  // A time that the clock leaves out is told as the one after the gap; one that it shows twice as the first, which may have been.
  const untilMs = day.toZonedDateTime({ timeZone, plainTime: end }).epochMilliseconds;
  return untilMs > nowMs ? untilMs : null;
}
