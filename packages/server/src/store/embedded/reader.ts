import { Buckets, bucketEdges } from "../algebra/buckets.ts";
import { CoverageMeter } from "../algebra/coverage-meter.ts";
import { type EnergyStream, energyStreams, noEnergy, type PowerPoint } from "../algebra/energy.ts";
import type { PointValue } from "../algebra/point-value.ts";
import { firstAtOrAfter, placesIn, type SampleColumns, sampleAt } from "../algebra/sample-columns.ts";
import { marginWindows, type OnWindow, StepRule, shortStepMs } from "../algebra/steps.ts";
import { windowFrom, windowMs, windowOf, windowsPerDay } from "../algebra/window.ts";
import { summarize } from "../algebra/window-summary.ts";
import { runBytes, sampleBytes } from "../page-bytes.ts";
import { EnergySpans, type EnergyWindow } from "../questions/energy-spans.ts";
import { ownFromMs, type Registration } from "../registration.ts";
import type {
  CoverageQuery,
  CoverageSpans,
  EnergyHistory,
  EnergyQuery,
  FleetQuery,
  FleetSeries,
  History,
  HistoryQuery,
  PointInfo,
  PointSample,
  SampleKey,
  SamplesQuery,
  StoreInfo,
  Timeline,
  TimelineQuery,
  TimelineRun,
} from "../store.ts";
import type { BlockStore } from "./block-store.ts";
import { type DayColumns, type DayParts, dayOf } from "./codec/day-codec.ts";
import { minuteMs } from "./minute-means.ts";
import type { OnDamage, Windows } from "./windows.ts";

/**
 * Answers to questions about the past. Each is a generator that yields between two windows, so that the worker can take new samples in
 * between, and can stop when nobody waits for the answer any more.
 */
export type Work<T> = Generator<void, T>;

/** Samples that are put together without a look at the time: of a device that sends often a window has many thousand. */
const samplesAtOnce = 250;

/** What cannot be read of the range is passed over, and told to `onDamage`. */
export function* readSamples(windows: Windows, query: SamplesQuery, onDamage?: OnDamage): Work<PointSample[]> {
  const { registration, fromMs, toMs, take, limit, bytesMax = Number.POSITIVE_INFINITY, beyond } = query;
  const wanted = query.points === undefined ? undefined : new Set(query.points);
  const isForward = take === "first";
  const found: PointSample[] = [];
  let bytes = 0;
  const first = isForward && beyond !== undefined ? Math.max(fromMs, beyond.observedAtMs) : fromMs;
  const behindLast = !isForward && beyond !== undefined ? Math.min(toMs, beyond.observedAtMs + 1) : toMs;
  const list = windowsIn(windows, registration, first, behindLast);
  if (!isForward) list.reverse();
  for (const window of list) {
    const columns = windows.read(registration, window, wanted, onDamage);
    if (columns === null) continue;
    const [from, to] = placesIn(columns, first, behindLast);
    for (let step = 0; step < to - from && found.length < limit && bytes < bytesMax; step++) {
      const at = isForward ? from + step : to - 1 - step;
      if (beyond !== undefined && !isBeyond(columns, at, beyond, isForward)) continue;
      const sample = sampleAt(columns, at);
      bytes += sampleBytes(sample);
      found.push(sample);
      if (found.length % samplesAtOnce === 0) yield;
    }
    if (found.length >= limit || bytes >= bytesMax) break;
    yield;
  }
  return isForward ? found : found.reverse();
}

/** In one piece: they are a few. */
// biome-ignore lint/correctness/useYield: it is asked for as all others are.
export function* readPoints(store: BlockStore, { key }: Registration): Work<PointInfo[]> {
  return store.points(key);
}

export function* readHistory(windows: Windows, query: HistoryQuery): Work<History> {
  const values = yield* readValues(windows, query);
  const coverage = yield* readCoverage(windows, query);
  return { ...values, ...coverage };
}

function* readValues(windows: Windows, query: HistoryQuery): Work<Omit<History, keyof CoverageSpans>> {
  const { registration, points, fromMs, toMs, bucketMs } = query;
  const wanted = new Set(points);
  const buckets = new Buckets(fromMs, toMs, bucketMs, points);
  if (bucketMs >= windowMs) {
    // No sample is read: the windows' summaries are all that such a chart can show.
    const parts = { points: wanted, energy: false };
    const first = Math.max(windowOf(fromMs), windowFrom(registration.fromMs));
    for (const { day, from, to } of summaries(windows, registration, first, windowOf(toMs - 1) + 1, parts)) {
      buckets.addSummaries(day, from, to);
      yield;
    }
    return buckets.finish();
  }
  for (const window of windowsIn(windows, registration, fromMs, toMs)) {
    const columns = windows.read(registration, window, wanted);
    if (columns !== null) buckets.addSamples(columns);
    yield;
  }
  return buckets.finish();
}

