import type { Device } from "../devices/device-registry.ts";
import type { Coverage, EnergySpan, FleetTotals, History } from "../store/store.ts";
import type { Range } from "./range.ts";

/**
 * Samples of a device are expected from its registration on; where it has earlier ones (of an import, of a device that measured before it was
 * registered), from the first of them on.
 */
export interface ExpectedHistory extends History {
  /** Within the range; its end where none are expected in it. */
  readonly expectedFromMs: number;
  /** The time in each bucket for which samples are expected, ms. */
  readonly expectedMs: readonly number[];
  readonly total: ExpectedCoverage;
}

export interface ExpectedCoverage extends Coverage {
  readonly expectedMs: number;
}

export interface ExpectedEnergy {
  readonly spans: readonly EnergySpan[];
  readonly expectedFromMs: number;
}

/** The store counts all of a range as missing; here only what is expected is. */
export function expectedHistory(registeredMs: number, { fromMs, toMs }: Range, history: History): ExpectedHistory {
  const expectedFromMs = Math.min(toMs, Math.max(fromMs, Math.min(registeredMs, firstSampleMs(history))));
  const { bucketMs, total } = history;
  return {
    ...history,
    expectedFromMs,
    expectedMs: history.coveredMs.map((_, at) => {
      const startMs = fromMs + at * bucketMs;
      const endMs = Math.min(toMs, startMs + bucketMs);
      return Math.max(0, endMs - Math.max(startMs, expectedFromMs));
    }),
    total: {
      coveredMs: total.coveredMs,
      expectedMs: toMs - expectedFromMs,
      gaps: total.gaps
        .filter((gap) => gap.toMs > expectedFromMs)
        .map((gap) => ({ fromMs: Math.max(gap.fromMs, expectedFromMs), toMs: gap.toMs }))
        .sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs)),
    },
  };
}

/** As exactly as the answer tells: by the gap that the range begins with, else by the bucket. */
function firstSampleMs({ fromMs, bucketMs, samples, total }: History): number {
  const first = samples.findIndex((count) => count > 0);
  if (first === -1) return Number.POSITIVE_INFINITY;
  const lead = total.gaps.find((gap) => gap.fromMs === fromMs);
  return Math.max(fromMs + first * bucketMs, lead?.toMs ?? 0);
}

/** As exactly as spans tell: where one that ended before the registration has samples, from its start on. */
export function expectedEnergy(registeredMs: number, spans: readonly EnergySpan[]): ExpectedEnergy {
  const first = spans.find(({ coveredMs }) => coveredMs > 0);
  const isEarlier = first !== undefined && first.toMs <= registeredMs;
  return { spans, expectedFromMs: isEarlier ? first.fromMs : registeredMs };
}

/** Of how many devices something is expected in each bucket: of those that are registered by its end, or as many as there were before. */
export function expectedDevices(
  registered: readonly Pick<Device, "createdAtMs">[],
  { fromMs, bucketMs, devices }: FleetTotals,
): number[] {
  const createdAtMs = Float64Array.from(registered, (device) => device.createdAtMs).sort();
  let count = 0;
  let most = 0;
  return devices.map((present, at) => {
    const endMs = fromMs + (at + 1) * bucketMs;
    while (count < createdAtMs.length && (createdAtMs[count] as number) < endMs) count++;
    most = Math.max(most, present, count);
    return most;
  });
}

/** 0 where nothing is expected. */
export function shareOf(covered: number, expected: number): number {
  return expected > 0 ? Math.min(1, covered / expected) : 0;
}
