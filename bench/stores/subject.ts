/** A way to keep samples, under test. */
export interface Subject {
  /** Stores a batch of records (`sample-record.ts`); they are durable when this is done. */
  append(batch: Buffer): void | Promise<void>;
  /** Puts everything where it stays, which is otherwise done in the course of time. */
  seal(): void | Promise<void>;
  /** The simulated clock has come to `nowMs`; for a subject that has one. Does what is due by then. */
  advance?(nowMs: number, passed: (cost: Cost) => void): void;
  /** CPU time used so far, by all processes that it has, ms. */
  cpuMs(): number;
  ask(question: Question): Answer | Promise<Answer>;
  /** Lets go of everything, and tells what is there then. */
  close(): Disk | Promise<Disk>;
}

export interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
}

export interface Disk {
  /** All files that are there for the samples. */
  readonly bytes: number;
  /** Of them, pages without content: they are filled again before the file grows. Absent where that is not told. */
  readonly freeBytes?: number;
}

/** Half open, ms since 1970. */
interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** `samples`: all points of one device; `history`: two points in buckets, min, avg and max; `fleet`: grid power, summed over all. */
export type Question =
  | ({ readonly kind: "samples"; readonly device: number } & Range)
  | ({ readonly kind: "history"; readonly device: number; readonly bucketMs: number } & Range)
  | ({ readonly kind: "fleet"; readonly devices: number; readonly bucketMs: number } & Range);

/** What was found, as two figures: all subjects must find the same. */
export interface Answer {
  /** Samples, or buckets that are not empty. */
  readonly count: number;
  /** Of grid power: of the samples, the buckets' means, or the sums. */
  readonly sum: number;
}

export const historyPoints = ["grid.power", "battery.soc"] as const;
