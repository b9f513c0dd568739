import type { PointValue } from "./algebra/point-value.ts";
import type { PointSample, SamplesQuery } from "./store.ts";

/** What stands around the points of a sample, and around a run: times, names. */
const aroundBytes = 150;
const numberBytes = 10;

/** About how many bytes a value takes as JSON; so pages can be bounded without writing them. */
function valueBytes(value: PointValue | undefined): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value !== "object" || value === null) return numberBytes;
  return value.reduce((sum, text) => sum + text.length + 3, 2);
}

/** About how many bytes a sample takes as JSON. */
export function sampleBytes({ points }: Pick<PointSample, "points">): number {
  let bytes = aroundBytes;
  for (const name in points) bytes += name.length + 4 + valueBytes(points[name]);
  return bytes;
}

/** About how many bytes a run of a timeline takes as JSON. */
export function runBytes(value: PointValue): number {
  return aroundBytes / 2 + valueBytes(value);
}

/** Whether a page has ended since it was full, so that there may be more behind it. */
export function isFullPage(samples: readonly PointSample[], { limit, bytesMax }: PageBounds): boolean {
  if (samples.length >= limit) return true;
  return bytesMax !== undefined && samples.reduce((sum, sample) => sum + sampleBytes(sample), 0) >= bytesMax;
}

type PageBounds = Pick<SamplesQuery, "limit" | "bytesMax">;
