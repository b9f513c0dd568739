const clockTime = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const dayMs = 86_400_000;

/** An instant in the viewer's locale and time zone; the day is left out where it is hardly a doubt. */
export function formatInstant(atMs: number, nowMs: number): string {
  return Math.abs(nowMs - atMs) < dayMs / 2 ? clockTime.format(atMs) : dayAndTime.format(atMs);
}

/** The time of day at another place, or null where its time zone is not a known one. */
export function timeOfDayIn(timeZone: string, atMs: number): string | null {
  try {
    return new Intl.DateTimeFormat(undefined, {
      timeZone,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
    }).format(atMs);
  } catch {
    return null;
  }
}
