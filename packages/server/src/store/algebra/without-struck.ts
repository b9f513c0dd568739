import type { Strike } from "../store.ts";
import type { PointValue } from "./point-value.ts";
import { placesIn, type SampleColumns } from "./sample-columns.ts";

/** Samples in order, with null for what is struck out of them. */
export function withoutStruck(columns: SampleColumns, strikes: readonly Strike[]): SampleColumns {
  const points = new Map(columns.points);
  for (const { fromMs, toMs, points: names } of strikes) {
    const [from, to] = placesIn(columns, fromMs, toMs);
    if (from === to) continue;
    for (const name of names ?? columns.points.keys()) {
      const values = points.get(name);
      if (values === undefined) continue;
      const blanked: (PointValue | undefined)[] = Array.from(values);
      for (let at = from; at < to; at++) if (blanked[at] !== undefined) blanked[at] = null;
      points.set(name, blanked);
    }
  }
  return {
    count: columns.count,
    observedAtMs: columns.observedAtMs,
    points,
    // Those of a block are read when somebody asks for them, which charts never do.
    get receivedAtMs() {
      return columns.receivedAtMs;
    },
    get deviceTimeMs() {
      return columns.deviceTimeMs;
    },
    get epoch() {
      return columns.epoch;
    },
    get seq() {
      return columns.seq;
    },
    get serverClock() {
      return columns.serverClock;
    },
    isMerged: true,
  };
}
