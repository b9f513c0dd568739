/** Reads what a ByteWriter wrote. Throws a RangeError where the bytes end too early. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new RangeError("The block ends too early.");
    return value;
  }

  varint(): number {
    let byte = this.byte();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 128;
    do {
      byte = this.byte();
      value += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80);
    return value;
  }

  /** Fills `into` with zigzag integers, much faster than one by one. */
  zigzags(into: Float64Array): void {
    const bytes = this.#bytes;
    let at = this.#at;
    for (let index = 0; index < into.length; index++) {
      // Behind the end this is undefined, and no comparison with it is true; the check is below.
      let byte = bytes[at++] as number;
      if (byte >= 0x80) {
        let value = byte & 0x7f;
        let scale = 128;
        do {
          byte = bytes[at++] as number;
          value += (byte & 0x7f) * scale;
          scale *= 128;
        } while (byte >= 0x80);
        into[index] = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      } else into[index] = (byte >>> 1) ^ -(byte & 1);
    }
    if (at > bytes.length) throw new RangeError("The block ends too early.");
    this.#at = at;
  }

  float64(): number {
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  text(): string {
    return this.block().toString();
  }

  /** A view. */
  block(): Buffer {
    const length = this.varint();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError("The block ends too early.");
    const value = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return value;
  }
}
