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
 * | 29 | u8 | length of the device id, bytes |
 * | 30 | u16 | length of the message, bytes |
 * | 32 | … | device id, then the message, UTF-8 |
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

export function recordBytes(deviceIdBytes: Uint8Array, message: Uint8Array): number {
  return headerBytes + deviceIdBytes.length + message.length;
}

/** Writes one record at `offset` and gives the offset behind it. There must be room for `recordBytes` bytes. */
export function writeRecord(
  into: Buffer,
  offset: number,
  sample: SampleHeader,
  deviceIdBytes: Uint8Array,
  message: Uint8Array,
): number {
  into.writeDoubleLE(sample.observedAtMs, offset);
  into.writeDoubleLE(sample.receivedAtMs, offset + 8);
  into.writeDoubleLE(sample.epoch, offset + 16);
  into.writeUInt32LE(sample.seq, offset + 24);
  into[offset + 28] = sample.clock === "server" ? serverClockFlag : 0;
  into[offset + 29] = deviceIdBytes.length;
  into.writeUInt16LE(message.length, offset + 30);
  into.set(deviceIdBytes, offset + headerBytes);
  into.set(message, offset + headerBytes + deviceIdBytes.length);
  return offset + headerBytes + deviceIdBytes.length + message.length;
}

/** Reads a batch record by record. The messages are views into `batch`. Throws a RangeError where a record is cut off. */
export function* readRecords(batch: Uint8Array): Generator<StoredSample> {
  const buffer = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
  for (let offset = 0; offset < buffer.length; ) {
    const sample = readRecord(buffer, offset);
    yield sample;
    offset += headerBytes + sample.deviceId.length + sample.message.length;
  }
}

/** Only the records of one device; the others are passed over without making anything of them. */
export function* readRecordsOf(batch: Uint8Array, deviceIdBytes: Uint8Array): Generator<StoredSample> {
  const buffer = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
  for (let offset = 0; offset < buffer.length; ) {
    const idAt = offset + headerBytes;
    const messageAt = idAt + buffer.readUInt8(offset + 29);
    if (buffer.compare(deviceIdBytes, 0, deviceIdBytes.length, idAt, messageAt) === 0) yield readRecord(buffer, offset);
    offset = messageAt + buffer.readUInt16LE(offset + 30);
  }
}

/** What the journal needs to know of a batch without reading its messages. */
export interface BatchSummary {
  readonly samples: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** The newest sample of each device in it. */
  readonly newest: StoredSample[];
}

/** Looks through a batch; makes objects of the newest samples only. Throws a RangeError where a record is cut off. */
export function scanRecords(batch: Uint8Array): BatchSummary {
  const buffer = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  let samples = 0;
  let fromMs = Number.POSITIVE_INFINITY;
  let toMs = Number.NEGATIVE_INFINITY;
  const newestAt = new Map<string, number>();
  for (let offset = 0; offset < buffer.length; ) {
    const idAt = offset + headerBytes;
    const messageAt = idAt + view.getUint8(offset + 29);
    const end = messageAt + view.getUint16(offset + 30, true);
    if (end > buffer.length) throw new RangeError(`The record at byte ${offset} is cut off.`);
    const observedAtMs = view.getFloat64(offset, true);
    samples++;
    if (observedAtMs < fromMs) fromMs = observedAtMs;
    if (observedAtMs > toMs) toMs = observedAtMs;
    const id = buffer.toString("latin1", idAt, messageAt);
    const known = newestAt.get(id);
    if (known === undefined || observedAtMs >= view.getFloat64(known, true)) newestAt.set(id, offset);
    offset = end;
  }
  return { samples, fromMs, toMs, newest: [...newestAt.values()].map((offset) => readRecord(buffer, offset)) };
}

function readRecord(buffer: Buffer, offset: number): StoredSample {
  const idAt = offset + headerBytes;
  const messageAt = idAt + buffer.readUInt8(offset + 29);
  const end = messageAt + buffer.readUInt16LE(offset + 30);
  if (end > buffer.length) throw new RangeError(`The record at byte ${offset} is cut off.`);
  return {
    deviceId: buffer.toString("latin1", idAt, messageAt),
    observedAtMs: buffer.readDoubleLE(offset),
    receivedAtMs: buffer.readDoubleLE(offset + 8),
    clock: buffer.readUInt8(offset + 28) & serverClockFlag ? "server" : "device",
    epoch: buffer.readDoubleLE(offset + 16),
    seq: buffer.readUInt32LE(offset + 24),
    message: buffer.subarray(messageAt, end),
  };
}
