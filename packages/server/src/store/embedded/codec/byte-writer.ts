/** Bytes that grow as they are written. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(4_096);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** An unsigned integer up to 2^53, seven bits a byte, the lowest first. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest > 0x7fff_ffff) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  /**
   * The first `count` of signed integers as varints, |integer| < 2^52: small ones take few bytes whatever their sign. With `differences` 1, each
   * one's difference from the one before, the first from 0; with 2, the differences of these.
   */
  zigzags(values: Float64Array, count: number, differences: 0 | 1 | 2): void {
    this.#reserve(8 * count);
    const bytes = this.#bytes;
    let at = this.#length;
    let before = 0;
    let deltaBefore = 0;
    for (let index = 0; index < count; index++) {
      let value = values[index] as number;
      if (differences > 0) {
        const delta = value - before;
        before = value;
        value = differences === 1 ? delta : delta - deltaBefore;
        deltaBefore = delta;
      }
      if (value >= -64 && value < 64) {
        bytes[at++] = (value << 1) ^ (value >> 31);
        continue;
      }
      let rest = value < 0 ? -2 * value - 1 : 2 * value;
      while (rest > 0x7fff_ffff) {
        bytes[at++] = (rest % 128) | 0x80;
        rest = Math.floor(rest / 128);
      }
      while (rest > 0x7f) {
        bytes[at++] = (rest & 0x7f) | 0x80;
        rest >>>= 7;
      }
      bytes[at++] = rest;
    }
    this.#length = at;
  }

  float64(value: number): void {
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  /** Length in bytes, then UTF-8. */
  text(value: string): void {
    this.block(Buffer.from(value));
  }

  /** Length, then the bytes. */
  block(value: Uint8Array): void {
    this.varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** What was written, as a view; the writer may go on only after `clear`. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + more));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
