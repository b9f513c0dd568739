import { type Energy, EnergyMeter, energyBetween, energyNames, energyStreams, type PowerPoint } from "./energy.ts";
import type { PointValue } from "./point-value.ts";
import type { SampleColumns } from "./sample-columns.ts";
import { instantMs, type LongStep, shortStepMs, stepMsMaxOf, type WindowSteps } from "./steps.ts";

/** What long charts need of one point in one window. */
export interface PointSummary {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly first: number;
  readonly last: number;
}

/** One device's 15 minutes without their samples. */
export interface WindowSummary extends WindowSteps {
  readonly count: number;
  /** Each with what was moved in it, which counts where it is covered. */
  readonly longSteps: readonly LongStep[];
  /** Over the steps that are covered in any case; what lies between two windows is added when they are read. */
  readonly energy: Energy;
  readonly firstPower: PowerPoint;
  readonly lastPower: PowerPoint;
  /** By name; points without numbers have none. */
  readonly points: ReadonlyMap<string, PointSummary>;
}

/** Summaries of one device's windows in the order of time, a column a figure: a chart of a year is made of 35,000. */
export interface SummaryColumns {
  readonly windows: Int32Array;
  readonly count: Float64Array;
  readonly firstMs: Float64Array;
  readonly lastMs: Float64Array;
  readonly periodMs: Float64Array;
  /** An entry a window; none at all where no window has a long step. */
  readonly longSteps: readonly (readonly LongStep[])[];
  readonly points: ReadonlyMap<string, PointColumns>;
}

/** An entry for each window that has the point. */
export interface PointColumns {
  /** Where these windows stand among the others. */
  readonly places: Int32Array;
  readonly count: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly sum: Float64Array;
}

/** Summarizes the samples of one window, which are in order. There must be at least one. */
export function summarize(window: number, columns: SampleColumns): WindowSummary {
  const { count, observedAtMs } = columns;
  const periodMs = periodOf(columns);
  const [gridW, batteryW, solarW, loadW] = powersOf(columns, periodMs) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const meter = new EnergyMeter(shortStepMs);
  const longSteps: LongStep[] = [];
  const powerAt = (at: number): PowerPoint => ({
    atMs: observedAtMs[at] as number,
    gridW: knownOrNull(gridW[at]),
    batteryW: knownOrNull(batteryW[at]),
    solarW: knownOrNull(solarW[at]),
    loadW: knownOrNull(loadW[at]),
  });
  for (let at = 0; at < count; at++) {
    const atMs = observedAtMs[at] as number;
    meter.add(atMs, gridW[at] as number, batteryW[at] as number, solarW[at] as number, loadW[at] as number);
    const beforeMs = at === 0 ? atMs : (observedAtMs[at - 1] as number);
    if (atMs - beforeMs <= shortStepMs) continue;
    const energy = roundEnergy(energyBetween(powerAt(at - 1), powerAt(at)));
    longSteps.push({ fromMs: beforeMs, toMs: atMs, energy });
  }
  const points = new Map<string, PointSummary>();
  for (const [name, values] of columns.points) {
    const summary = summarizePoint(values);
    if (summary !== null) points.set(name, summary);
  }
  return {
    window,
    count,
    firstMs: observedAtMs[0] as number,
    lastMs: observedAtMs[count - 1] as number,
    periodMs,
    longSteps,
    energy: roundEnergy(meter.read()),
    firstPower: powerAt(0),
    lastPower: powerAt(count - 1),
    points,
  };
}

/** The energies of summaries from when what was not measured was 0: null where a power was known at neither end of its window. */
export function asWasMeasured({
  energies,
  firstPower,
  lastPower,
}: {
  readonly energies: readonly Energy[];
  readonly firstPower: readonly PowerPoint[];
  readonly lastPower: readonly PowerPoint[];
}): Energy[] {
  return energies.map((energy, at) => {
    const isKnown = (power: "gridW" | "batteryW" | "solarW" | "loadW"): boolean =>
      (firstPower[at]?.[power] ?? null) !== null || (lastPower[at]?.[power] ?? null) !== null;
    const ifKnown = (known: boolean, wh: number | null): number | null => (known || wh !== 0 ? wh : null);
    return {
      imported: ifKnown(isKnown("gridW"), energy.imported),
      exported: ifKnown(isKnown("gridW"), energy.exported),
      charged: ifKnown(isKnown("batteryW"), energy.charged),
      discharged: ifKnown(isKnown("batteryW"), energy.discharged),
      produced: ifKnown(isKnown("solarW"), energy.produced),
      consumed: ifKnown(isKnown("loadW") || (isKnown("gridW") && isKnown("solarW")), energy.consumed),
      selfConsumed: ifKnown(isKnown("solarW"), energy.selfConsumed),
      consumedWithoutSolar: null,
    };
  });
}

