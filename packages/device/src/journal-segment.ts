import {
  deflate,
  encodeRecord,
  inflate,
  type JournalRecord,
  type RecordHead,
  readRecord,
  recordBytesMax,
  scanRecords,
} from "./journal-record.ts";

/** Whose a segment is, and what its samples are deflated with. */
interface SegmentHead {
  readonly version: 1;
  readonly journal_id: string;
  readonly device_id: string;
  readonly dictionary: string;
}

/** What can be read of a segment; `head` is null if that is not even known. */
export interface SegmentContent {
  readonly head: SegmentHead | null;
  /** Those with samples, by number. */
  readonly records: JournalRecord[];
  readonly isDamaged: boolean;
}

/** A record without samples has this as its payload. */
const nothing = Buffer.from([0]);
/** Room for a last one of these. */
const markBytes = 64;

export const damagedContent: SegmentContent = { head: null, records: [], isDamaged: true };

export function readSegment(bytes: Buffer): SegmentContent & { end: number; isTorn: boolean; last: RecordHead | null } {
  const { records, end, isDamaged, isTorn } = scanRecords(bytes);
  const head = readHead(bytes);
  return {
    head,
    records: records.filter(({ count }) => count > 0),
    isDamaged,
    end,
    isTorn,
    last: records.at(-1) ?? null,
  };
}

function readHead(bytes: Buffer): SegmentHead | null {
  try {
    const head: unknown = JSON.parse(readRecord(bytes, 0)?.payload.toString() ?? "null");
    const isHead = typeof head === "object" && head !== null && "version" in head && head.version === 1;
    // Its checksum is right, so it is one that we have written.
    return isHead ? (head as unknown as SegmentHead) : null;
  } catch {
    return null;
  }
}

/** The samples of a record; null if they cannot be read. */
export function textsOf({ head }: SegmentContent, record: JournalRecord): string[] | null {
  return head === null ? null : inflate(record, Buffer.from(head.dictionary));
}

/** A segment that is being written, in memory as it is to be on the disk. */
export class OpenSegment implements SegmentContent {
  readonly head: SegmentHead;
  readonly records: JournalRecord[];
  readonly isDamaged: boolean;
  readonly #bytes: Buffer;
  readonly #dictionary: Buffer;
  #end: number;
  /** What is on the disk ends here; 0 if the file as a whole has to be written, with the zeros behind the last record. */
  #writtenEnd: number;

  private constructor(bytes: Buffer, end: number, writtenEnd: number, content: SegmentContent & { head: SegmentHead }) {
    this.#bytes = bytes;
    this.#end = end;
    this.#writtenEnd = writtenEnd;
    this.head = content.head;
    this.records = content.records;
    this.isDamaged = content.isDamaged;
    this.#dictionary = Buffer.from(content.head.dictionary);
  }

  static begin(size: number, head: SegmentHead, first: RecordHead): OpenSegment {
    const bytes = Buffer.alloc(size);
    const record = encodeRecord(first, Buffer.from(JSON.stringify(head)));
    record.copy(bytes);
    return new OpenSegment(bytes, record.length, 0, { head, records: [], isDamaged: false });
  }

  /** Goes on with a file of before. What is torn at its end is cut. */
  static goOn(size: number, file: Buffer, { head, ...content }: ReturnType<typeof readSegment>): OpenSegment | null {
    if (head === null || content.end > size) return null;
    const bytes = Buffer.alloc(size);
    file.copy(bytes, 0, 0, content.end);
    // Payloads are views of the bytes that stay.
    const { records } = readSegment(bytes);
    const isWhole = file.length === size && !content.isTorn;
    return new OpenSegment(bytes, content.end, isWhole ? content.end : 0, { ...content, head, records });
  }

  /** False if there is no room. */
  append(head: RecordHead, texts: readonly string[]): boolean {
    const record = encodeRecord(head, deflate(texts, this.#dictionary));
    if (record.length > recordBytesMax || this.#end + record.length + markBytes > this.#bytes.length) return false;
    this.#put(record);
    return true;
  }

  /** The last record of a process: says how far the numbers have come. */
  mark(head: RecordHead): void {
    if (this.#end + markBytes <= this.#bytes.length) this.#put(encodeRecord(head, nothing));
  }

  #put(record: Buffer): void {
    record.copy(this.#bytes, this.#end);
    const placed = readRecord(this.#bytes, this.#end);
    if (placed !== null && placed.count > 0) this.records.push(placed);
    this.#end += record.length;
  }

  /** Of its newest sample; 0 if it has none. */
  get lastSeq(): number {
    const last = this.records.at(-1);
    return last === undefined ? 0 : last.firstSeq + last.count - 1;
  }

  get isWritten(): boolean {
    return this.#writtenEnd === this.#end;
  }

  /** Gives what is not on the disk yet to `write`, with its place. If that fails, the file as a whole is written the next time. */
  async write(write: (bytes: Uint8Array, position: number) => Promise<void>): Promise<void> {
    const end = this.#end;
    const from = this.#writtenEnd;
    try {
      await write(this.#bytes.subarray(from, from === 0 ? this.#bytes.length : end), from);
      this.#writtenEnd = end;
    } catch (error) {
      this.#writtenEnd = 0;
      throw error;
    }
  }
}
