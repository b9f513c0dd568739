import { parseRfc3339 } from "@wattboard/protocol";
import { startOfDate } from "./time-zone.ts";

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** What `parseTime` takes, for an error's text. */
export const timeForms =
  "a time such as 2026-01-31T12:00:00Z (in an address a + is written %2B), a day such as 2026-01-31, or one before now such as -24h or -30d";

/** Milliseconds since 1970 UTC of a point in time as people give it, or NaN. A day begins in `timeZone`. */
export function parseTime(text: string, nowMs: number, timeZone: string): number {
  const [, amount, unit] = /^-(\d{1,9})([smhdw])$/.exec(text) ?? [];
  if (amount !== undefined) return nowMs - Number(amount) * unitMs[unit as keyof typeof unitMs];
  if (text === "now") return nowMs;
  const ms = parseRfc3339(text);
  return Number.isNaN(ms) ? startOfDate(text, timeZone) : ms;
}
