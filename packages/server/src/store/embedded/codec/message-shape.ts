import type { PointValue } from "../../algebra/point-value.ts";

/** A value's place in a shape: the bytes before it, and the tags of what it has held besides numbers, by their bytes. */
interface Slot {
  readonly before: Expected;
  /** Null where the value is not a point: the device's id and time. */
  readonly name: string | null;
  readonly tags: Map<string, number>;
  /** The bytes of what it held last, if that was no number, and their tag: such values change seldom. */
  last: Expected;
  lastTag: number;
}

/** Bytes to be compared with, eight at a time: that is most of what reading a message takes. */
class Expected {
  readonly bytes: Uint8Array;
  /** Eight bytes as one number each. Of ASCII only: such a number equals no other, and is never NaN. */
  readonly #words: Float64Array;

  /** Takes a copy. */
  constructor(bytes: Uint8Array) {
    this.bytes = new Uint8Array(bytes);
    const view = viewOf(this.bytes);
    const isAscii = bytes.every((byte) => byte > 0 && byte < 0x80);
    this.#words = Float64Array.from({ length: isAscii ? bytes.length >> 3 : 0 }, (_, index) =>
      view.getFloat64(8 * index, true),
    );
  }

  standsAt(view: DataView, start: number): boolean {
    const { bytes } = this;
    if (start + bytes.length > view.byteLength) return false;
    const words = this.#words;
    let at = start;
    for (let index = 0; index < words.length; index++, at += 8) {
      if (view.getFloat64(at, true) !== words[index]) return false;
    }
    for (let index = 8 * words.length; index < bytes.length; index++, at++) {
      if (view.getUint8(at) !== bytes[index]) return false;
    }
    return true;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The bytes that a message stands in, and a view of the same. */
export interface MessageBytes {
  readonly bytes: Buffer;
  readonly view: DataView;
}

/** Texts, lists and so on that a shape remembers; a message with one more is parsed. */
const othersMax = 1_024;

const quote = 0x22;
const backslash = 0x5c;
const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;
const dot = 0x2e;
/** Decimals up to which a division of two exact numbers is rounded once, as a JSON reader rounds. */
const fractionMax = 15;
const digitsMax = 15;
const powers = Array.from({ length: fractionMax + 1 }, (_, digits) => 10 ** digits);

/**
 * Reads telemetry messages that differ from one seen before in their values only, as one device's messages do: names and punctuation are
 * compared, not parsed, and numbers go straight into a row, which takes a third of the time of `JSON.parse`. The messages have passed the
 * gatekeeper.
 */
export class MessageShape {
  /** The points' names, in the order in which `read` gives their values. */
  readonly names: readonly string[];
  readonly #slots: readonly Slot[];
  readonly #after: Expected;
  /** What is no number, by its tag less one. */
  readonly #others: PointValue[] = [];
  #at = 0;

  private constructor(slots: readonly Slot[], after: Expected) {
    this.#slots = slots;
    this.#after = after;
    this.names = slots.flatMap(({ name }) => (name === null ? [] : [name]));
  }

  /** The shape of a message; null for one that is better parsed: escaped or doubled names. */
  static of(message: Uint8Array): MessageShape | null {
    return new ShapeReader(message).read((slots, after) => new MessageShape(slots, after));
  }

  /**
   * Reads the message at `start` to `end` of a batch. Its numbers go into `numbers` from `into` on, with 0 in `tags` at the same place; what is
   * no number has a tag, for `other`. False where it is of another shape.
   */
  read(
    { bytes, view }: MessageBytes,
    start: number,
    end: number,
    numbers: Float64Array,
    tags: Uint16Array,
    into: number,
  ): boolean {
    this.#at = start;
    let place = into;
    for (const slot of this.#slots) {
      if (!this.#pass(view, slot.before)) return false;
      const first = bytes[this.#at] as number;
      if (slot.name !== null && (first === minus || (first >= zero && first <= nine))) {
        numbers[place] = this.#readNumber(bytes, end);
        tags[place++] = 0;
        continue;
      }
      const from = this.#at;
      const to = endOfValue(bytes, from, end);
      if (to === -1) return false;
      if (slot.name !== null) {
        const isLast = to - from === slot.last.bytes.length && this.#pass(view, slot.last);
        const tag = isLast ? slot.lastTag : this.#tagOf(slot, bytes, from, to);
        if (tag === 0) return false;
        tags[place++] = tag;
      }
      this.#at = to;
    }
    return this.#pass(view, this.#after) && this.#at === end;
  }

  other(tag: number): PointValue {
    return this.#others[tag - 1] as PointValue;
  }

  /** 0 where it has too many already. */
  #tagOf(slot: Slot, bytes: Buffer, from: number, to: number): number {
    // One character a byte: only a name for the bytes, equal when they are.
    const name = bytes.toString("latin1", from, to);
    let tag = slot.tags.get(name);
    if (tag === undefined) {
      if (this.#others.length === othersMax) return 0;
      tag = this.#others.push(JSON.parse(bytes.toString("utf8", from, to)) as PointValue);
      slot.tags.set(name, tag);
    }
    slot.last = new Expected(bytes.subarray(from, to));
    slot.lastTag = tag;
    return tag;
  }

  #pass(view: DataView, expected: Expected): boolean {
    if (!expected.standsAt(view, this.#at)) return false;
    this.#at += expected.bytes.length;
    return true;
  }

  #readNumber(bytes: Buffer, end: number): number {
    const start = this.#at;
    let at = start;
    const isNegative = bytes[at] === minus;
    if (isNegative) at++;
    let digits = 0;
    let mantissa = 0;
    let dotAt = -1;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte >= zero && byte <= nine) {
        mantissa = mantissa * 10 + (byte - zero);
        digits++;
      } else if (byte === dot) dotAt = at;
      else break;
    }
    const byte = bytes[at];
    if (digits > digitsMax || byte === 0x65 || byte === 0x45) {
      at = endOfScalar(bytes, at, end);
      this.#at = at;
      return Number(bytes.toString("latin1", start, at));
    }
    this.#at = at;
    const value = dotAt === -1 ? mantissa : mantissa / (powers[at - dotAt - 1] as number);
    return isNegative ? -value : value;
  }
}

/** Walks one message and notes where its values stand. */
class ShapeReader {
  readonly #bytes: Uint8Array;
  readonly #slots: Slot[] = [];
  readonly #names = new Set<string>();
  #at = 0;
  /** Where the bytes before the next value begin. */
  #from = 0;

  /** The bytes are copied: a Buffer's slices would be views into a batch that is used again. */
  constructor(bytes: Uint8Array) {
    this.#bytes = new Uint8Array(bytes);
  }

  read<T>(make: (slots: readonly Slot[], after: Expected) => T): T | null {
    this.#skipSpace();
    const isKnown = this.#readObject("") && this.#skipSpace() === undefined;
    return isKnown ? make(this.#slots, new Expected(this.#bytes.subarray(this.#from))) : null;
  }

  /** False where the message is better parsed. */
  #readObject(section: string): boolean {
    this.#at++;
    for (;;) {
      this.#skipSpace();
      if (this.#byte() === 0x7d) break;
      const keyStart = this.#at;
      const keyEnd = endOfValue(this.#bytes, keyStart, this.#bytes.length);
      const key = Buffer.from(this.#bytes.subarray(keyStart + 1, keyEnd - 1)).toString();
      if (key.includes("\\")) return false;
      this.#at = keyEnd;
      this.#skipSpace();
      this.#at++;
      this.#skipSpace();
      const name = section === "" ? key : `${section}.${key}`;
      // Where a name stands twice the last one counts; a parser knows how.
      if (this.#names.has(name)) return false;
      this.#names.add(name);
      if (this.#byte() === 0x7b) {
        if (section !== "" || !this.#readObject(key)) return false;
      } else {
        this.#noteValue(name === "device_id" || name === "timestamp" ? null : name);
      }
      this.#skipSpace();
      if (this.#byte() === 0x2c) this.#at++;
    }
    this.#at++;
    return true;
  }

  #noteValue(name: string | null): void {
    const start = this.#at;
    const before = new Expected(this.#bytes.subarray(this.#from, start));
    this.#at = this.#from = endOfValue(this.#bytes, start, this.#bytes.length);
    this.#slots.push({ before, name, tags: new Map(), last: new Expected(new Uint8Array(0)), lastTag: 0 });
  }

  #byte(): number | undefined {
    return this.#bytes[this.#at];
  }

  #skipSpace(): void {
    while (this.#byte() === 0x20 || this.#byte() === 0x0a || this.#byte() === 0x0d || this.#byte() === 0x09) this.#at++;
  }
}

/** The end of the text, the list or the scalar that begins at `start`; -1 where it does not end, or an object begins. */
function endOfValue(bytes: Uint8Array, start: number, end: number): number {
  switch (bytes[start]) {
    case quote:
      return endOfText(bytes, start, end);
    case 0x7b:
      return -1;
    case 0x5b: {
      for (let at = start + 1; at < end; at++) {
        if (bytes[at] === 0x5d) return at + 1;
        if (bytes[at] !== quote) continue;
        at = endOfText(bytes, at, end) - 1;
        if (at < 0) return -1;
      }
      return -1;
    }
    default:
      return endOfScalar(bytes, start, end);
  }
}

function endOfText(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start + 1; at < end; at++) {
    if (bytes[at] === quote) return at + 1;
    if (bytes[at] === backslash) at++;
  }
  return -1;
}

/** Numbers, true, false and null end before a comma, a bracket or a space. */
function endOfScalar(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== 0x2c && bytes[at] !== 0x7d && bytes[at] !== 0x5d && (bytes[at] as number) > 0x20)
    at++;
  return at;
}
