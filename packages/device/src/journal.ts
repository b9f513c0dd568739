import type { GapFrame, SeqRanges } from "@wattboard/protocol";
import type { Clock } from "./clock.ts";
import type { DeviceNotice, NoticeCode } from "./device-notice.ts";

/** A sample as it was measured: a telemetry message without its `seq`. */
export interface JournalSample {
  readonly seq: number;
  readonly text: string;
}

/** Samples that a journal does not hold, though they have numbers. */
export type JournalGap = Omit<GapFrame, "type">;

export type JournalPart = JournalSample | JournalGap;

/**
 * A device's samples, numbered from 1 without a hole, each kept until the server has stored it, as far as there is room; then the oldest goes first.
 * No method throws or rejects: what the disk refuses is told as a notice, and read as a gap.
 */
export interface SampleJournal {
  /** Made at random with the journal, and lasts as long as it does. */
  readonly id: string;
  /** Whether it outlives the process. */
  readonly isLasting: boolean;
  /** Of the oldest sample that it holds; of the next one to come if it holds none. */
  readonly firstSeq: number;
  /** Of the newest sample; 0 if there was none. */
  readonly lastSeq: number;
  /** All up to this one were durable, and by which epoch of the server's, as far as it remembers; 0 and null if none were. */
  readonly durableSeq: number;
  readonly epoch: number | null;
  /** Takes a sample and gives its number. */
  append(text: string): number;
  /** Goes on behind this number: those before it were given by somebody else. */
  skip(throughSeq: number): void;
  /** The server has stored these; they need not be held any longer. */
  acknowledge(durable: SeqRanges, epoch: number): void;
  /**
   * Samples and gaps that follow on each other, from `fromSeq` to `toSeq` at most; at least one, and no more samples and bytes than asked for
   * where there are several.
   */
  read(fromSeq: number, toSeq: number, samplesMax: number, bytesMax: number): JournalPart[] | Promise<JournalPart[]>;
  /** Resolves when all that was appended is on the disk, or could not be written. */
  flush(): Promise<void>;
  /** Flushes, and lets go of what it has open. */
  close(): Promise<void>;
}

/** What a journal gets from its device. */
export interface JournalContext {
  readonly deviceId: string;
  readonly clock: Clock;
  tell(level: DeviceNotice["level"], code: NoticeCode, message: string, error?: unknown): void;
  /** There was no room for these any more. */
  dropped(fromSeq: number, toSeq: number): void;
}

/** Opens a journal for a device; throws where it must not have it. */
export type JournalOpener = (context: JournalContext) => SampleJournal;

/** What an entry takes in a frame beside its text. */
const seqBytesMax = '"seq":4294967295,'.length + 1;

export function isGap(entry: JournalPart): entry is JournalGap {
  return "reason" in entry;
}

/** Bytes that a sample takes in a frame of backfill. */
export function bytesInFrame(text: string): number {
  return Buffer.byteLength(text) + seqBytesMax;
}

/** A sample's message with its number as the first member, where the server cuts it off without writing the message anew. */
export function numbered(seq: number, text: string): string {
  return `{"seq":${seq},${text.slice(1)}`;
}

/** The times of a gap as a frame has them, as far as they are known: of the samples held before and behind it. */
export function gapTimes(fromMs: number | undefined, toMs: number | undefined): Pick<JournalGap, "from" | "to"> {
  return {
    ...(fromMs !== undefined && { from: new Date(fromMs).toISOString() }),
    ...(toMs !== undefined && { to: new Date(toMs).toISOString() }),
  };
}
