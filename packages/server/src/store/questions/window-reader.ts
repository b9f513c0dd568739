import type { Buckets } from "../algebra/buckets.ts";
import type { PointValue } from "../algebra/point-value.ts";
import type { SampleColumns } from "../algebra/sample-columns.ts";
import type { WindowSummary } from "../algebra/window-summary.ts";
import type { Registration } from "../registration.ts";
import type { FleetQuery, HistoryQuery, SamplesQuery, TimelineQuery } from "../store.ts";
import type { Work } from "../work.ts";

/** What coverage and energy are made of in one window. */
export type EnergyWindow = Omit<WindowSummary, "count" | "points">;

/** Gives one piece after the other, then null. */
export type Pieces<T> = () => Work<T | null>;

/** `limit`: more samples than that are not wanted. */
export type PiecesQuery = Omit<SamplesQuery, "limit" | "bytesMax"> & { readonly limit?: number };

/** Told of a sample that has the point, and of when the one before it was measured; -Infinity where there is none. True: go on. */
export type OnValue = (atMs: number, beforeMs: number, value: PointValue) => boolean;

/** Adds to the sum of a bucket the means of so many devices there; null where they add up to nothing that can be told. */
export type AddMeans = (bucket: number, sum: number | null, devices: number) => void;

/**
 * All that the questions ask of an adapter. What has a question mark is for speed: an adapter that can count, compare or add up where the samples lie
 * need not hand them out. It must say the same as the question would without it; `tests/contract/` holds both to it.
 */
export interface WindowReader {
  /**
   * The registration's samples in a range, in pieces that are in order each; the oldest piece first, or the newest with `take: "last"`. A piece may
   * reach beyond the range, and before `beyond`.
   */
  samples(query: PiecesQuery): Pieces<SampleColumns>;
  /** Tells of the windows that have samples, oldest first. */
  windows(
    registration: Registration,
    fromWindow: number,
    toWindow: number,
    isEnergyWanted: boolean,
    onWindow: (window: EnergyWindow) => void,
  ): Work<void>;
  /** When the registration's first sample was measured. */
  firstSampleMs(registration: Registration): Work<number | null>;
  /** Puts the summaries of a range into buckets of whole windows. */
  addSummaries(query: HistoryQuery, buckets: Buckets): Work<void>;
  /** Puts what it counts of the samples into narrower buckets. */
  addSamples?(query: HistoryQuery, buckets: Buckets): Work<void>;
  /**
   * Tells of samples that have the point, oldest first. It may leave out those, but for the last, that have the value of the one before within the
   * longest step that is covered: those that are longer than the shortest one, by window.
   */
  changes?(query: TimelineQuery, longSteps: ReadonlyMap<number, number>, onValue: OnValue): Work<void>;
  /** Adds the means of all registrations; false, having added nothing, where it must be told from their histories. */
  addMeans?(query: FleetQuery, add: AddMeans): Work<boolean>;
}
