/** History is kept in windows of 15 minutes: every time zone's day begins at the edge of one, India's (+5:30) and Nepal's (+5:45) too. */
export const windowMs = 15 * 60_000;
export const windowsPerDay = 96;

/** The number of the window that holds the instant, counted from 1970. */
export function windowOf(ms: number): number {
  return Math.floor(ms / windowMs);
}

/** The number of the first window that begins at the instant or later. */
export function windowFrom(ms: number): number {
  return Math.ceil(ms / windowMs);
}
