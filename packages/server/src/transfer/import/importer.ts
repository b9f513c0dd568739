import type { Clock } from "../../base/clock.ts";
import { Failure } from "../../base/failure.ts";
import { inTimeSlices } from "../../base/time-slices.ts";
import type { Registration } from "../../store/registration.ts";
import type { SampleKey, SamplesQuery, StoreReader, StoreWriter } from "../../store/store.ts";
import { hasPoints } from "../export/sample-pages.ts";
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
 * Stores samples of the past. A sample is told by its device, its time and what it holds: where the store has one of that time with any of the
 * batch's points already, whoever sent it, it is known; of n with the same time, the ones behind those that the store has are new. So one time of
 * one device belongs in one batch, and a file with a row a point can be imported point by point.
 */
export async function importSamples(
  store: StoreReader & StoreWriter,
  samples: readonly JudgedSample[],
  registrationOf: (deviceId: string) => Registration,
  clock: Clock,
  signal?: AbortSignal,
): Promise<Imported> {
  const records: Buffer[] = [];
  for (const [deviceId, ofDevice] of Map.groupBy(samples, (sample) => sample.deviceId)) {
    const times = [...new Set(ofDevice.map(({ observedAtMs }) => observedAtMs))].sort((a, b) => a - b);
    const registration = registrationOf(deviceId);
    const counts = await countStored(store, { registration, points: heldPoints(ofDevice), signal }, times);
    await inTimeSlices(addNew(records, registration, ofDevice, counts));
  }
  if (records.length > 0) await appendPatiently(store, Buffer.concat(records), clock, signal);
  return { stored: records.length, known: samples.length - records.length };
}

/** All that the samples hold; none where one of them holds nothing, so that it is compared with every sample of its time. */
function heldPoints(samples: readonly JudgedSample[]): string[] {
  const points = new Set<string>();
  for (const { pointNames } of samples) {
    if (pointNames.length === 0) return [];
    for (const name of pointNames) points.add(name);
  }
  return [...points];
}

/** How many samples a device has at a time, and how many of them hold something of what is imported. */
interface Counts {
  readonly stored: number;
  readonly known: number;
}

/** Adds the records of those samples that the store does not have yet, of one device; their numbers go on behind all that it has of their time. */
function* addNew(
  records: Buffer[],
  { key }: Registration,
  samples: readonly JudgedSample[],
  counts: ReadonlyMap<number, Counts>,
): Generator<void, void> {
  const seen = new Map<number, number>();
  for (const sample of samples) {
    const { stored, known } = counts.get(sample.observedAtMs) ?? { stored: 0, known: 0 };
    const number = seen.get(sample.observedAtMs) ?? 0;
    seen.set(sample.observedAtMs, number + 1);
    if (number >= known) records.push(recordOf(key, sample, stored - known + number));
    yield;
  }
}

/** What the registration has at each of these times, which grow. Without points every sample counts as known. */
async function countStored(
  store: StoreReader,
  asked: Pick<SamplesQuery, "registration" | "signal"> & { readonly points: readonly string[] },
  times: readonly number[],
): Promise<ReadonlyMap<number, Counts>> {
  const counts = new Map<number, Counts>();
  for (let first = 0; first < times.length; ) {
    let last = first;
    while (last + 1 < times.length && (times[last + 1] as number) - (times[last] as number) <= apartMsMax) last++;
    const range = { ...asked, fromMs: times[first] as number, toMs: (times[last] as number) + 1 };
    let beyond: SampleKey | undefined;
    do {
      const page = await store.samples({ ...range, beyond, take: "first", limit: pageSamples });
      for (const sample of page) {
        const { stored, known } = counts.get(sample.observedAtMs) ?? { stored: 0, known: 0 };
        const isKnown = asked.points.length === 0 || hasPoints(sample);
        counts.set(sample.observedAtMs, { stored: stored + 1, known: known + (isKnown ? 1 : 0) });
      }
      beyond = page.length < pageSamples ? undefined : page.at(-1);
    } while (beyond !== undefined);
    first = last + 1;
  }
  return counts;
}

/** Rejects with the store's `Failure` where it has taken nothing for half a minute. */
export async function appendPatiently(
  store: StoreWriter,
  batch: Uint8Array,
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
