import type { StoredSample } from "./store.ts";

/**
 * One sample as it travels from ingest to the store, and as the journal keeps it. Little-endian:
 *
 * | offset | type | what |
 * |---|---|---|
 * | 0 | f64 | observed at, ms since 1970 UTC, as filed |
 * | 8 | f64 | received at, ms since 1970 UTC |
 * | 16 | f64 | epoch of the session |
 * | 24 | u32 | seq within the epoch |
 * | 28 | u8 | flags: bit 0: the time is the server's; bit 1: epoch and seq are of the device's journal (ADR 70); bit 2: it is no sample (`writePassed`); other bits 0 |
 * | 29 | u8 | length of the registration's key, bytes |
 * | 30 | u16 | length of the message, bytes |
 * | 32 | … | the key, then the message, UTF-8 |
 */
const headerBytes = 32;
const serverClockFlag = 1;
const numberedFlag = 2;
const passedFlag = 4;
/** Of a record that is no sample. */
const passedBytes = 4;

export interface SampleHeader {
  readonly observedAtMs: number;
  readonly receivedAtMs: number;
  readonly clock: "device" | "server";
  readonly epoch: number;
  readonly seq: number;
  /** Whether epoch and seq are of the device's journal. */
  readonly isNumbered?: boolean;
}

export function recordBytes(keyBytes: Uint8Array, message: Uint8Array): number {
  return headerBytes + keyBytes.length + message.length;
}

/** Writes one record at `offset` and gives the offset behind it. There must be room for `recordBytes` bytes. */
export function writeRecord(
  into: Buffer,
  offset: number,
  sample: SampleHeader,
  keyBytes: Uint8Array,
  message: Uint8Array,
): number {
  into.writeDoubleLE(sample.observedAtMs, offset);
  into.writeDoubleLE(sample.receivedAtMs, offset + 8);
  into.writeDoubleLE(sample.epoch, offset + 16);
  into.writeUInt32LE(sample.seq, offset + 24);
  into[offset + 28] = (sample.clock === "server" ? serverClockFlag : 0) | (sample.isNumbered ? numberedFlag : 0);
  into[offset + 29] = keyBytes.length;
  into.writeUInt16LE(message.length, offset + 30);
  into.set(keyBytes, offset + headerBytes);
  into.set(message, offset + headerBytes + keyBytes.length);
  return offset + headerBytes + keyBytes.length + message.length;
}

/** What stands in a batch for numbers of a journal that are taken without a sample: the device's gaps, and what was refused. */
export interface Passed {
  readonly atMs: number;
  readonly epoch: number;
  /** Both included. */
  readonly fromSeq: number;
  readonly toSeq: number;
}

export function passedRecordBytes(keyBytes: Uint8Array): number {
  return headerBytes + keyBytes.length + passedBytes;
}

/** As `writeRecord`. There must be room for `passedRecordBytes` bytes. Its message is the last number, u32. */
export function writePassed(
  into: Buffer,
  offset: number,
  { atMs, epoch, fromSeq, toSeq }: Passed,
  keyBytes: Uint8Array,
): number {
  const message = Buffer.alloc(passedBytes);
  message.writeUInt32LE(toSeq);
  const header = { observedAtMs: atMs, receivedAtMs: atMs, clock: "server", epoch, seq: fromSeq } as const;
  const end = writeRecord(into, offset, header, keyBytes, message);
  into[offset + 28] = numberedFlag | passedFlag;
  return end;
}

/** Reads a batch sample by sample. The messages are views into `batch`. Throws a RangeError where a record is cut off. */
export function* readRecords(batch: Uint8Array): Generator<StoredSample> {
  const buffer = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
  const record = new RecordReader(buffer);
  while (record.next()) {
    if (record.isPassed) continue;
    const { observedAtMs, receivedAtMs, clock, epoch, seq, messageAt, end } = record;
    const key = record.key;
    yield { key, observedAtMs, receivedAtMs, clock, epoch, seq, message: buffer.subarray(messageAt, end) };
  }
}

/** Walks a batch without making objects: `next` puts a record's figures into the fields. Throws a RangeError where a record is cut off. */
export class RecordReader implements SampleHeader {
  /** The batch. */
  readonly bytes: Buffer;
  readonly view: DataView;
  observedAtMs = 0;
  receivedAtMs = 0;
  clock: "device" | "server" = "device";
  epoch = 0;
  seq = 0;
  isNumbered = false;
  /** Whether it stands for numbers without a sample, from `seq` to `toSeq`. */
  isPassed = false;
  /** Where the record begins, where its message does, and where both end. */
  start = 0;
  messageAt = 0;
  end = 0;

  constructor(batch: Buffer) {
    this.bytes = batch;
    this.view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  }

  next(): boolean {
    const { view } = this;
    const start = this.end;
    if (start === view.byteLength) return false;
    const messageAt = start + headerBytes + view.getUint8(start + 29);
    const end = messageAt + view.getUint16(start + 30, true);
    if (end > view.byteLength) throw new RangeError(`The record at byte ${start} is cut off.`);
    this.start = start;
    this.messageAt = messageAt;
    this.end = end;
    this.observedAtMs = view.getFloat64(start, true);
    this.receivedAtMs = view.getFloat64(start + 8, true);
    this.epoch = view.getFloat64(start + 16, true);
    this.seq = view.getUint32(start + 24, true);
    const flags = view.getUint8(start + 28);
    this.clock = flags & serverClockFlag ? "server" : "device";
    this.isNumbered = (flags & numberedFlag) !== 0;
    this.isPassed = (flags & passedFlag) !== 0;
    return true;
  }

  /** The last number that it stands for: of a sample its own. */
  get toSeq(): number {
    return this.isPassed && this.end - this.messageAt === passedBytes
      ? this.view.getUint32(this.messageAt, true)
      : this.seq;
  }

  /** Whether it is of the registration with that key, which takes less time than to read it. */
  isOf(keyBytes: Uint8Array): boolean {
    const { bytes } = this;
    const idAt = this.start + headerBytes;
    if (this.messageAt - idAt !== keyBytes.length) return false;
    for (let at = 0; at < keyBytes.length; at++) if (bytes[idAt + at] !== keyBytes[at]) return false;
    return true;
  }

  get key(): string {
    return this.bytes.toString("latin1", this.start + headerBytes, this.messageAt);
  }
}
