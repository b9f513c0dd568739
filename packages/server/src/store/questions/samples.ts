import { placesIn, type SampleColumns, sampleAt } from "../algebra/sample-columns.ts";
import { sampleBytes } from "../page-bytes.ts";
import type { PointSample, SampleKey, SamplesQuery } from "../store.ts";
import type { Work } from "../work.ts";
import type { WindowReader } from "./window-reader.ts";

/** Samples that are put together at once: of a device that sends often a window has many thousand. */
const samplesAtOnce = 250;

/** A page of samples, in order. */
export function* readSamples(reader: WindowReader, query: SamplesQuery): Work<PointSample[]> {
  const { take, limit, bytesMax = Number.POSITIVE_INFINITY, beyond } = query;
  const isForward = take === "first";
  const fromMs = isForward && beyond !== undefined ? Math.max(query.fromMs, beyond.observedAtMs) : query.fromMs;
  const toMs = !isForward && beyond !== undefined ? Math.min(query.toMs, beyond.observedAtMs + 1) : query.toMs;
  const found: PointSample[] = [];
  let bytes = 0;
  const next = reader.samples({ ...query, fromMs, toMs });
  for (let samples = yield* next(); samples !== null; samples = yield* next()) {
    const [from, to] = placesIn(samples, fromMs, toMs);
    for (let step = 0; step < to - from && found.length < limit && bytes < bytesMax; step++) {
      const at = isForward ? from + step : to - 1 - step;
      if (beyond !== undefined && !isBeyond(samples, at, beyond, isForward)) continue;
      const sample = sampleAt(samples, at);
      bytes += sampleBytes(sample);
      found.push(sample);
      if (found.length % samplesAtOnce === 0) yield;
    }
    if (found.length >= limit || bytes >= bytesMax) break;
  }
  return isForward ? found : found.reverse();
}

function isBeyond(
  { observedAtMs, epoch, seq }: SampleColumns,
  at: number,
  key: SampleKey,
  isForward: boolean,
): boolean {
  const order =
    (observedAtMs[at] as number) - key.observedAtMs ||
    (epoch[at] as number) - key.epoch ||
    (seq[at] as number) - key.seq;
  return isForward ? order > 0 : order < 0;
}
