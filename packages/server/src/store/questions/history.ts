import { Buckets } from "../algebra/buckets.ts";
import { windowMs } from "../algebra/window.ts";
import type { CoverageSpans, History, HistoryQuery } from "../store.ts";
import type { Work } from "../work.ts";
import { readCoverage } from "./coverage.ts";
import type { WindowReader } from "./window-reader.ts";

/** Points over time, in buckets, and what of them was measured. */
export function* readHistory(reader: WindowReader, query: HistoryQuery): Work<History> {
  const values = yield* readBuckets(reader, query);
  const coverage = yield* readCoverage(reader, query);
  return { ...values, ...coverage };
}

export function* readBuckets(reader: WindowReader, query: HistoryQuery): Work<Omit<History, keyof CoverageSpans>> {
  const { points, fromMs, toMs, bucketMs } = query;
  const buckets = new Buckets(fromMs, toMs, bucketMs, points);
  // No sample is read for wide ones: the windows' summaries are all that such a chart can show.
  if (bucketMs >= windowMs) yield* reader.addSummaries(query, buckets);
  else if (reader.addSamples !== undefined) yield* reader.addSamples(query, buckets);
  else {
    const next = reader.samples({ ...query, take: "first" });
    for (let samples = yield* next(); samples !== null; samples = yield* next()) buckets.addSamples(samples);
  }
  return buckets.finish();
}
