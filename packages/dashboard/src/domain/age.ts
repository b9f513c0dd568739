import { limits } from "@wattboard/protocol";

/**
 * An age in one unit, rounded down so that nothing looks older than it is by name alone: `0 s`, `59 s`, `3 min`, `2 h`, `5 d`.
 * Of an instant in the future it says by how much: `−1 h`; a few seconds, which a clock may be ahead, are `0 s`.
 */
export function formatAge(ageMs: number): string {
  if (ageMs <= -60_000) return `−${formatAge(-ageMs)}`;
  const seconds = Math.max(0, Math.floor(ageMs / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

/**
 * The age of something that happened at `atMs`, or null where it never did. As far as a clock may be ahead it is zero; beyond that it is negative:
 * the server's clock was set back since.
 */
export function ageOf(atMs: number | null, nowMs: number): number | null {
  if (atMs === null) return null;
  const ageMs = nowMs - atMs;
  return ageMs < -limits.clockSkewMsMax ? ageMs : Math.max(0, ageMs);
}