export function* readCoverage(windows: Windows, query: CoverageQuery): Work<CoverageSpans> {
  return yield* coverageBetween(windows, query, query.bucketMs, bucketEdges(query));
}

/** What of a question says which steps there are to look at. */
type StepsQuery = Pick<HistoryQuery, "registration" | "registeredMs" | "nowMs">;

/** The coverage between the edges, in figures of that width; with `energy`, the windows are handed on to it too. */
function* coverageBetween(
  windows: Windows,
  query: StepsQuery,
  bucketMs: number,
  edgesMs: readonly number[],
  energy?: EnergySpans,
): Work<CoverageSpans> {
  const { registration, registeredMs = Number.POSITIVE_INFINITY } = query;
  const own = { ...registration, fromMs: ownFromMs(registration, bucketMs) };
  const fromMs = edgesMs[0] as number;
  // Where the registration is older than the range, it is expected from its start on.
  const firstMs = registeredMs <= fromMs ? null : yield* firstSampleMs(windows, own);
  const meter = new CoverageMeter(edgesMs, firstMs, query);
  const range = { fromMs, toMs: edgesMs.at(-1) as number };
  yield* walkSteps(windows, own, range, energy !== undefined, (window, limits, before) => {
    meter.add(window, limits);
    energy?.add(window, limits, before);
  });
  return meter.finish();
}

/** Hands on the windows of a range and, since they say what is usual there, those around it. */
function* walkSteps(
  windows: Windows,
  registration: Registration,
  { fromMs, toMs }: Pick<HistoryQuery, "fromMs" | "toMs">,
  isEnergyWanted: boolean,
  onWindow: OnWindow<EnergyWindow>,
): Work<void> {
  const rule = new StepRule(onWindow);
  const first = Math.max(windowOf(fromMs) - marginWindows, windowOf(registration.fromMs));
  const end = windowOf(toMs - 1) + 1 + marginWindows;
  const parts = { points: new Set<string>(), energy: isEnergyWanted };
  for (const { day, from, to } of summaries(windows, registration, first, end, parts)) {
    for (let at = from; at < to; at++) rule.add(windowAt(day, at));
    yield;
  }
  rule.finish();
}

const noSteps: EnergyWindow["longSteps"] = [];
const noPower: PowerPoint = { atMs: 0, gridW: null, batteryW: null, solarW: null, loadW: null };

function windowAt(day: DayColumns, at: number): EnergyWindow {
  return {
    window: day.windows[at] as number,
    firstMs: day.firstMs[at] as number,
    lastMs: day.lastMs[at] as number,
    periodMs: day.periodMs[at] as number,
    longSteps: day.longSteps[at] ?? noSteps,
    energy: day.energy?.energies[at] ?? noEnergy,
    firstPower: day.energy?.firstPower[at] ?? noPower,
    lastPower: day.energy?.lastPower[at] ?? noPower,
  };
}

/** When the registration's first sample was measured. */
function* firstSampleMs(windows: Windows, registration: Registration): Work<number | null> {
  const parts = { points: new Set<string>(), energy: false };
  let day = windows.firstDay(registration, Math.floor(windowOf(registration.fromMs) / windowsPerDay));
  for (; day !== null; day = windows.firstDay(registration, day + 1)) {
    const first = Math.max(windowOf(registration.fromMs), day * windowsPerDay);
    for (const run of summaries(windows, registration, first, (day + 1) * windowsPerDay, parts)) {
      return run.day.firstMs[run.from] as number;
    }
    yield;
  }
  return null;
}

export function* readEnergy(windows: Windows, query: EnergyQuery): Work<EnergyHistory> {
  const { edgesMs } = query;
  if (edgesMs.length < 2) return { spans: [], total: { coveredMs: 0, expectedMs: 0, expectedFromMs: null, gaps: [] } };
  const energy = new EnergySpans(edgesMs);
  const coverage = yield* coverageBetween(windows, query, windowMs, edgesMs, energy);
  return energy.withCoverage(coverage);
}

