import type { FleetQuery, FleetSeries } from "../store.ts";
import type { Work } from "../work.ts";
import { readBuckets } from "./history.ts";
import type { AddMeans, WindowReader } from "./window-reader.ts";

/** A point's mean in each bucket, summed over registrations. */
export function* readFleetTotals(reader: WindowReader, query: FleetQuery): Work<FleetSeries> {
  const { registrations, point, fromMs, toMs, bucketMs } = query;
  const length = Math.ceil((toMs - fromMs) / bucketMs);
  const sum = Array.from({ length }, (): number | null => null);
  const devices = sum.map(() => 0);
  const add: AddMeans = (at, means, count) => {
    if (means !== null) sum[at] = (sum[at] ?? 0) + means;
    devices[at] = (devices[at] ?? 0) + count;
  };
  if (reader.addMeans === undefined || !(yield* reader.addMeans(query, add))) {
    for (const registration of registrations) {
      const { points } = yield* readBuckets(reader, { registration, points: [point], fromMs, toMs, bucketMs });
      for (const [at, mean] of points[point]?.avg.entries() ?? []) if (mean !== null) add(at, mean, 1);
    }
  }
  return { fromMs, bucketMs, sum, devices };
}
