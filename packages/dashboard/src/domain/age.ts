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
