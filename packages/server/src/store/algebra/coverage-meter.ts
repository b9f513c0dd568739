import type { CoverageSpans, ExpectedTime } from "../store.ts";
import type { StepLimits, WindowSteps } from "./steps.ts";

/** Gaps that are told: the longest. */
const gapsMax = 100;

/**
 * What is covered of the spans between the edges: steps that are short enough (`StepRule`). The time from the registration to the first sample, and
 * from the last one to the end of what is expected, are steps as all others. Gaps are the rest of what is expected.
 */
export class CoverageMeter {
  readonly #edgesMs: ArrayLike<number>;
  readonly #registeredMs: number;
  readonly #fromMs: number;
  readonly #toMs: number;
  readonly #coveredMs: number[];
  readonly #gaps: { fromMs: number; toMs: number }[] = [];
  #span = 0;
  /** What is covered, from the start of a row of steps to its end so far; null before the first sample. */
  #row: { readonly fromMs: number; toMs: number } | null = null;
  #gapFromMs: number;
  #stepMsMax = 0;

  /** `firstMs`: the device's first sample of all; null where it has none. */
  constructor(
    edgesMs: ArrayLike<number>,
    firstMs: number | null,
    { registeredMs = Number.POSITIVE_INFINITY, nowMs = Number.POSITIVE_INFINITY }: ExpectedTime,
  ) {
    const [startMs, endMs] = [edgesMs[0] as number, edgesMs[edgesMs.length - 1] as number];
    this.#edgesMs = edgesMs;
    this.#registeredMs = registeredMs;
    this.#toMs = Math.max(startMs, Math.min(endMs, nowMs));
    this.#fromMs = Math.min(this.#toMs, Math.max(startMs, Math.min(registeredMs, firstMs ?? Number.POSITIVE_INFINITY)));
    this.#coveredMs = new Array<number>(edgesMs.length - 1).fill(0);
    this.#gapFromMs = this.#fromMs;
  }

  /** Takes the windows in the order of time. */
  add({ firstMs, lastMs, longSteps }: WindowSteps, { withinMs, intoMs }: StepLimits): void {
    // Where the first sample is much later than the registration, this step is too long.
    if (this.#row === null && this.#registeredMs < firstMs) this.#beginRow(this.#registeredMs);
    this.#step(firstMs, intoMs);
    for (const { fromMs, toMs } of longSteps) {
      this.#step(fromMs, Number.POSITIVE_INFINITY);
      this.#step(toMs, withinMs);
    }
    this.#step(lastMs, Number.POSITIVE_INFINITY);
    this.#stepMsMax = withinMs;
  }

  finish(): CoverageSpans {
    if (this.#row !== null && this.#toMs - this.#row.toMs <= this.#stepMsMax)
      this.#row.toMs = Math.max(this.#row.toMs, this.#toMs);
    this.#endRow();
    this.#noteGap(this.#toMs);
    this.#keepLongest();
    const expectedMs = this.#coveredMs.map((_, at) =>
      overlapMs(this.#fromMs, this.#toMs, this.#edgesMs[at] as number, this.#edgesMs[at + 1] as number),
    );
    const coveredMs = this.#coveredMs;
    const expectedFromMs = this.#fromMs < this.#toMs ? this.#fromMs : null;
    const total = { coveredMs: sumOf(coveredMs), expectedMs: sumOf(expectedMs), expectedFromMs, gaps: this.#gaps };
    return { coveredMs, expectedMs, total };
  }

  /** Up to when something is known that was told last at that instant, within the range. To be asked once all windows were added. */
  reach(atMs: number, stepMsMax: number): number {
    this.finish();
    const isCovered = this.#gapFromMs === this.#toMs && this.#toMs - atMs <= stepMsMax;
    return isCovered ? Math.max(atMs, this.#toMs) : atMs;
  }

  #step(toMs: number, stepMsMax: number): void {
    if (this.#row !== null && toMs - this.#row.toMs <= stepMsMax) {
      this.#row.toMs = Math.max(this.#row.toMs, toMs);
      return;
    }
    this.#endRow();
    this.#beginRow(toMs);
  }

  #beginRow(fromMs: number): void {
    this.#row = { fromMs, toMs: fromMs };
  }

  #endRow(): void {
    if (this.#row === null) return;
    const fromMs = Math.max(this.#fromMs, this.#row.fromMs);
    const toMs = Math.min(this.#toMs, this.#row.toMs);
    if (toMs < fromMs) return;
    this.#noteGap(fromMs);
    this.#gapFromMs = toMs;
    const last = this.#coveredMs.length - 1;
    while (this.#span < last && (this.#edgesMs[this.#span + 1] as number) <= fromMs) this.#span++;
    for (let at = this.#span; at <= last && (this.#edgesMs[at] as number) < toMs; at++) {
      const ms = overlapMs(fromMs, toMs, this.#edgesMs[at] as number, this.#edgesMs[at + 1] as number);
      this.#coveredMs[at] = (this.#coveredMs[at] as number) + ms;
    }
  }

  #noteGap(toMs: number): void {
    if (toMs <= this.#gapFromMs) return;
    this.#gaps.push({ fromMs: this.#gapFromMs, toMs });
    if (this.#gaps.length > 4 * gapsMax) this.#keepLongest();
  }

  #keepLongest(): void {
    this.#gaps.sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs));
    this.#gaps.length = Math.min(this.#gaps.length, gapsMax);
  }
}

function overlapMs(fromMs: number, toMs: number, startMs: number, endMs: number): number {
  return Math.max(0, Math.min(toMs, endMs) - Math.max(fromMs, startMs));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
