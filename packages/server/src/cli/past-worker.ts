import { workerData } from "node:worker_threads";
import { Past, type PastEra, type PastOptions, type PlannedDevice, type PlantStart } from "@wattboard/simulator";
import { lowerThreadPriority } from "../base/lower-thread-priority.ts";
import { Moved, serveMethods } from "../base/worker-methods.ts";
import { windowOf } from "../store/algebra/window.ts";
import { recordBytes, writeRecord } from "../store/sample-record.ts";

/** A device, the key of its registration, and its past. */
export interface PastMember {
  readonly planned: PlannedDevice;
  readonly key: string;
  readonly options: PastOptions;
}

export interface PastBatch {
  /** Records, as the store takes them. */
  readonly records: Uint8Array<ArrayBuffer>;
  readonly samples: number;
  /** In how many windows of the store they lie. */
  readonly windows: number;
}

/** The thread that makes the demo's past. */
export interface PastMethods {
  /** How each device stands at the end of its past. */
  ends(): PlantStart[];
  /** The next batch of that era (0: the newest) of that device; null where there are no more, and the next call begins anew. */
  next(member: number, era: number): PastBatch | null;
}

/** Records that are handed over at once: some 400 samples. The store writes them in about the time of a second's live samples. */
const batchBytes = 256 * 1024;
/** And windows: the store writes each by itself. */
const batchWindows = 64;
/** Far below every epoch of a link, as those of imports are, so that a sample that is made twice is stored once. */
const epochOffset = 1e14;

lowerThreadPriority(10);
const members = workerData as readonly PastMember[];
const pasts = members.map(({ planned, options }) => new Past(planned, options));
const records = Buffer.allocUnsafeSlow(batchBytes);
let running: { readonly of: string; readonly made: Generator<Buffer> } | null = null;

serveMethods<PastMethods>({
  ends: () => pasts.map((past) => past.end()),
  next(member, era) {
    const of = `${member}/${era}`;
    if (running?.of !== of) running = { of, made: recordsOf(members[member] as PastMember, eraOf(member, era)) };
    const { made } = running;
    let bytes = 0;
    let samples = 0;
    const windows = new Set<number>();
    // The last one that a batch has no room for would be lost: there is always room for one more of the largest.
    while (bytes < batchBytes - 2_048 && windows.size < batchWindows) {
      const { done, value } = made.next();
      if (done) break;
      records.set(value, bytes);
      windows.add(windowOf(value.readDoubleLE(0)));
      bytes += value.length;
      samples++;
    }
    if (samples === 0) {
      running = null;
      return null;
    }
    const batch = new Uint8Array(records.subarray(0, bytes));
    return new Moved<PastBatch>({ records: batch, samples, windows: windows.size }, [batch.buffer]);
  },
});

function eraOf(member: number, era: number): { readonly past: Past; readonly era: PastEra } {
  const past = pasts[member] as Past;
  return { past, era: past.eras[era] as PastEra };
}

function* recordsOf(
  { key, planned }: PastMember,
  { past, era }: { readonly past: Past; readonly era: PastEra },
): Generator<Buffer, undefined> {
  const keyBytes = Buffer.from(key, "latin1");
  const bornMs = past.eras.at(-1)?.fromMs ?? era.fromMs;
  for (const { timeMs, sample } of past.samples(era)) {
    const uptime = Math.floor((timeMs - bornMs) / 1_000);
    const timestamp = new Date(timeMs).toISOString();
    const system_status = { ...sample.system_status, uptime };
    const message = Buffer.from(JSON.stringify({ device_id: planned.deviceId, timestamp, ...sample, system_status }));
    const record = Buffer.allocUnsafe(recordBytes(keyBytes, message));
    const header = {
      observedAtMs: timeMs,
      receivedAtMs: timeMs,
      clock: "device",
      epoch: timeMs - epochOffset,
      seq: 0,
    } as const;
    writeRecord(record, 0, header, keyBytes, message);
    yield record;
  }
}
