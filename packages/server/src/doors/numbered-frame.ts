import { limits } from "@wattboard/protocol";

const beginning = Buffer.from('{"seq":');
const zero = 0x30;
const nine = 0x39;
const comma = 0x2c;
const brace = 0x7b;
const digitsMax = String(limits.seqMax).length;

/** The number that the message begins with, as `{"seq":17,"device_id":…`; 0 where it does not begin so. */
export function leadingSeq(frame: Buffer): number {
  for (let at = 0; at < beginning.length; at++) if (frame[at] !== beginning[at]) return 0;
  let seq = 0;
  for (let at = beginning.length; at <= beginning.length + digitsMax; at++) {
    const byte = frame[at] ?? 0;
    if (byte === comma) return seq <= limits.seqMax ? seq : 0;
    if (byte < zero || byte > nine) return 0;
    seq = seq * 10 + (byte - zero);
  }
  return 0;
}

/** The message without the number that it begins with. The same bytes, of which one is written over. */
export function withoutLeadingSeq(frame: Buffer): Buffer {
  const at = frame.indexOf(comma);
  frame[at] = brace;
  return frame.subarray(at);
}

/** As both above, of a message that has its number elsewhere: it is parsed, and written anew. Null where it has none, or is no object. */
export function takeSeq(frame: Buffer): { readonly seq: number; readonly frame: Buffer } | null {
  if (!frame.includes('"seq"')) return null;
  try {
    const { seq, ...message } = JSON.parse(frame.toString()) as { readonly seq?: unknown };
    const isSeq = typeof seq === "number" && Number.isInteger(seq) && seq >= 1 && seq <= limits.seqMax;
    return isSeq ? { seq, frame: Buffer.from(JSON.stringify(message)) } : null;
  } catch {
    return null;
  }
}
