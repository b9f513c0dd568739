import { Buckets, GapList } from "../buckets.ts";
import {
  addEnergy,
  type Energy,
  type EnergyStream,
  energyBetween,
  energyStreams,
  gapMsMax,
  noEnergy,
} from "../energy.ts";
import type { PointValue } from "../point-value.ts";
import { placesIn, type SampleColumns, sampleAt } from "../sample-columns.ts";
import type {
  EnergyQuery,
  EnergySpan,
  FleetQuery,
  FleetTotals,
  History,
  HistoryQuery,
  PointSample,
  SampleKey,
  SamplesQuery,
  StoreInfo,
  Timeline,
  TimelineQuery,
  TimelineRun,
} from "../store.ts";
import { windowMs, windowOf } from "../window.ts";
import { summarize, type WindowSummary } from "../window-summary.ts";
import type { BlockStore } from "./block-store.ts";
import { minuteMs } from "./minute-means.ts";
import type { Windows } from "./windows.ts";

/**
 * Answers to questions about the past. Each is a generator that yields between two windows, so that the worker can take new samples in
 * between, and can stop when nobody waits for the answer any more.
 */
export type Work<T> = Generator<void, T>;

export function* readSamples(windows: Windows, query: SamplesQuery): Work<PointSample[]> {
  const { deviceId, fromMs, toMs, take, limit, beyond } = query;
  const wanted = query.points === undefined ? undefined : new Set(query.points);
  const isForward = take === "first";
  const found: PointSample[] = [];
  const first = isForward && beyond !== undefined ? Math.max(fromMs, beyond.observedAtMs) : fromMs;
  const behindLast = !isForward && beyond !== undefined ? Math.min(toMs, beyond.observedAtMs + 1) : toMs;
  const list = windowsIn(windows, deviceId, first, behindLast);
  if (!isForward) list.reverse();
  for (const window of list) {
    const columns = windows.read(deviceId, window, wanted);
    if (columns === null) continue;
    const [from, to] = placesIn(columns, first, behindLast);
    for (let step = 0; step < to - from && found.length < limit; step++) {
      const at = isForward ? from + step : to - 1 - step;
      if (beyond === undefined || isBeyond(columns, at, beyond, isForward)) found.push(sampleAt(columns, at));
    }
    if (found.length >= limit) break;
    yield;
  }
  return isForward ? found : found.reverse();
}

export function* readHistory(windows: Windows, query: HistoryQuery): Work<History> {
  const { deviceId, points, fromMs, toMs, bucketMs } = query;
  const wanted = new Set(points);
  const buckets = new Buckets(fromMs, toMs, bucketMs, points);
  const gaps = new GapList(fromMs, toMs);
  if (bucketMs >= windowMs) {
    // No sample is read: the windows' summaries are all that such a chart can show.
    const parts = { points: wanted, energy: false };
    for (const summary of summaries(windows, deviceId, windowOf(fromMs), windowOf(toMs - 1) + 1, parts)) {
      if (summary === null) {
        yield;
        continue;
      }
      buckets.addSummary(summary);
      gaps.addWindow(summary);
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
  let before: WindowSummary | undefined;
  let place = 0;
  const parts = { points: new Set<string>(), energy: true };
  for (const summary of summaries(windows, deviceId, windowOf(first.fromMs) - 1, windowOf(last.toMs - 1) + 1, parts)) {
    if (summary === null) {
      yield;
      continue;
    }
    const startMs = summary.window * windowMs;
    while ((spans[place]?.toMs ?? Number.POSITIVE_INFINITY) <= startMs) place++;
    const span = spans[place];
    if (span !== undefined && startMs >= span.fromMs) {
      const between = before === undefined ? noEnergy : energyBetween(before.lastPower, summary.firstPower);
      span.energy = addEnergy(addEnergy(span.energy, summary.energy), between);
      span.coveredMs += Math.min(windowMs, summary.count * summary.periodMs);
    }
    before = summary;
  }
  return spans.map(({ fromMs, toMs, energy, coveredMs }) => ({
    fromMs,
    toMs,
    energy: energy as Energy,
    coverage: Math.min(1, coveredMs / (toMs - fromMs)),
  }));
}

export function* readTimeline(windows: Windows, query: TimelineQuery): Work<Timeline> {
  const { deviceId, point, fromMs, toMs, limit } = query;
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
        if (runs.length === limit) return { runs, truncated: true };
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
  let samples = Number(tables.first("SELECT total(samples) AS samples FROM block")?.samples);
  let fromMs: number | null = null;
  let toMs: number | null = null;
  const gaps = { count: 0, ms: 0 };
  for (const deviceId of store.deviceIds) {
    const [first = 0] = windows.list(deviceId, 0, Number.MAX_SAFE_INTEGER);
    let lastMs: number | null = null;
    for (const window of windows.fresh(deviceId, 0, Number.MAX_SAFE_INTEGER))
      samples += windows.countFresh(deviceId, window);
    for (const summary of summaries(windows, deviceId, first, windowOf(Date.now()) + 2, {
      points: new Set(),
      energy: false,
    })) {
      if (summary === null) {
        yield;
        continue;
      }
      fromMs = Math.min(fromMs ?? summary.firstMs, summary.firstMs);
      toMs = Math.max(toMs ?? summary.lastMs, summary.lastMs);
      if (lastMs !== null && summary.firstMs - lastMs > windowMs) {
        gaps.count++;
        gaps.ms += summary.firstMs - lastMs;
      }
      lastMs = summary.lastMs;
    }
  }
  const bytes = tables.usedBytes();
  return { devices: store.deviceIds.length, samples, bytes, fromMs, toMs, gaps, retentionMs };
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

/** The summaries of a range, oldest first: sealed windows' as they are kept, others' made from their samples. Null: time to yield. */
function* summaries(
  windows: Windows,
  deviceId: string,
  fromWindow: number,
  toWindow: number,
  parts: { readonly points: ReadonlySet<string>; readonly energy: boolean },
): Generator<WindowSummary | null> {
  const fresh = windows.fresh(deviceId, fromWindow, toWindow);
  const freshSet = new Set(fresh);
  const wanted = new Set([...parts.points, ...(parts.energy ? energyStreams : [])]);
  const freshBefore = function* (before: number): Generator<WindowSummary | null> {
    while ((fresh[0] ?? Number.POSITIVE_INFINITY) < before) {
      const window = fresh.shift() as number;
      const columns = windows.read(deviceId, window, wanted);
      if (columns !== null) yield summarize(window, columns);
      yield null;
    }
  };
  for (const day of windows.days(deviceId, fromWindow, toWindow, parts)) {
    for (const summary of day) {
      if (freshSet.has(summary.window)) continue;
      yield* freshBefore(summary.window);
      yield summary;
    }
    yield null;
  }
  yield* freshBefore(Number.POSITIVE_INFINITY);
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
