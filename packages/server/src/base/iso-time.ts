/** An instant as the API writes it: `2026-01-31T12:00:01.000Z`. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
