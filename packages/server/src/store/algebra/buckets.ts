import type { CoverageSpans, History, HistoryQuery, PointHistory } from "../store.ts";
import type { PointValue } from "./point-value.ts";
import { placesIn, type SampleColumns } from "./sample-columns.ts";
import { windowMs } from "./window.ts";
import type { PointSummary, SummaryColumns, WindowSummary } from "./window-summary.ts";

/** One point's figures, an entry a bucket. */
class PointBuckets {
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly sum: Float64Array;
  readonly count: Float64Array;

  constructor(length: number) {
    this.min = new Float64Array(length).fill(Number.POSITIVE_INFINITY);
    this.max = new Float64Array(length).fill(Number.NEGATIVE_INFINITY);
    this.sum = new Float64Array(length);
    this.count = new Float64Array(length);
  }

  add(at: number, min: number, max: number, sum: number, count: number): void {
    if (min < (this.min[at] as number)) this.min[at] = min;
    if (max > (this.max[at] as number)) this.max[at] = max;
    this.sum[at] = (this.sum[at] as number) + sum;
    this.count[at] = (this.count[at] as number) + count;
  }

  /** Adds those that are numbers, from one place to before another. */
  addValues(at: number, values: ArrayLike<PointValue | undefined>, from: number, to: number): void {
    let min = this.min[at] as number;
    let max = this.max[at] as number;
    let sum = this.sum[at] as number;
    let count = this.count[at] as number;
    for (let place = from; place < to; place++) {
      const value = values[place];
      if (typeof value !== "number") continue;
      if (value < min) min = value;
      if (value > max) max = value;
      sum += value;
      count++;
    }
    this.min[at] = min;
    this.max[at] = max;
    this.sum[at] = sum;
    this.count[at] = count;
  }

  finish(): PointHistory {
    const orNull = (values: Float64Array): (number | null)[] =>
      Array.from(values, (value, at) => (this.count[at] === 0 ? null : value));
    const avg = Array.from(this.sum, (sum, at) => (this.count[at] === 0 ? null : sum / (this.count[at] as number)));
    return { min: orNull(this.min), avg, max: orNull(this.max) };
  }
}

/** Gathers samples or summaries into buckets of equal width. */
export class Buckets {
  readonly #fromMs: number;
  readonly #toMs: number;
  readonly #bucketMs: number;
  readonly #samples: Float64Array;
  readonly #points: Map<string, PointBuckets>;

  constructor(fromMs: number, toMs: number, bucketMs: number, points: readonly string[]) {
    const length = Math.max(0, Math.ceil((toMs - fromMs) / bucketMs));
    this.#fromMs = fromMs;
    this.#toMs = toMs;
    this.#bucketMs = bucketMs;
    this.#samples = new Float64Array(length);
    this.#points = new Map(points.map((name) => [name, new PointBuckets(length)]));
  }

  addSummary(summary: WindowSummary): void {
    this.addFigures(summary.window * windowMs, summary.count, summary.points);
  }

  /** Adds those from one place to before another. */
  addSummaries({ windows, count, points }: SummaryColumns, from: number, to: number): void {
    const bucketOf = (at: number): number => this.#placeOf((windows[at] as number) * windowMs);
    for (let at = from; at < to; at++) {
      this.#count(bucketOf(at), count[at] as number);
    }
    for (const [name, buckets] of this.#points) {
      const point = points.get(name);
      if (point === undefined) continue;
      const { places, min, max, sum, count } = point;
      for (let index = 0; index < places.length; index++) {
        const at = places[index] as number;
        if (at < from || at >= to) continue;
        const [least, most] = [min[index] as number, max[index] as number];
        buckets.add(bucketOf(at), least, most, sum[index] as number, count[index] as number);
      }
    }
  }

  /** Adds what was counted elsewhere to the bucket of the instant. */
  addFigures(
    atMs: number,
    samples: number,
    points: ReadonlyMap<string, Pick<PointSummary, "min" | "max" | "sum" | "count">>,
  ): void {
    const at = this.#placeOf(atMs);
    if (at < 0 || at >= this.#samples.length) return;
    this.#count(at, samples);
    for (const [name, buckets] of this.#points) {
      const point = points.get(name);
      if (point !== undefined) buckets.add(at, point.min, point.max, point.sum, point.count);
    }
  }

  /** Adds samples, which are in the order of time. */
  addSamples(columns: SampleColumns): void {
    const { observedAtMs, points } = columns;
    const [first, end] = placesIn(columns, this.#fromMs, this.#toMs);
    for (let from = first; from < end; ) {
      const at = this.#placeOf(observedAtMs[from] as number);
      const endMs = this.#fromMs + (at + 1) * this.#bucketMs;
      let to = from + 1;
      while (to < end && (observedAtMs[to] as number) < endMs) to++;
      this.#count(at, to - from);
      for (const [name, buckets] of this.#points) {
        const values = points.get(name);
        if (values !== undefined) buckets.addValues(at, values, from, to);
      }
      from = to;
    }
  }

  finish(): Omit<History, keyof CoverageSpans> {
    return {
      fromMs: this.#fromMs,
      bucketMs: this.#bucketMs,
      samples: Array.from(this.#samples),
      points: Object.fromEntries([...this.#points].map(([name, buckets]) => [name, buckets.finish()])),
    };
  }

  #placeOf(atMs: number): number {
    return Math.floor((atMs - this.#fromMs) / this.#bucketMs);
  }

  #count(at: number, samples: number): void {
    this.#samples[at] = (this.#samples[at] as number) + samples;
  }
}

/** The edges of buckets of that width; the last one ends at `toMs`. */
export function bucketEdges({ fromMs, toMs, bucketMs }: Pick<HistoryQuery, "fromMs" | "toMs" | "bucketMs">): number[] {
  const length = Math.max(0, Math.ceil((toMs - fromMs) / bucketMs));
  return Array.from({ length: length + 1 }, (_, at) => Math.min(toMs, fromMs + at * bucketMs));
}