export function* readTimeline(windows: Windows, query: TimelineQuery): Work<Timeline> {
  const { registration, point, fromMs, toMs, limit, bytesMax = Number.POSITIVE_INFINITY } = query;
  let bytes = 0;
  const wanted = new Set([point]);
  const stepMsMaxIn = new Map<number, number>();
  const meter = new CoverageMeter([fromMs, toMs], null, { registeredMs: fromMs, nowMs: query.nowMs });
  yield* walkSteps(windows, registration, query, false, (window, limits) => {
    stepMsMaxIn.set(window.window, limits.intoMs);
    meter.add(window, limits);
  });
  let stepMsMax = shortStepMs;
  const runs: { fromMs: number; toMs: number; value: PointValue }[] = [];
  for (const window of windowsIn(windows, registration, fromMs, toMs)) {
    const columns = windows.read(registration, window, wanted);
    const values = columns?.points.get(point);
    if (columns !== null && values !== undefined) {
      const [from, to] = placesIn(columns, fromMs, toMs);
      stepMsMax = stepMsMaxIn.get(window) ?? shortStepMs;
      for (let at = from; at < to; at++) {
        const value = values[at];
        if (value === undefined) continue;
        const atMs = columns.observedAtMs[at] as number;
        const run = runs.at(-1);
        // A run that is silent for too long has ended: what came after it is not known.
        const isNear = run !== undefined && atMs - run.toMs <= stepMsMax;
        if (isNear) run.toMs = atMs;
        if (isNear && isSame(run.value, value)) continue;
        if (runs.length === limit || bytes >= bytesMax) return { runs, truncated: true };
        bytes += runBytes(value);
        runs.push({ fromMs: atMs, toMs: atMs, value });
      }
    }
    yield;
  }
  const last = runs.at(-1);
  if (last !== undefined) last.toMs = meter.reach(last.toMs, stepMsMax);
  return { runs: runs as TimelineRun[], truncated: false };
}

export function* readFleetTotals(windows: Windows, query: FleetQuery): Work<FleetSeries> {
  const { registrations, point, fromMs, toMs, bucketMs } = query;
  const length = Math.max(0, Math.ceil((toMs - fromMs) / bucketMs));
  const total = { sum: new Float64Array(length), devices: new Float64Array(length) };
  const stream = energyStreams.find((name) => name === point);
  const isWholeMinutes = bucketMs % minuteMs === 0 && fromMs % minuteMs === 0 && toMs % minuteMs === 0;
  for (const registration of registrations) {
    if (bucketMs < windowMs && stream !== undefined && isWholeMinutes) {
      addMeans(total, minuteMeans(windows, registration, stream, query));
      yield;
    } else {
      const history = yield* readValues(windows, { registration, points: [point], fromMs, toMs, bucketMs });
      addMeans(total, history.points[point]?.avg ?? []);
    }
  }
  return {
    fromMs,
    bucketMs,
    sum: Array.from(total.sum, (value, at) => (total.devices[at] === 0 ? null : value)),
    devices: Array.from(total.devices),
  };
}

export function* readInfo(store: BlockStore, retentionMs: number): Work<StoreInfo> {
  const { windows, tables } = store;
  const registrations = store.keys.map((key) => ({ key, fromMs: 0 }));
  let samples = 0;
  let fromMs: number | null = null;
  let toMs: number | null = null;
  const gaps = { count: 0, ms: 0 };
  const parts = { points: new Set<string>(), energy: false };
  for (const registration of registrations) {
    const list = windows.list(registration, 0, Number.MAX_SAFE_INTEGER);
    const [first = 0] = list;
    const isKept = new Set(list);
    let lastMs: number | null = null;
    for (const { day, from, to } of summaries(windows, registration, first, windowOf(store.nowMs()) + 2, parts)) {
      for (let at = from; at < to; at++) {
        const firstMs = day.firstMs[at] as number;
        if (isKept.has(day.windows[at] as number)) samples += day.count[at] as number;
        fromMs = Math.min(fromMs ?? firstMs, firstMs);
        toMs = Math.max(toMs ?? firstMs, day.lastMs[at] as number);
        if (lastMs !== null && firstMs - lastMs > windowMs) {
          gaps.count++;
          gaps.ms += firstMs - lastMs;
        }
        lastMs = day.lastMs[at] as number;
      }
      yield;
    }
  }
  const bytes = tables.usedBytes();
  const renewedShare = Number(
    tables.first("SELECT through * 1.0 / until AS share FROM renewal WHERE until > 0")?.share ?? 1,
  );
  return { devices: registrations.length, samples, bytes, fromMs, toMs, gaps, retentionMs, renewedShare };
}

