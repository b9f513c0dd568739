/** Whoever is told when samples are durable. */
export interface DurabilityWaiter {
  /** The last of its marks; the queue's own. */
  mark: DurabilityMark | null;
  becameDurable(mark: DurabilityMark): void;
}

/** Samples of one source that follow one another in a batch. */
export interface DurabilityMark {
  readonly waiter: DurabilityWaiter;
  /** Which batch that is. */
  readonly batch: object;
  readonly fromSeq: number;
  toSeq: number;
  /** When those of them were measured that came as backfill; null: none did. */
  filled: FilledSpan | null;
}

/** A time, and how many samples were measured in it. */
export interface FilledSpan {
  fromMs: number;
  toMs: number;
  samples: number;
}
