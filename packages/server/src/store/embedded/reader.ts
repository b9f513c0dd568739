import { Buckets, GapList } from "../algebra/buckets.ts";
import {
  addEnergy,
  type Energy,
  type EnergyStream,
  energyBetween,
  energyStreams,
  gapMsMax,
  noEnergy,
  type PowerPoint,
} from "../algebra/energy.ts";
import type { PointValue } from "../algebra/point-value.ts";
import { firstAtOrAfter, placesIn, type SampleColumns, sampleAt } from "../algebra/sample-columns.ts";
import { windowMs, windowOf } from "../algebra/window.ts";
import { summarize } from "../algebra/window-summary.ts";
import { runBytes, sampleBytes } from "../page-bytes.ts";
import type {
  EnergyQuery,
  EnergySpan,
  FleetQuery,
  FleetTotals,
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
import { type DayColumns, type DayParts, dayOf, energyAt } from "./codec/day-codec.ts";
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
  const { deviceId, fromMs, toMs, take, limit, bytesMax = Number.POSITIVE_INFINITY, beyond } = query;
  const wanted = query.points === undefined ? undefined : new Set(query.points);
  const isForward = take === "first";
  const found: PointSample[] = [];
  let bytes = 0;
  const first = isForward && beyond !== undefined ? Math.max(fromMs, beyond.observedAtMs) : fromMs;
  const behindLast = !isForward && beyond !== undefined ? Math.min(toMs, beyond.observedAtMs + 1) : toMs;
  const list = windowsIn(windows, deviceId, first, behindLast);
  if (!isForward) list.reverse();
  for (const window of list) {
    const columns = windows.read(deviceId, window, wanted, onDamage);
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
export function* readPoints(store: BlockStore, deviceId: string): Work<PointInfo[]> {
  return store.points(deviceId);
}

export function* readHistory(windows: Windows, query: HistoryQuery): Work<History> {
  const { deviceId, points, fromMs, toMs, bucketMs } = query;
  const wanted = new Set(points);
  const buckets = new Buckets(fromMs, toMs, bucketMs, points);
  const gaps = new GapList(fromMs, toMs);
  if (bucketMs >= windowMs) {
    // No sample is read: the windows' summaries are all that such a chart can show.
    const parts = { points: wanted, energy: false };
    for (const { day, from, to } of summaries(windows, deviceId, windowOf(fromMs), windowOf(toMs - 1) + 1, parts)) {
      buckets.addSummaries(day, from, to);
      gaps.addSummaries(day, from, to);
      yield;
    }
    return buckets.finish(gaps);
  }
  for (const window of windowsIn(windows, deviceId, fromMs, toMs)) {
    const columns = windows.read(deviceId, window, wanted);
    if (columns !== null) {
      buckets.addSamples(columns);
      gaps.addSamples(columns);
    }
    yield;
  }
  return buckets.finish(gaps);
}

export function* readEnergy(windows: Windows, { deviceId, edgesMs }: EnergyQuery): Work<EnergySpan[]> {
  const spans = edgesMs.slice(1).map((toMs, at) => ({
    fromMs: edgesMs[at] as number,
    toMs,
    energy: noEnergy,
    coveredMs: 0,
  }));
  const [first] = spans;
  const last = spans.at(-1);
  if (first === undefined || last === undefined) return [];
  // One window more at the front: the way from its last sample to the next one belongs to the span of the later.
  let before: PowerPoint | undefined;
  let place = 0;
  const parts = { points: new Set<string>(), energy: true };
  for (const { day, from, to } of summaries(
    windows,
    deviceId,
    windowOf(first.fromMs) - 1,
    windowOf(last.toMs - 1) + 1,
    parts,
  )) {
    for (let at = from; at < to && day.energy !== null; at++) {
      const startMs = (day.windows[at] as number) * windowMs;
      while ((spans[place]?.toMs ?? Number.POSITIVE_INFINITY) <= startMs) place++;
      const span = spans[place];
      if (span !== undefined && startMs >= span.fromMs) {
        const between =
          before === undefined ? noEnergy : energyBetween(before, day.energy.firstPower[at] as PowerPoint);
        span.energy = addEnergy(addEnergy(span.energy, energyAt(day.energy, at)), between);
        span.coveredMs += Math.min(windowMs, (day.count[at] as number) * (day.periodMs[at] as number));
      }
      before = day.energy.lastPower[at];
    }
    yield;
  }
  return spans.map(({ fromMs, toMs, energy, coveredMs }) => ({
    fromMs,
    toMs,
    energy: energy as Energy,
    coverage: Math.min(1, coveredMs / (toMs - fromMs)),
  }));
}

export function* readTimeline(windows: Windows, query: TimelineQuery): Work<Timeline> {
  const { deviceId, point, fromMs, toMs, limit, bytesMax = Number.POSITIVE_INFINITY } = query;
  let bytes = 0;
  const wanted = new Set([point]);
  const runs: { fromMs: number; toMs: number; value: PointValue }[] = [];
  for (const window of windowsIn(windows, deviceId, fromMs, toMs)) {
    const columns = windows.read(deviceId, window, wanted);
    const values = columns?.points.get(point);
    if (columns !== null && values !== undefined) {
      const [from, to] = placesIn(columns, fromMs, toMs);
      for (let at = from; at < to; at++) {
        const value = values[at];
        if (value === undefined) continue;
        const atMs = columns.observedAtMs[at] as number;
        const run = runs.at(-1);
        // A run that is silent for too long has ended: what came after it is not known.
        const isNear = run !== undefined && atMs - run.toMs <= gapMsMax;
        if (isNear) run.toMs = atMs;
        if (isNear && isSame(run.value, value)) continue;
        if (runs.length === limit || bytes >= bytesMax) return { runs, truncated: true };
        bytes += runBytes(value);
        runs.push({ fromMs: atMs, toMs: atMs, value });
      }
    }
    yield;
  }
  return { runs: runs as TimelineRun[], truncated: false };
}

export function* readFleetTotals(windows: Windows, query: FleetQuery): Work<FleetTotals> {
  const { deviceIds, point, fromMs, toMs, bucketMs } = query;
  const length = Math.max(0, Math.ceil((toMs - fromMs) / bucketMs));
  const total = { sum: new Float64Array(length), devices: new Float64Array(length) };
  const stream = energyStreams.find((name) => name === point);
  const isWholeMinutes = bucketMs % minuteMs === 0 && fromMs % minuteMs === 0 && toMs % minuteMs === 0;
  for (const deviceId of deviceIds) {
    if (bucketMs < windowMs && stream !== undefined && isWholeMinutes) {
      addMeans(total, minuteMeans(windows, deviceId, stream, query));
      yield;
    } else {
      const history = yield* readHistory(windows, { deviceId, points: [point], fromMs, toMs, bucketMs });
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
  const deviceIds = store.deviceIds;
  let samples = 0;
  let fromMs: number | null = null;
  let toMs: number | null = null;
  const gaps = { count: 0, ms: 0 };
  const parts = { points: new Set<string>(), energy: false };
  for (const deviceId of deviceIds) {
    const list = windows.list(deviceId, 0, Number.MAX_SAFE_INTEGER);
    const [first = 0] = list;
    const isKept = new Set(list);
    let lastMs: number | null = null;
    for (const { day, from, to } of summaries(windows, deviceId, first, windowOf(store.nowMs()) + 2, parts)) {
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
  return { devices: deviceIds.length, samples, bytes, fromMs, toMs, gaps, retentionMs };
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
  deviceId: string,
  stream: EnergyStream,
  { fromMs, toMs, bucketMs }: FleetQuery,
): (number | null)[] {
  const length = Math.ceil((toMs - fromMs) / bucketMs);
  const sums = new Float64Array(length);
  const counts = new Float64Array(length);
  for (const [window, minutes] of windows.minutes(deviceId, windowOf(fromMs), windowOf(toMs - 1) + 1, stream)) {
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

/** Windows in a range that have samples of the device, oldest first. */
function windowsIn(windows: Windows, deviceId: string, fromMs: number, toMs: number): number[] {
  return toMs <= fromMs ? [] : windows.list(deviceId, windowOf(fromMs), windowOf(toMs - 1) + 1);
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
  deviceId: string,
  fromWindow: number,
  toWindow: number,
  parts: DayParts,
): Generator<SummaryRun> {
  let fresh = windows.fresh(deviceId, fromWindow, toWindow);
  const wanted = new Set([...parts.points, ...(parts.energy ? energyStreams : [])]);
  const freshThrough = function* (last: number): Generator<SummaryRun> {
    for (let [window] = fresh; window !== undefined && window <= last; [window] = fresh) {
      fresh.shift();
      const columns = windows.read(deviceId, window, wanted);
      if (columns !== null) yield { day: dayOf(summarize(window, columns), parts), from: 0, to: 1 };
    }
  };
  for (const { columns: day, lacking } of windows.days(deviceId, fromWindow, toWindow, parts)) {
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
