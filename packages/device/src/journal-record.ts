import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";

/**
 * A segment file is a row of records. The first says whose it is, as JSON; the others hold samples, deflated with the dictionary that the first one
 * has. Behind the last stand zeros.
 *
 *     0  bytes of the payload, u32    4  CRC-32 of all behind it, u32    8  number of the first sample, u32
 *    12  samples, u16    14  all durable up to, u32    18  numbers in use up to, at most, u32
 *    22  when the first was appended, ms, f64    30  the server's epoch, f64; 0 if unknown    38  payload
 */
export interface RecordHead {
  readonly firstSeq: number;
  readonly count: number;
  readonly durableSeq: number;
  /** Samples up to this number may have been given and sent before the next record was on the disk. */
  readonly reservedSeq: number;
  readonly timeMs: number;
  readonly epoch: number;
}

export interface JournalRecord extends RecordHead {
  readonly payload: Buffer;
  /** Where the next one begins. */
  readonly end: number;
}

const headBytes = 38;
/** No record of ours is longer: what says so is damaged. */
export const recordBytesMax = 64 * 1024;

export function encodeRecord(head: RecordHead, payload: Buffer): Buffer {
  const record = Buffer.alloc(headBytes + payload.length);
  record.writeUInt32LE(payload.length, 0);
  record.writeUInt32LE(head.firstSeq, 8);
  record.writeUInt16LE(head.count, 12);
  record.writeUInt32LE(head.durableSeq, 14);
  record.writeUInt32LE(head.reservedSeq, 18);
  record.writeDoubleLE(head.timeMs, 22);
  record.writeDoubleLE(head.epoch, 30);
  payload.copy(record, headBytes);
  record.writeUInt32LE(crc32(record.subarray(8)), 4);
  return record;
}

/** The record at this place; null if there is none, or it is damaged. */
export function readRecord(bytes: Buffer, offset: number): JournalRecord | null {
  if (offset + headBytes > bytes.length) return null;
  const length = bytes.readUInt32LE(offset);
  // None is empty, so that the zeros behind the last are told from records at once.
  if (length === 0) return null;
  const end = offset + headBytes + length;
  if (end > bytes.length || end - offset > recordBytesMax) return null;
  if (crc32(bytes.subarray(offset + 8, end)) !== bytes.readUInt32LE(offset + 4)) return null;
  return {
    firstSeq: bytes.readUInt32LE(offset + 8),
    count: bytes.readUInt16LE(offset + 12),
    durableSeq: bytes.readUInt32LE(offset + 14),
    reservedSeq: bytes.readUInt32LE(offset + 18),
    timeMs: bytes.readDoubleLE(offset + 22),
    epoch: bytes.readDoubleLE(offset + 30),
    payload: bytes.subarray(offset + headBytes, end),
    end,
  };
}

/**
 * Every record that can be read, and where the last one ends. `isDamaged`: between them is something that is neither a record nor zeros; `isTorn`:
 * behind them.
 */
export function scanRecords(bytes: Buffer): {
  records: JournalRecord[];
  end: number;
  isDamaged: boolean;
  isTorn: boolean;
} {
  const records: JournalRecord[] = [];
  let end = 0;
  let isDamaged = false;
  let isTorn = false;
  for (let offset = 0; offset < bytes.length; ) {
    const record = readRecord(bytes, offset);
    if (record !== null) {
      records.push(record);
      offset = end = record.end;
      isDamaged ||= isTorn;
      isTorn = false;
      continue;
    }
    // The length itself may be what is wrong: so the next record is sought byte by byte. Most places fail by their length.
    if (bytes[offset] !== 0) isTorn = true;
    offset++;
  }
  return { records, end, isDamaged, isTorn };
}

export function deflate(texts: readonly string[], dictionary: Buffer): Buffer {
  // JSON has no line break of its own.
  return deflateRawSync(texts.join("\n"), { dictionary });
}

/** The samples of a record; null if it does not hold what it says. */
export function inflate({ payload, count }: JournalRecord, dictionary: Buffer): string[] | null {
  try {
    const texts = inflateRawSync(payload, { dictionary, maxOutputLength: 4 * recordBytesMax })
      .toString()
      .split("\n");
    return texts.length === count ? texts : null;
  } catch {
    return null;
  }
}
