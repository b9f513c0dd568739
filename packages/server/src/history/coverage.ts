import type { CoverageSpans, FleetSeries } from "../store/store.ts";

/** 0 where nothing is expected. */
export function shareOf(covered: number, expected: number): number {
  return expected > 0 ? Math.min(1, covered / expected) : 0;
}

/** The coverage of many devices, summed bucket by bucket. A gap is where something is expected and no device has anything. */
export class FleetCoverage {
  readonly #buckets: Pick<FleetSeries, "fromMs" | "bucketMs"> & { readonly toMs: number };
  readonly #coveredMs: Float64Array;
  readonly #expectedMs: Float64Array;
  #expectedFromMs: number | null = null;

  constructor(buckets: { readonly fromMs: number; readonly toMs: number; readonly bucketMs: number }) {
    const { fromMs, toMs, bucketMs } = buckets;
    const length = Math.max(0, Math.ceil((toMs - fromMs) / bucketMs));
    this.#buckets = buckets;
    this.#coveredMs = new Float64Array(length);
    this.#expectedMs = new Float64Array(length);
  }

  add({ coveredMs, expectedMs, total }: CoverageSpans): void {
    for (const [at, ms] of coveredMs.entries()) this.#coveredMs[at] = (this.#coveredMs[at] as number) + ms;
    for (const [at, ms] of expectedMs.entries()) this.#expectedMs[at] = (this.#expectedMs[at] as number) + ms;
    const fromMs = total.expectedFromMs;
    if (fromMs !== null) this.#expectedFromMs = Math.min(this.#expectedFromMs ?? fromMs, fromMs);
  }

  finish(): CoverageSpans {
    const [coveredMs, expectedMs] = [Array.from(this.#coveredMs), Array.from(this.#expectedMs)];
    const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
    const [expectedFromMs, gaps] = [this.#expectedFromMs, this.#gaps()];
    const total = { coveredMs: sumOf(coveredMs), expectedMs: sumOf(expectedMs), expectedFromMs, gaps };
    return { coveredMs, expectedMs, total };
  }

  #gaps(): { fromMs: number; toMs: number }[] {
    const { fromMs, toMs, bucketMs } = this.#buckets;
    const gaps: { fromMs: number; toMs: number }[] = [];
    for (const [at, covered] of this.#coveredMs.entries()) {
      if (covered > 0 || this.#expectedMs[at] === 0) continue;
      const startMs = fromMs + at * bucketMs;
      const endMs = Math.min(toMs, startMs + bucketMs);
      const last = gaps.at(-1);
      if (last?.toMs === startMs) last.toMs = endMs;
      else gaps.push({ fromMs: startMs, toMs: endMs });
    }
    return gaps.sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs)).slice(0, 100);
  }
}
