import type { Readable } from "node:stream";

/** What is looked at before anything is read: by it the encoding, the separator and the header's line are found out. */
const headBytes = 64 * 1024;

/** Whether Node can decode it: `utf-8`, `utf-16le`, `utf-16be`, `windows-1252`, `iso-8859-15`, and all others of the WHATWG's list. */
export function isEncoding(label: string): boolean {
  try {
    new TextDecoder(label);
    return true;
  } catch {
    return false;
  }
}

/** A file as text without a byte order mark, piece by piece. The first piece is its head: {@link headBytes}, or all that there is. */
export async function* decodeText(
  file: Readable | AsyncIterable<Uint8Array>,
  encoding: string | undefined,
  onEncoding?: (encoding: string) => void,
): AsyncGenerator<string> {
  let head: Uint8Array[] | null = [];
  let bytes = 0;
  let decoder = new TextDecoder();
  const begin = (): string => {
    const first = Buffer.concat(head ?? []);
    decoder = new TextDecoder(encodingOf(first, encoding));
    onEncoding?.(decoder.encoding);
    head = null;
    return decoder.decode(first, { stream: true });
  };
  for await (const chunk of file as AsyncIterable<Uint8Array>) {
    if (head === null) yield decoder.decode(chunk, { stream: true });
    else {
      head.push(chunk);
      bytes += chunk.length;
      if (bytes >= headBytes) yield begin();
    }
  }
  yield (head === null ? "" : begin()) + decoder.decode();
}

/**
 * A byte order mark says it; then whoever knows it; then the zeros that UTF-16 has in every second place. Else it is UTF-8, or, where it cannot
 * be, what Excel writes in Western Europe and America.
 */
function encodingOf(head: Uint8Array, told: string | undefined): string {
  const [first, second, third] = head;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (told !== undefined) return told;
  const zeros = [0, 0];
  for (let at = 0; at < head.length; at++) if (head[at] === 0) zeros[at % 2] = (zeros[at % 2] as number) + 1;
  const [even = 0, odd = 0] = zeros;
  if (Math.max(even, odd) > head.length / 4) return odd > even ? "utf-16le" : "utf-16be";
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}
