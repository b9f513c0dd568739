import { randomUUID } from "node:crypto";
import { limits, type SeqRanges } from "@wattboard/protocol";
import {
  bytesInFrame,
  gapTimes,
  type JournalContext,
  type JournalOpener,
  type JournalPart,
  type JournalSample,
  type SampleJournal,
} from "./journal.ts";
import { JournalError, type JournalFolder, openJournalFolder } from "./journal-folder.ts";
import type { RecordHead } from "./journal-record.ts";
import { damagedContent, OpenSegment, readSegment, type SegmentContent, textsOf } from "./journal-segment.ts";
import { memoryJournal } from "./memory-journal.ts";

export interface FileJournalOptions {
  /** All files together; then the oldest goes. Default 24 MB: two days of a sample of 500 bytes a second. */
  readonly bytesMax?: number;
  /** Every so often what was written is made sure of (fsync), ms; a power failure takes what came since, unless it was sent. Default 3 s. */
  readonly syncMs?: number;
}

const bytesMaxDefault = 24_000_000;
const syncMsDefault = 3_000;
/** Written at most so often, ms. A process that is killed loses what came since, a power failure what came since the last fsync. */
const writeMs = 1_000;
/** After the disk has refused, it is tried again so often, ms. */
const retryMs = 10_000;
const segmentBytesMin = 128 * 1024;
const segmentBytesMax = 256 * 1024;
/** Samples of one record, bytes of text. */
const recordTextMax = 32 * 1024;
/** Segments that are held in memory while the disk refuses; then the oldest is lost. */
const unwrittenMax = 4;
/** Numbers that are set aside beside those that the pace of sampling asks for. */
const reservedMin = 16;

interface Segment {
  readonly name: string;
  readonly firstSeq: number;
  readonly firstMs: number;
  /** The newest one, and what could not be written yet. */
  open: OpenSegment | null;
}

/**
 * A journal in a folder of its own, which outlives the process and power failures. Where the folder cannot be written to, one in memory takes its
 * place, and a notice tells so.
 */
export function fileJournal(folder: string, options: FileJournalOptions = {}): JournalOpener {
  return (context) => {
    try {
      return new FileJournal(context, openJournalFolder(folder), options);
    } catch (error) {
      if (error instanceof JournalError) throw error;
      const message = `The journal in ${folder} cannot be used: samples are kept in memory only.`;
      context.tell("error", "journal_failed", message, error);
      return memoryJournal()(context);
    }
  };
}

export class FileJournal implements SampleJournal {
  readonly isLasting = true;
  readonly id: string;
  lastSeq = 0;
  durableSeq = 0;
  epoch: number | null = null;
  readonly #context: JournalContext;
  readonly #folder: JournalFolder;
  readonly #syncMs: number;
  readonly #bytesMax: number;
  readonly #segmentBytes: number;
  /** Oldest first. */
  #segments: Segment[] = [];
  /** Appended, and not in a segment yet. */
  #pending: (JournalSample & { readonly timeMs: number })[] = [];
  #pendingBytes = 0;
  #toRemove: string[] = [];
  /** What there was no room for lies up to here. */
  #droppedSeq = 0;
  /** Segments that were found damaged, by name. */
  readonly #told = new Set<string>();
  #loaded: { readonly segment: Segment; readonly content: SegmentContent } | null = null;
  #storing: Promise<void> | null = null;
  #isUnsynced = false;
  #isFailing = false;
  #isClosed = false;
  #storedAtMs = Number.NEGATIVE_INFINITY;
  #syncedAtMs = Number.NEGATIVE_INFINITY;
  /** `lastSeq` at the last two fsyncs: so fast do numbers grow. */
  #syncedSeqs: readonly [number, number];
  /** The last number that is set aside. */
  #reservedSeq = 0;
  #timer: unknown;
  #dueMs = 0;

  constructor(context: JournalContext, folder: JournalFolder, options: FileJournalOptions = {}) {
    const { bytesMax = bytesMaxDefault, syncMs = syncMsDefault } = options;
    this.#context = context;
    this.#folder = folder;
    this.#syncMs = syncMs;
    this.#bytesMax = bytesMax;
    this.#segmentBytes = Math.min(segmentBytesMax, Math.max(segmentBytesMin, Math.floor(bytesMax / 64)));
    try {
      this.id = this.#openSegments() ?? randomUUID();
    } catch (error) {
      void folder.close();
      throw error;
    }
    this.#syncedSeqs = [this.lastSeq, this.lastSeq];
  }

