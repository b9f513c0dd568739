import type { Clock } from "../../base/clock.ts";
import { Failure } from "../../base/failure.ts";
import { inTimeSlices } from "../../base/time-slices.ts";
import type { SampleKey, Store } from "../../store/store.ts";
import { type JudgedSample, recordOf } from "./import-sample.ts";

export interface Imported {
  /** New ones; they are durable. */
  readonly stored: number;
  /** Those that the store had already: of the same device and the same time. */
  readonly known: number;
}

/** Times of one device further apart than this are looked up on their own, so that what lies between is not read. */
const apartMsMax = 60_000;
const pageSamples = 10_000;
/** A store that takes nothing just now (it is full, or tidies up after what it took) is asked again, so often and so long after. */
const triesMax = 60;
const retryMs = 500;

/**
 * Stores samples of the past. A sample is told by its device and its time: where the store has one of that time already, whoever sent it, it is
 * known; of n with the same time, the ones behind those that the store has are new. So one time of one device belongs in one batch.
 */
export async function importSamples(
  store: Store,
  samples: readonly JudgedSample[],
  clock: Clock,
  signal?: AbortSignal,
): Promise<Imported> {
  const records: Buffer[] = [];
  for (const [deviceId, ofDevice] of Map.groupBy(samples, (sample) => sample.deviceId)) {
    const times = [...new Set(ofDevice.map(({ observedAtMs }) => observedAtMs))].sort((a, b) => a - b);
    const known = await countKnown(store, deviceId, times, signal);
    await inTimeSlices(addNew(records, ofDevice, known));
  }
  if (records.length > 0) await appendPatiently(store, Buffer.concat(records), clock, signal);
  return { stored: records.length, known: samples.length - records.length };
}

/** Adds the records of those samples that the store does not have yet, of one device. */
function* addNew(
  records: Buffer[],
  samples: readonly JudgedSample[],
  known: ReadonlyMap<number, number>,
): Generator<void, void> {
  const seen = new Map<number, number>();
  for (const sample of samples) {
    const seq = seen.get(sample.observedAtMs) ?? 0;
    seen.set(sample.observedAtMs, seq + 1);
    if (seq >= (known.get(sample.observedAtMs) ?? 0)) records.push(recordOf(sample, seq));
    yield;
  }
}

/** How many samples the device has at each of these times, which grow. */
async function countKnown(
  store: Store,
  deviceId: string,
  times: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  for (let first = 0; first < times.length; ) {
    let last = first;
    while (last + 1 < times.length && (times[last + 1] as number) - (times[last] as number) <= apartMsMax) last++;
    const range = { deviceId, fromMs: times[first] as number, toMs: (times[last] as number) + 1, points: [], signal };
    let beyond: SampleKey | undefined;
    do {
      const page = await store.samples({ ...range, beyond, take: "first", limit: pageSamples });
      for (const { observedAtMs } of page) counts.set(observedAtMs, (counts.get(observedAtMs) ?? 0) + 1);
      beyond = page.length < pageSamples ? undefined : page.at(-1);
    } while (beyond !== undefined);
    first = last + 1;
  }
  return counts;
}

async function appendPatiently(
  store: Store,
  batch: Buffer,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    signal?.throwIfAborted();
    try {
      await store.append([batch]);
      return;
    } catch (error) {
      if (!(error instanceof Failure) || tries === triesMax) throw error;
    }
    await clock.sleep(retryMs, signal);
  }
}
