import type { PointSample } from "../store.ts";
import type { PointValue } from "./point-value.ts";

/** Samples of one device, a column a figure; every column has `count` entries. */
export interface SampleColumns {
  readonly count: number;
  /** As filed, ms since 1970 UTC. */
  readonly observedAtMs: ArrayLike<number>;
  readonly receivedAtMs: ArrayLike<number>;
  /** The time that the device told; the same as `observedAtMs` where that was believed. */
  readonly deviceTimeMs: ArrayLike<number>;
  readonly epoch: ArrayLike<number>;
  readonly seq: ArrayLike<number>;
  /** 1 where the sample is filed under the server's time. */
  readonly serverClock: ArrayLike<number>;
  /** By name; `undefined` where the sample does not have the point. */
  readonly points: ReadonlyMap<string, ArrayLike<PointValue | undefined>>;
  /** True where they are known to be in the order of the port, each once: so nobody need look. */
  readonly isMerged?: boolean;
}

/** The places of the samples of a range, which are in order: from the first to before the second. */
export function placesIn({ count, observedAtMs }: SampleColumns, fromMs: number, toMs: number): [number, number] {
  return [firstAtOrAfter(observedAtMs, count, fromMs), firstAtOrAfter(observedAtMs, count, toMs)];
}

/** In growing numbers, the place of the first of them that is not smaller. */
export function firstAtOrAfter(times: ArrayLike<number>, count: number, ms: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Those from an instant on; the samples are in order. */
export function samplesFrom(columns: SampleColumns, fromMs: number): SampleColumns {
  const first = firstAtOrAfter(columns.observedAtMs, columns.count, fromMs);
  if (first === 0) return columns;
  const rest = <T>(values: ArrayLike<T>): T[] => Array.prototype.slice.call(values, first) as T[];
  return {
    ...columns,
    count: columns.count - first,
    observedAtMs: rest(columns.observedAtMs),
    receivedAtMs: rest(columns.receivedAtMs),
    deviceTimeMs: rest(columns.deviceTimeMs),
    epoch: rest(columns.epoch),
    seq: rest(columns.seq),
    serverClock: rest(columns.serverClock),
    points: new Map([...columns.points].map(([name, values]) => [name, rest(values)])),
  };
}

/** One of the samples, with the points that it has. */
export function sampleAt(columns: SampleColumns, at: number): PointSample {
  const points: Record<string, PointValue> = {};
  for (const [name, values] of columns.points) {
    const value = values[at];
    if (value !== undefined) points[name] = value;
  }
  return {
    observedAtMs: columns.observedAtMs[at] as number,
    receivedAtMs: columns.receivedAtMs[at] as number,
    clock: columns.serverClock[at] === 1 ? "server" : "device",
    deviceTimeMs: columns.deviceTimeMs[at] as number,
    epoch: columns.epoch[at] as number,
    seq: columns.seq[at] as number,
    points,
  };
}