  get firstSeq(): number {
    return this.#segments[0]?.firstSeq ?? this.#pending[0]?.seq ?? this.lastSeq + 1;
  }

  append(text: string): number {
    const seq = ++this.lastSeq;
    this.#pending.push({ seq, text, timeMs: Math.max(0, Math.floor(this.#context.clock.now())) });
    this.#pendingBytes += bytesInFrame(text);
    if (this.#pendingBytes > 8 * recordTextMax) this.#encode();
    this.#arm();
    return seq;
  }

  skip(throughSeq: number): void {
    this.#encode();
    this.lastSeq = Math.max(this.lastSeq, throughSeq);
  }

  /** Nothing goes before its time: a server that is restored from a backup asks for what it has stored since. */
  acknowledge(durable: SeqRanges, epoch: number): void {
    this.durableSeq = durable.firstMissing(1) - 1;
    this.epoch = epoch;
  }

  read(fromSeq: number, toSeq: number, samplesMax: number, bytesMax: number): JournalPart[] | Promise<JournalPart[]> {
    this.#encode();
    const index = this.#segments.findLastIndex(({ firstSeq }) => firstSeq <= fromSeq);
    const next = this.#segments[index + 1];
    const upTo = Math.min(toSeq, (next?.firstSeq ?? toSeq + 1) - 1);
    const segment = this.#segments[index];
    if (segment === undefined) {
      const reason = fromSeq <= this.#droppedSeq ? "overflow" : "lost";
      return [{ from_seq: fromSeq, to_seq: upTo, ...gapTimes(undefined, next?.firstMs), reason }];
    }
    const entries = (content: SegmentContent) =>
      entriesOf(content, { fromSeq, toSeq: upTo, samplesMax, bytesMax, endMs: next?.firstMs });
    const content = segment.open ?? (this.#loaded?.segment === segment ? this.#loaded.content : null);
    return content === null ? this.#load(segment).then(entries) : entries(content);
  }

  async flush(): Promise<void> {
    this.#encode();
    await this.#storing;
    await this.#store(true);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#encode();
    this.#segments.at(-1)?.open?.mark(this.#head(this.lastSeq + 1, 0, this.#context.clock.now(), this.lastSeq));
    await this.flush();
    this.#context.clock.clearTimeout(this.#timer);
    await this.#folder.close().catch(() => {});
  }

  /** Finds the segments of before, and goes on with the newest. Gives the journal's id; null if there is none. */
  #openSegments(): string | null {
    const segments = this.#folder.names().flatMap((name) => segmentOf(name) ?? []);
    this.#segments = segments.sort((a, b) => a.firstSeq - b.firstSeq);
    for (const segment of this.#segments.toReversed()) {
      const file = this.#folder.readNow(segment.name);
      const content = readSegment(file);
      // Numbers of a segment that cannot be read were given too.
      this.lastSeq = Math.max(this.lastSeq, segment.firstSeq + reservedMin, content.last?.reservedSeq ?? 0);
      const { head, last } = content;
      if (head === null || last === null) {
        this.#tellDamaged(segment);
        continue;
      }
      if (head.device_id !== this.#context.deviceId) {
        const message = `The journal folder holds the samples of ${head.device_id}, not of ${this.#context.deviceId}. Name another folder, or empty this one.`;
        throw new JournalError("journal_of_other_device", message);
      }
      this.durableSeq = last.durableSeq;
      this.epoch = last.epoch === 0 ? null : last.epoch;
      if (this.lastSeq > limits.seqMax * 0.9) break;
      if (content.isDamaged || content.isTorn) this.#tellDamaged(segment);
      if (segment === this.#segments.at(-1)) segment.open = OpenSegment.goOn(this.#segmentBytes, file, content);
      if (segment === this.#segments.at(-1)) this.lastSeq = last.reservedSeq;
      return head.journal_id;
    }
    // None can be read, or numbers have come to their end: another journal begins.
    this.#toRemove = this.#segments.map(({ name }) => name);
    this.#segments = [];
    this.lastSeq = this.durableSeq = 0;
    this.epoch = null;
    return null;
  }

  /** Puts what was appended into the newest segment, as it is to be on the disk. */
  #encode(): void {
    for (let first = this.#pending[0]; first !== undefined; first = this.#pending[0]) {
      const texts: string[] = [];
      let bytes = 0;
      for (const { seq, text } of this.#pending) {
        bytes += bytesInFrame(text);
        if (seq !== first.seq + texts.length || (texts.length > 0 && bytes > recordTextMax)) break;
        texts.push(text);
      }
      const last = first.seq + texts.length - 1;
      const head = this.#head(first.seq, texts.length, first.timeMs, this.#reserve(last));
      const { open } = this.#segments.at(-1) ?? {};
      if (!open?.append(head, texts)) this.#begin(head, first.text)?.append(head, texts);
      this.#pending = this.#pending.slice(texts.length);
    }
    this.#pendingBytes = 0;
  }

  #head(firstSeq: number, count: number, timeMs: number, reservedSeq: number): RecordHead {
    return { firstSeq, count, durableSeq: this.durableSeq, reservedSeq, timeMs, epoch: this.epoch ?? 0 };
  }

  /** What may be given and sent before the next fsync, which may take long. A number must not be given twice, so a crash costs these. */
  #reserve(last: number): number {
    const [before, now] = this.#syncedSeqs;
    this.#reservedSeq = Math.min(limits.seqMax, last + reservedMin + 4 * Math.max(now - before, last - now));
    return this.#reservedSeq;
  }