/** The usual step between two instants: the median, the shorter one of an even number, ms; 0 with fewer than two instants. */
function periodOf({ count, observedAtMs }: SampleColumns): number {
  const steps = new Float64Array(Math.max(0, count - 1));
  let length = 0;
  let atMs = observedAtMs[0] as number;
  for (let at = 1; at < count; at++) {
    const stepMs = (observedAtMs[at] as number) - atMs;
    if (stepMs < instantMs) continue;
    steps[length++] = stepMs;
    atMs += stepMs;
  }
  return length === 0 ? 0 : nthSmallest(steps.subarray(0, length), (length - 1) >> 1);
}

/** The value that would stand at that place in order; moves the others about. Sorting all of them takes ten times as long. */
function nthSmallest(values: Float64Array, place: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1] as number;
    let left = low;
    let right = high;
    while (left <= right) {
      while ((values[left] as number) < pivot) left++;
      while ((values[right] as number) > pivot) right--;
      if (left > right) break;
      const value = values[left] as number;
      values[left++] = values[right] as number;
      values[right--] = value;
    }
    if (place <= right) high = right;
    else if (place >= left) low = left;
    else break;
  }
  return values[place] as number;
}

/** Micro-watt-hours are finer than any meter, and take half the room. Every sum is made of the same rounded numbers, so all zooms agree. */
function roundEnergy(energy: Energy): Energy {
  const rounded = { ...energy };
  for (const name of energyNames) rounded[name] = energy[name] === null ? null : round(energy[name]);
  return rounded;
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

function summarizePoint(values: ArrayLike<PointValue | undefined>): PointSummary | null {
  if (values instanceof Float64Array) return summarizeNumbers(values);
  let count = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let first = 0;
  let last = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (typeof value !== "number") continue;
    if (count++ === 0) first = value;
    last = value;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return count === 0 ? null : { count, min, max, sum: round(sum), first, last };
}

/** The same where each sample has a number, as is usual. */
function summarizeNumbers(values: Float64Array): PointSummary | null {
  const count = values.length;
  if (count === 0) return null;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let at = 0; at < count; at++) {
    const value = values[at] as number;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { count, min, max, sum: round(sum), first: values[0] as number, last: values[count - 1] as number };
}

/**
 * The powers at each sample, one array for each of `energyStreams`; NaN where one is not known. A device that sends only what has changed, or its
 * sections in messages of their own, leaves values out: the last one known stands for them, for as long as a step may be that is covered here;
 * in the first instant the next one, since what came before stands in another window.
 */
function powersOf({ count, observedAtMs, points }: SampleColumns, periodMs: number): Float64Array[] {
  const heldMs = stepMsMaxOf(periodMs);
  return energyStreams.map((name) => {
    const values = points.get(name);
    if (values instanceof Float64Array) return values;
    const powers = new Float64Array(count).fill(Number.NaN);
    if (values === undefined) return powers;
    let known = Number.NaN;
    let knownAtMs = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < count; at++) {
      const value = values[at];
      const atMs = observedAtMs[at] as number;
      if (typeof value === "number") {
        known = value;
        knownAtMs = atMs;
        powers[at] = value;
      } else if (value === undefined && atMs - knownAtMs <= heldMs) powers[at] = known;
    }
    const first = Array.prototype.findIndex.call(values, (value) => value !== undefined);
    if (first > 0 && (observedAtMs[first] as number) - (observedAtMs[0] as number) < instantMs) {
      powers.fill(powers[first] as number, 0, first);
    }
    return powers;
  });
}

function knownOrNull(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}
