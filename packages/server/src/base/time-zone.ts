import { Temporal } from "temporal-polyfill";

export const calendarSpans = ["hour", "day", "month", "year"] as const;
/** A span of the calendar, whose length the time zone has a say in. */
export type CalendarSpan = (typeof calendarSpans)[number];

/**
 * The first instant that the calendar is asked about; the year that holds it may begin in 1980. Since then every time zone has kept to quarters
 * of an hour, so that each of their edges is one of the store's windows too.
 */
export const calendarFromMs = Date.UTC(1981, 0, 1);

/** Whether this is a time zone's IANA name (`Europe/Vienna`), in any case of letters. An offset such as `+05:30` is none: it knows no summer. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Names the zone of the machine, in settings. */
export const machineZone = "machine";

/** The zone that a setting names. */
export function zoneNamed(name: string): string {
  if (name !== machineZone) return name;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  // A machine without one, or with a name of its own.
  return isTimeZone(zone) ? zone : "UTC";
}

/**
 * The edges of the calendar's spans in a time zone, from the one that holds `fromMs` up to the end of the one that holds the last instant
 * before `toMs`: `n + 1` growing instants for `n` spans. Days have 23, 24 or 25 hours where clocks are set. Hours are those that the clock on
 * the wall shows, so that they tile the day; where it is set by half an hour (Lord Howe), there is one of 30 minutes.
 */
export function calendarEdges(fromMs: number, toMs: number, per: CalendarSpan, timeZone: string): number[] {
  const zoned = (ms: number) => Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone);
  const stepMs = usualMs[per];
  let at = startOf(zoned(fromMs), per);
  const edges = [at.epochMilliseconds];
  while (at.epochMilliseconds < toMs) {
    // Until the clocks are set next all hours and days are of one length; to ask the calendar for each of them takes a thousand times as long.
    if (stepMs !== undefined && isOnEdge(at, per)) {
      let edgeMs = at.epochMilliseconds;
      const setMs = at.getTimeZoneTransition("next")?.epochMilliseconds ?? Number.POSITIVE_INFINITY;
      while (edgeMs < toMs && edgeMs + stepMs < setMs) {
        edgeMs += stepMs;
        edges.push(edgeMs);
      }
      if (edgeMs >= toMs) break;
      at = zoned(edgeMs);
    }
    at = next(at, per);
    edges.push(at.epochMilliseconds);
  }
  return edges;
}

const hourMs = 3_600_000;
/** Months and years have no usual length. */
const usualMs: Readonly<Partial<Record<CalendarSpan, number>>> = { hour: hourMs, day: 24 * hourMs };

/** Where clocks are set by half an hour, or at midnight, a span may begin beside the edge. */
function isOnEdge({ hour, minute, second }: Temporal.ZonedDateTime, per: CalendarSpan): boolean {
  return minute === 0 && second === 0 && (per === "hour" || hour === 0);
}

function startOf(at: Temporal.ZonedDateTime, per: CalendarSpan): Temporal.ZonedDateTime {
  if (per === "hour") return at.round({ smallestUnit: "hour", roundingMode: "floor" });
  if (per === "day") return at.startOfDay();
  return at.with({ day: 1, ...(per === "year" && { month: 1 }) }).startOfDay();
}

function next(at: Temporal.ZonedDateTime, per: CalendarSpan): Temporal.ZonedDateTime {
  if (per === "hour") {
    const hourLater = at.add({ hours: 1 });
    const onTheHour = startOf(hourLater, per);
    return Temporal.ZonedDateTime.compare(onTheHour, at) > 0 ? onTheHour : hourLater;
  }
  const step = { [`${per}s`]: 1 };
  let date = startDate(at.toPlainDate(), per).add(step);
  let later = date.toZonedDateTime(at.timeZoneId);
  // A place that crosses the date line leaves out a day (Samoa, 30 December 2011): it begins where the next one does.
  while (later.epochMilliseconds <= at.epochMilliseconds) {
    date = date.add(step);
    later = date.toZonedDateTime(at.timeZoneId);
  }
  return later;
}

function startDate(date: Temporal.PlainDate, per: CalendarSpan): Temporal.PlainDate {
  if (per === "day") return date;
  return date.with({ day: 1, ...(per === "year" && { month: 1 }) });
}

/** The start of a day (`2026-03-29`) in a time zone, ms; NaN where the text is no date. */
export function startOfDate(date: string, timeZone: string): number {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return Number.NaN;
  try {
    return Temporal.PlainDate.from(date, { overflow: "reject" }).toZonedDateTime(timeZone).epochMilliseconds;
  } catch {
    return Number.NaN;
  }
}
