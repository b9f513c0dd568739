/** Older than this, a value fades; a device that sends every second is a few samples behind. */
const fadesAfterMs = 5_000;
/** Older than this, a value is marked stale and no longer counts as live. */
const staleAfterMs = 30_000;

/** How much a value may be believed to describe the present moment. */
export type Freshness = "live" | "fading" | "stale" | "never";

export function freshness(ageMs: number | null): Freshness {
  if (ageMs === null) return "never";
  if (ageMs > staleAfterMs) return "stale";
  return ageMs > fadesAfterMs ? "fading" : "live";
}

/** What a row as a whole is: a device that is gone is `offline` however young its last value; a silent one is judged by its age. */
export type Standing = Freshness | "offline";

export function standing(online: boolean, ageMs: number | null): Standing {
  return online ? freshness(ageMs) : "offline";
}

/**
 * An age in one unit, rounded down so that nothing looks older than it is by name alone: `0 s`, `59 s`, `3 min`, `2 h`, `5 d`.
 * An instant in the future (a clock a moment ahead) has the age zero.
 */
export function formatAge(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

/** The age of something that happened at `atMs`, or null where it never did. */
export function ageOf(atMs: number | null, nowMs: number): number | null {
  return atMs === null ? null : Math.max(0, nowMs - atMs);
}
