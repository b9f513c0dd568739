/**
 * One unmasked text frame, header and payload in one buffer (RFC 6455 §5.2), so that a message to a thousand dashboards is framed once.
 * The payload must be UTF-8; frames are never compressed.
 */
export function textFrame(payload: Uint8Array): Buffer {
  const frame = allocateTextFrame(payload.length);
  frame.set(payload, frame.length - payload.length);
  return frame;
}

/**
 * A text frame whose last `length` bytes, its payload, are still to be written. A frame that is kept takes memory of its own
 * (`Buffer.allocUnsafeSlow`): in Node's pool a small one would hold the 8 KiB around it.
 */
export function allocateTextFrame(length: number, allocate: (bytes: number) => Buffer = Buffer.allocUnsafe): Buffer {
  const headerBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = allocate(headerBytes + length);
  frame[0] = FIN | TEXT;
  if (headerBytes === 2) {
    frame[1] = length;
  } else if (headerBytes === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  return frame;
}

const FIN = 0x80;
const TEXT = 0x1;
