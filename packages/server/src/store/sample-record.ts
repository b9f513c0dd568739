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
 * | 28 | u8 | flags: bit 0 set where the time is the server's; other bits 0 |
 * | 29 | u8 | length of the registration's key, bytes |
 * | 30 | u16 | length of the message, bytes |
 * | 32 | … | the key, then the message, UTF-8 |
 */
const headerBytes = 32;
const serverClockFlag = 1;

export interface SampleHeader {
  readonly observedAtMs: number;
  readonly receivedAtMs: number;
  readonly clock: "device" | "server";
  readonly epoch: number;
  readonly seq: number;
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
  into[offset + 28] = sample.clock === "server" ? serverClockFlag : 0;
  into[offset + 29] = keyBytes.length;
  into.writeUInt16LE(message.length, offset + 30);
  into.set(keyBytes, offset + headerBytes);
  into.set(message, offset + headerBytes + keyBytes.length);
  return offset + headerBytes + keyBytes.length + message.length;
}

/** Reads a batch record by record. The messages are views into `batch`. Throws a RangeError where a record is cut off. */
export function* readRecords(batch: Uint8Array): Generator<StoredSample> {
  const buffer = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
  const record = new RecordReader(buffer);
  while (record.next()) {
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
    this.clock = view.getUint8(start + 28) & serverClockFlag ? "server" : "device";
    return true;
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
