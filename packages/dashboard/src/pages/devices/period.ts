/** A span of the calendar that the history shows. */
import { locale } from "../../ui/locale.ts";

export type PeriodUnit = "day" | "week" | "month" | "year";
export const periodUnits = ["day", "week", "month", "year"] as const satisfies readonly PeriodUnit[];

export interface Period {
  readonly unit: PeriodUnit | "hours";
  /** Its first day, `2026-03-29`; of hours the instant at which they begin. */
  readonly from: string;
  /** The day after its last one; of hours their end. */
  readonly to: string;
  /** Bars that it has when it is over: hours of a day, days of a week or month, months of a year. */
  readonly bars: number;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** The date at a place; in the viewer's own time zone where the place's is not known. */
export function dateIn(timeZone: string | undefined, atMs: number): string {
  // The Swedish way to write a date is that of ISO 8601.
  const parts: Intl.DateTimeFormatOptions = { year: "numeric", month: "2-digit", day: "2-digit" };
  try {
    return new Intl.DateTimeFormat("sv", { ...parts, timeZone }).format(atMs);
  } catch {
    return new Intl.DateTimeFormat("sv", parts).format(atMs);
  }
}

/** The period that holds the date, or one so many periods before it. Weeks begin on Monday. */
export function periodOf(unit: PeriodUnit, date: string, back = 0): Period {
  // Dates alone, counted in UTC: where a day begins is the server's business, which knows the zone.
  const at = new Date(`${date}T00:00:00Z`);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  if (unit === "month") {
    const [fromMs, toMs] = [Date.UTC(year, month - back, 1), Date.UTC(year, month - back + 1, 1)];
    return { unit, from: iso(fromMs), to: iso(toMs), bars: (toMs - fromMs) / dayMs };
  }
  if (unit === "year") {
    return { unit, from: iso(Date.UTC(year - back, 0, 1)), to: iso(Date.UTC(year - back + 1, 0, 1)), bars: 12 };
  }
  const days = unit === "week" ? 7 : 1;
  const weekday = unit === "week" ? (at.getUTCDay() + 6) % 7 : 0;
  const fromMs = at.getTime() - (weekday + back * days) * dayMs;
  return { unit, from: iso(fromMs), to: iso(fromMs + days * dayMs), bars: unit === "week" ? 7 : 24 };
}

/** Two whole hours that hold an instant, half an hour at least before and behind it. */
export function hoursAround(atMs: number): Period {
  const fromMs = Math.floor((atMs - hourMs / 2) / hourMs) * hourMs;
  const [from, to] = [fromMs, fromMs + 2 * hourMs].map((ms) => new Date(ms).toISOString());
  return { unit: "hours", from: from as string, to: to as string, bars: 2 };
}

/** Days from one date to another; none where the other comes before it. */
export function daysBetween(from: string, to: string): number {
  return Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / dayMs));
}

/** What a person calls the period: `Sunday, 29 March 2026`, `23 – 29 March 2026`, `March 2026`, `2026`. */
export function periodName({ unit, from, to }: Period, timeZone: string): string {
  const fromMs = Date.parse(from);
  if (unit === "hours") {
    return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone }).formatRange(
      fromMs,
      Date.parse(to),
    );
  }
  if (unit === "year") return from.slice(0, 4);
  if (unit === "month") return format({ month: "long", year: "numeric" }).format(fromMs);
  if (unit === "day") {
    return format({ weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(fromMs);
  }
  return format({ day: "numeric", month: "long", year: "numeric" }).formatRange(fromMs, Date.parse(to) - dayMs);
}

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" });
}

function iso(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
