import { locale } from "./locale.ts";

const clockTime = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
const dayAndTime = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
const dayMs = 86_400_000;

/** An instant in a time zone, or in the viewer's; the day is left out where it is hardly a doubt. */
export function formatInstant(atMs: number, nowMs: number, timeZone?: string): string {
  const isNear = Math.abs(nowMs - atMs) < dayMs / 2;
  if (timeZone === undefined) return isNear ? clockTime.format(atMs) : dayAndTime.format(atMs);
  const options = { timeStyle: "medium", timeZone, ...(!isNear && { dateStyle: "medium" as const }) } as const;
  return new Intl.DateTimeFormat(locale, options).format(atMs);
}

/** The instant at which it is that time (`2026-03-28T12:00:00`) at another place: where it is that twice, the first one. */
export function instantIn(timeZone: string, time: string): number {
  const aheadMs = (atMs: number): number => {
    const options = { timeZone, dateStyle: "short", timeStyle: "medium" } as const;
    // Swedish times are written as ISO 8601 has them.
    return Date.parse(`${new Intl.DateTimeFormat("sv", options).format(atMs).replace(" ", "T")}Z`) - atMs;
  };
  const utcMs = Date.parse(`${time}Z`);
  const sooner = utcMs - aheadMs(utcMs - dayMs);
  return sooner + aheadMs(sooner) === utcMs ? sooner : utcMs - aheadMs(utcMs + dayMs);
}

/** The time of day at another place, or null where its time zone is not a known one. */
export function timeOfDayIn(timeZone: string, atMs: number): string | null {
  try {
    return new Intl.DateTimeFormat(locale, {
      timeZone,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
    }).format(atMs);
  } catch {
    return null;
  }
}

/** How long something took, in its two largest units: `40 s`, `12 min`, `3 h 5 min`, `2 d 7 h`. */
export function formatSpan(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.floor(ms / 1_000)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 1) return `${minutes} min`;
  const [whole, part, units] = hours < 24 ? [hours, minutes % 60, ["h", "min"]] : [hours / 24, hours % 24, ["d", "h"]];
  return `${Math.floor(whole)} ${units[0]}${part === 0 ? "" : ` ${part} ${units[1]}`}`;
}
