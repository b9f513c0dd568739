import { benchDeviceId, benchMessage } from "./message.ts";

/** Not zero: `ws` skips the unmasking of frames whose key is zero, and no real client sends one. */
const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const FIN = 0x80;
const MASKED = 0x80;
export const TEXT = 0x1;
const PING = 0x9;
const epoch = new Date(0).toISOString();

/** A frame from the server to a dashboard: the header of a text of 126 to 65,535 bytes. */
export const deliveryHeaderBytes = 4;

/**
 * Frames of one device, masked once and sent again and again; only the time in them is written anew. With a ping at the end
 * the server's pong tells that it has processed all of them.
 */
export class Burst {
  readonly messages: number;
  readonly messageBytes: number;
  readonly #bytes: Buffer;
  readonly #timestampsAt: number[] = [];

  constructor(deviceId: string, messages: number, { ping }: { readonly ping: boolean }) {
    const text = Buffer.from(benchMessage(deviceId, epoch));
    const frame = maskedFrame(TEXT, text);
    const timestampAt = frame.length - text.length + text.indexOf(epoch);
    this.messages = messages;
    this.messageBytes = text.length;
    this.#bytes = Buffer.concat([
      ...Array.from({ length: messages }, () => frame),
      ...(ping ? [maskedFrame(PING, Buffer.alloc(0))] : []),
    ]);
    for (let i = 0; i < messages; i++) this.#timestampsAt.push(i * frame.length + timestampAt);
  }

  /** The frames, with the present time in them. Valid until the next call: the socket must have taken them by then. */
  stamped(): Buffer {
    const timestamp = maskedTimestamp();
    for (const at of this.#timestampsAt) this.#bytes.set(timestamp, at);
    return this.#bytes;
  }
}

/** One text, as a device sends it. */
export function maskedText(text: string): Buffer {
  return maskedFrame(TEXT, Buffer.from(text));
}

/** A frame as a client sends it. */
export function maskedFrame(opcode: number, payload: Buffer): Buffer {
  const isShort = payload.length < 126;
  const header = Buffer.alloc(isShort ? 2 : 4);
  header[0] = FIN | opcode;
  header[1] = MASKED | (isShort ? payload.length : 126);
  if (!isShort) header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, mask, applyMask(payload, 0)]);
}

function applyMask(bytes: Buffer, phase: number): Buffer {
  return Buffer.from(bytes.map((byte, i) => byte ^ (mask[(i + phase) & 3] ?? 0)));
}

/** Where the timestamp begins in the payload, modulo the mask's length: the same in every message. */
const timestampPhase = benchMessage(benchDeviceId(0), epoch).indexOf(epoch) & 3;
let stampedAtMs = 0;
let stamp: Buffer = Buffer.alloc(0);

/** The present time as it stands in a masked frame; made once a millisecond. */
function maskedTimestamp(): Buffer {
  const nowMs = Date.now();
  if (nowMs !== stampedAtMs) {
    stampedAtMs = nowMs;
    stamp = applyMask(Buffer.from(new Date(nowMs).toISOString()), timestampPhase);
  }
  return stamp;
}
