import { limits, SeqRanges } from "@wattboard/protocol";
import type { StoredJournal } from "../store/store.ts";
import type { DurabilityMark, DurabilityWaiter, FilledSpan } from "./durability.ts";

/** Numbers without samples. */
export interface LostSamples {
  readonly samples: number;
  readonly why: string;
  /** False: some of the numbers may never have stood for a sample. A device that was cut off does not know which it had given. */
  readonly isExact: boolean;
}

/** What the server has taken of one journal of a device (ADR 70). It outlives the device's links. */
export class DeviceJournal implements DurabilityWaiter {
  readonly id: string;
  readonly epoch: number;
  /** On their way to the store, or stored: what comes again is passed over. */
  readonly taken: SeqRanges;
  readonly durable: SeqRanges;
  /** The highest number that the device has said it holds. */
  #heldSeq = 0;
  /** What backfill has added since it was told last; null: nothing. */
  filled: FilledSpan | null = null;
  /** What its device has declared as lost since that was told last. */
  lost: LostSamples | null = null;
  mark: DurabilityMark | null = null;
  readonly #onDurable: (journal: DeviceJournal) => void;

  constructor(id: string, { epoch, ranges }: StoredJournal, onDurable: (journal: DeviceJournal) => void) {
    this.id = id;
    this.epoch = epoch;
    this.taken = new SeqRanges(ranges);
    this.durable = new SeqRanges(ranges);
    this.#onDurable = onDurable;
  }

  /** The highest number that there is, as far as it is known. */
  get lastSeq(): number {
    return Math.max(this.#heldSeq, this.taken.last);
  }

  noteHeld(lastSeq: number): void {
    this.#heldSeq = Math.max(this.#heldSeq, lastSeq);
  }

  /** Whether a sample of that number is to be stored now: it did not come before, and does not begin one stretch too many. */
  mayTake(seq: number): boolean {
    return !this.taken.has(seq) && (this.taken.size < limits.durableRangesMax || !this.taken.isApart(seq));
  }

  becameDurable({ fromSeq, toSeq, filled }: DurabilityMark): void {
    this.durable.add(fromSeq, toSeq);
    if (filled !== null) this.filled = this.filled === null ? filled : union(this.filled, filled);
    this.#onDurable(this);
  }
}

function union(one: FilledSpan, other: FilledSpan): FilledSpan {
  return {
    fromMs: Math.min(one.fromMs, other.fromMs),
    toMs: Math.max(one.toMs, other.toMs),
    samples: one.samples + other.samples,
  };
}
