/** Reads the text frames of one direction of a WebSocket as its bytes come: behind the HTTP head, whole frames, masked or not. */
export class FrameTap {
  readonly #onText: (text: string) => void;
  #bytes = Buffer.alloc(0);
  #isBehindHead = false;

  constructor(onText: (text: string) => void) {
    this.#onText = onText;
  }

  take(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    if (!this.#isBehindHead) {
      const end = this.#bytes.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#isBehindHead = true;
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    while (this.#next());
  }

  #next(): boolean {
    const bytes = this.#bytes;
    if (bytes.length < 2) return false;
    const isMasked = ((bytes[1] ?? 0) & 0x80) !== 0;
    let length = (bytes[1] ?? 0) & 0x7f;
    let at = 2;
    if (length === 126) {
      if (bytes.length < 4) return false;
      length = bytes.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (bytes.length < 10) return false;
      length = Number(bytes.readBigUInt64BE(2));
      at = 10;
    }
    const start = at + (isMasked ? 4 : 0);
    if (bytes.length < start + length) return false;
    const payload = Buffer.from(bytes.subarray(start, start + length));
    if (isMasked) for (let i = 0; i < length; i++) payload[i] = (payload[i] ?? 0) ^ (bytes[at + (i % 4)] ?? 0);
    this.#bytes = bytes.subarray(start + length);
    if (((bytes[0] ?? 0) & 0x0f) === 1) this.#onText(payload.toString());
    return true;
  }
}