function addMeans(
  { sum, devices }: { readonly sum: Float64Array; readonly devices: Float64Array },
  means: readonly (number | null)[],
): void {
  for (const [at, mean] of means.entries()) {
    if (mean === null || at >= sum.length) continue;
    sum[at] = (sum[at] as number) + mean;
    devices[at] = (devices[at] as number) + 1;
  }
}

/** One power's mean in each bucket of whole minutes. */
function minuteMeans(
  windows: Windows,
  registration: Registration,
  stream: EnergyStream,
  { fromMs, toMs, bucketMs }: FleetQuery,
): (number | null)[] {
  const length = Math.ceil((toMs - fromMs) / bucketMs);
  const sums = new Float64Array(length);
  const counts = new Float64Array(length);
  for (const [window, minutes] of windows.minutes(registration, windowOf(fromMs), windowOf(toMs - 1) + 1, stream)) {
    for (const [minute, count] of minutes.counts.entries()) {
      const atMs = window * windowMs + minute * minuteMs;
      if (count === 0 || atMs < fromMs || atMs >= toMs) continue;
      const at = Math.floor((atMs - fromMs) / bucketMs);
      sums[at] = (sums[at] as number) + (minutes.sums[minute] as number);
      counts[at] = (counts[at] as number) + count;
    }
  }
  return Array.from(sums, (sum, at) => (counts[at] === 0 ? null : sum / (counts[at] as number)));
}

/** Windows in a range that have samples of the registration, oldest first. */
function windowsIn(windows: Windows, registration: Registration, fromMs: number, toMs: number): number[] {
  return toMs <= fromMs ? [] : windows.list(registration, windowOf(fromMs), windowOf(toMs - 1) + 1);
}

/** Some summaries of a day: those from one place to before another. */
interface SummaryRun {
  readonly day: DayColumns;
  readonly from: number;
  readonly to: number;
}

/** The summaries of a range, oldest first: sealed windows' as they are kept; others', and those that cannot be read, made from their samples. */
function* summaries(
  windows: Windows,
  registration: Registration,
  fromWindow: number,
  toWindow: number,
  parts: DayParts,
): Generator<SummaryRun> {
  let fresh = windows.fresh(registration, fromWindow, toWindow);
  const wanted = new Set([...parts.points, ...(parts.energy ? energyStreams : [])]);
  const freshThrough = function* (last: number): Generator<SummaryRun> {
    for (let [window] = fresh; window !== undefined && window <= last; [window] = fresh) {
      fresh.shift();
      const columns = windows.read(registration, window, wanted);
      if (columns !== null && columns.count > 0)
        yield { day: dayOf(summarize(window, columns), parts), from: 0, to: 1 };
    }
  };
  for (const { columns: day, lacking } of windows.days(registration, fromWindow, toWindow, parts)) {
    if (lacking.length > 0) fresh = [...new Set([...fresh, ...lacking])].sort((a, b) => a - b);
    if (day === null) continue;
    const end = firstAtOrAfter(day.windows, day.windows.length, toWindow);
    let from = firstAtOrAfter(day.windows, end, fromWindow);
    for (let at = from; at < end; at++) {
      const window = day.windows[at] as number;
      if (fresh[0] === undefined || fresh[0] > window) continue;
      if (at > from) yield { day, from, to: at };
      // Of a window that is sealed and has more since, only what is made from all of it.
      const isFresh = fresh.includes(window);
      yield* freshThrough(window);
      from = isFresh ? at + 1 : at;
    }
    if (end > from) yield { day, from, to: end };
  }
  yield* freshThrough(Number.POSITIVE_INFINITY);
}

function isBeyond(columns: SampleColumns, at: number, key: SampleKey, isForward: boolean): boolean {
  const order =
    (columns.observedAtMs[at] as number) - key.observedAtMs ||
    (columns.epoch[at] as number) - key.epoch ||
    (columns.seq[at] as number) - key.seq;
  return isForward ? order > 0 : order < 0;
}

function isSame(a: PointValue, b: PointValue): boolean {
  return (
    a === b || (Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, at) => item === b[at]))
  );
}
