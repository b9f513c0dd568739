/** What `<input type="datetime-local">` takes for an instant, in the viewer's time. */
export function toLocalInput(atMs: number): string {
  const pad = (value: number) => String(value).padStart(2, "0");
  const at = new Date(atMs);
  const date = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  return `${date}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

/** The instant that somebody wrote there; null where it is none. */
export function fromLocalInput(text: string): string | null {
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : new Date(atMs).toISOString();
}

/** What such a field shows for an instant in an address; nothing where it is none. */
export function localOf(at: string | undefined): string {
  const atMs = Date.parse(at ?? "");
  return Number.isNaN(atMs) ? "" : toLocalInput(atMs);
}

/** What was written in such a field, as a part of an address. */
export function instantField(name: string, written: string | undefined): Record<string, string> {
  const at = fromLocalInput(written ?? "");
  return at === null ? {} : { [name]: at };
}