  /** More than half of the numbers that were set aside are given: samples come faster than before. */
  get #isShort(): boolean {
    const last = this.#segments.at(-1)?.open?.lastSeq ?? 0;
    return this.#pending.length > 0 && this.lastSeq - last > (this.#reservedSeq - last) / 2;
  }

  #begin(head: RecordHead, dictionary: string): OpenSegment | null {
    const name = segmentName(head.firstSeq, head.timeMs);
    const owner = { version: 1, journal_id: this.id, device_id: this.#context.deviceId, dictionary } as const;
    const open = OpenSegment.begin(this.#segmentBytes, owner, { ...head, count: 0 });
    this.#segments.push({ name, firstSeq: head.firstSeq, firstMs: head.timeMs, open });
    while (this.#segments.length > 1 && this.#segments.length * this.#segmentBytes > this.#bytesMax) this.#drop(0);
    const unwritten = this.#segments.filter((each) => each.open !== null);
    if (unwritten.length > unwrittenMax) this.#drop(this.#segments.indexOf(unwritten[0] as Segment));
    return open;
  }

  #drop(index: number): void {
    const [segment] = this.#segments.splice(index, 1);
    if (segment === undefined) return;
    const toSeq = (this.#segments[index]?.firstSeq ?? segment.firstSeq + 1) - 1;
    this.#toRemove.push(segment.name);
    this.#droppedSeq = Math.max(this.#droppedSeq, index === 0 ? toSeq : 0);
    this.#context.dropped(segment.firstSeq, toSeq);
  }

  /** One timer: for what is to be written, or to be made sure of. */
  #arm(): void {
    if (this.#storing !== null || this.#isClosed) return;
    const isPending = this.#pending.length > 0 || this.#segments.some(({ open }) => open !== null && !open.isWritten);
    if (!isPending && !this.#isUnsynced) return;
    let dueMs = isPending ? this.#storedAtMs + writeMs : this.#syncedAtMs + this.#syncMs;
    if (this.#isShort) dueMs = this.#storedAtMs;
    if (this.#isFailing) dueMs = this.#storedAtMs + retryMs;
    if (this.#timer !== undefined && this.#dueMs <= dueMs) return;
    const { clock } = this.#context;
    clock.clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = clock.setTimeout(this.#onDue, Math.max(0, dueMs - clock.monotonicMs()));
  }

  readonly #onDue = (): void => {
    this.#timer = undefined;
    this.#encode();
    const syncMs = this.#isShort ? writeMs : this.#syncMs;
    void this.#store(this.#context.clock.monotonicMs() - this.#syncedAtMs >= syncMs);
  };

  /** One at a time. */
  #store(isSynced: boolean): Promise<void> {
    this.#context.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const storing = Promise.resolve(this.#storing)
      .then(() => this.#write(isSynced))
      .then(
        () => this.#onStored(isSynced),
        (error) => this.#onFailed(error),
      )
      .then(() => {
        if (this.#storing !== storing) return;
        this.#storing = null;
        this.#arm();
      });
    this.#storing = storing;
    return storing;
  }

  async #write(isSynced: boolean): Promise<void> {
    for (let name = this.#toRemove[0]; name !== undefined; name = this.#toRemove[0]) {
      await this.#folder.remove(name);
      this.#toRemove.shift();
    }
    for (const segment of [...this.#segments]) {
      const { open } = segment;
      if (open === null) continue;
      if (!open.isWritten) {
        await open.write((bytes, position) => this.#folder.write(segment.name, bytes, position));
        this.#isUnsynced = true;
      }
      if (open.isWritten && segment !== this.#segments.at(-1)) segment.open = null;
    }
    if (!isSynced || !this.#isUnsynced) return;
    this.#syncedSeqs = [this.#syncedSeqs[1], this.lastSeq];
    await this.#folder.sync();
    this.#isUnsynced = false;
  }

  #onStored(isSynced: boolean): void {
    const nowMs = this.#context.clock.monotonicMs();
    if (this.#isFailing) this.#context.tell("info", "journal_failed", "The journal can be written again.");
    this.#isFailing = false;
    this.#storedAtMs = nowMs;
    if (isSynced) this.#syncedAtMs = nowMs;
  }

  #onFailed(error: unknown): void {
    if (!this.#isFailing) {
      const message = "The journal cannot be written; samples are kept in memory until it can.";
      this.#context.tell("error", "journal_failed", message, error);
    }
    this.#isFailing = true;
    this.#storedAtMs = this.#context.clock.monotonicMs();
  }

  async #load(segment: Segment): Promise<SegmentContent> {
    let content = damagedContent;
    try {
      const found = readSegment(await this.#folder.read(segment.name));
      if (found.head?.journal_id === this.id) content = { ...found, isDamaged: found.isDamaged || found.isTorn };
    } catch {
      // A file that is gone, or that the disk does not give, is damaged.
    }
    if (content.isDamaged) this.#tellDamaged(segment);
    this.#loaded = { segment, content };
    return content;
  }

  #tellDamaged({ name }: Segment): void {
    if (this.#told.has(name)) return;
    this.#told.add(name);
    this.#context.tell("warn", "journal_damaged", `Some of the journal's segment ${name} could not be read.`);
  }
}

function segmentName(firstSeq: number, firstMs: number): string {
  return `${String(firstSeq).padStart(10, "0")}-${firstMs}.journal`;
}

function segmentOf(name: string): Segment | null {
  const [, firstSeq, firstMs] = /^(\d{10})-(\d{1,15})\.journal$/.exec(name) ?? [];
  return firstSeq === undefined ? null : { name, firstSeq: Number(firstSeq), firstMs: Number(firstMs), open: null };
}

interface Wanted {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly samplesMax: number;
  readonly bytesMax: number;
  /** When the segment's last sample was measured, at the latest. */
  readonly endMs: number | undefined;
}

/** What a segment holds of the numbers that are wanted, and the gaps between. */
function entriesOf(content: SegmentContent, { fromSeq, toSeq, samplesMax, bytesMax, endMs }: Wanted): JournalPart[] {
  const entries: JournalPart[] = [];
  const { records } = content;
  let index = Math.max(
    0,
    records.findLastIndex(({ firstSeq }) => firstSeq <= fromSeq),
  );
  let bytes = 0;
  for (let seq = fromSeq; seq <= toSeq && entries.length < samplesMax; ) {
    const record = records[index];
    if (record !== undefined && record.firstSeq + record.count <= seq) {
      index++;
      continue;
    }
    const texts = record !== undefined && record.firstSeq <= seq ? textsOf(content, record) : null;
    if (record === undefined || texts === null) {
      const behind =
        record === undefined ? toSeq + 1 : record.firstSeq > seq ? record.firstSeq : record.firstSeq + record.count;
      const gap = { from_seq: seq, to_seq: Math.min(toSeq, behind - 1) };
      const reason = content.isDamaged || (record !== undefined && record.firstSeq <= seq) ? "damaged" : "lost";
      entries.push({ ...gap, ...gapTimes(records[index - 1]?.timeMs, record?.timeMs ?? endMs), reason });
      seq = gap.to_seq + 1;
      continue;
    }
    for (const text of texts.slice(seq - record.firstSeq)) {
      bytes += bytesInFrame(text);
      const isFull = entries.length === samplesMax || (bytes > bytesMax && entries.length > 0);
      if (seq > toSeq || isFull) return entries;
      entries.push({ seq: seq++, text });
    }
  }
  return entries;
}
