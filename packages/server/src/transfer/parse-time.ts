import { parseRfc3339 } from "@wattboard/protocol";

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** What `parseTime` takes, for an error's text. */
export const timeForms =
  "a time such as 2026-01-31T12:00:00Z, a day such as 2026-01-31 (UTC), or one before now such as -24h or -30d";

/** Milliseconds since 1970 UTC of a point in time as people give it, or NaN. */
export function parseTime(text: string, nowMs: number): number {
  const [, amount, unit] = /^-(\d{1,9})([smhdw])$/.exec(text) ?? [];
  if (amount !== undefined) return nowMs - Number(amount) * unitMs[unit as keyof typeof unitMs];
  if (text === "now") return nowMs;
  return parseRfc3339(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
}
