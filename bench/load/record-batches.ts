import { closeSync, existsSync, openSync, readSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { recordBytes, writeRecord } from "../../packages/server/dist/store/sample-record.js";
import { DriftingFleet } from "./drift.ts";
import { benchDeviceId } from "./message.ts";

/** What a fleet sends in a span: every device once a period, each at its own moment of a second. */
export interface Span {
  readonly devices: number;
  /** A whole second, ms since 1970. */
  readonly fromMs: number;
  readonly seconds: number;
  /** From one sample of a device to the next; absent: 1. */
  readonly periodSeconds?: number;
}

/** About 4 MiB, what the server hands to its store at once when much comes. */
export const recordsPerBatch = 13_000;
const recordBytesMax = 512;
const lengthBytes = 4;

/** The span's records, so many at a time, in the order of time. A batch is valid until the next one is asked for. */
export function* recordBatches(
  { devices, fromMs, seconds, periodSeconds = 1 }: Span,
  recordsAtOnce = recordsPerBatch,
): Generator<Buffer> {
  const fleet = new DriftingFleet(devices);
  const ids = Array.from({ length: devices }, (_, index) => Buffer.from(benchDeviceId(index)));
  const batch = Buffer.alloc(recordsAtOnce * recordBytesMax);
  let length = 0;
  let records = 0;
  for (let second = 0; second < seconds; second += periodSeconds) {
    for (const [index, id] of ids.entries()) {
      // Timers wobble by some milliseconds.
      const observedAtMs = fromMs + second * 1_000 + Math.floor((index * 990) / devices) + fleet.pick(3);
      const receivedAtMs = observedAtMs + 2 + fleet.pick(3);
      const message = Buffer.from(fleet.message(index, observedAtMs));
      if (recordBytes(id, message) > recordBytesMax) throw new Error("A record is larger than expected.");
      const header = { observedAtMs, receivedAtMs, clock: "device", epoch: 1, seq: second + 1 } as const;
      length = writeRecord(batch, length, header, id, message);
      if (++records < recordsAtOnce) continue;
      yield batch.subarray(0, length);
      length = 0;
      records = 0;
    }
  }
  if (length > 0) yield batch.subarray(0, length);
}

/** Where a file of that size is read from without the disk's help, if there is such a place. */
export function folderInMemory(bytes: number): string {
  const shared = "/dev/shm";
  if (!existsSync(shared)) return tmpdir();
  const { bavail, bsize } = statfsSync(shared);
  return bavail * bsize > bytes * 1.2 ? shared : tmpdir();
}

/** Writes batches to a file, for `readBatches`. */
export function writeBatches(path: string, batches: Iterable<Buffer>): void {
  const file = openSync(path, "wx");
  const length = Buffer.alloc(lengthBytes);
  for (const batch of batches) {
    length.writeUInt32LE(batch.length);
    writeSync(file, length);
    writeSync(file, batch);
  }
  closeSync(file);
}

/** A batch is valid until the next one is asked for. */
export function* readBatches(path: string): Generator<Buffer> {
  const file = openSync(path, "r");
  let batch = Buffer.alloc(recordsPerBatch * recordBytesMax);
  const length = Buffer.alloc(lengthBytes);
  try {
    while (readSync(file, length) === lengthBytes) {
      const bytes = length.readUInt32LE();
      if (batch.length < bytes) batch = Buffer.alloc(bytes);
      readSync(file, batch, 0, bytes, null);
      yield batch.subarray(0, bytes);
    }
  } finally {
    closeSync(file);
  }
}
