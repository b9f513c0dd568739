import { recordBytes, writeRecord } from "../sample-record.ts";
import type { Work } from "../work.ts";
import type { BlockStore } from "./block-store.ts";

export const startMs = Date.UTC(2026, 0, 31, 12);

export interface SentSample {
  readonly key: string;
  readonly observedAtMs: number;
  readonly epoch: number;
  readonly seq: number;
  readonly message: string;
}

export const limits = { openBytesMax: 64 * 1024 * 1024, journalBytesMax: 1e9, retentionMs: 0, bytesMax: 0 };

export function batchOf(samples: readonly SentSample[]): Uint8Array {
  const records = samples.map((sample) => {
    const id = Buffer.from(sample.key);
    const message = Buffer.from(sample.message);
    const record = Buffer.alloc(recordBytes(id, message));
    writeRecord(record, 0, { ...sample, receivedAtMs: sample.observedAtMs + 1, clock: "device" }, id, message);
    return record;
  });
  return Buffer.concat(records);
}

export function take(store: BlockStore, batch: Uint8Array): void {
  store.apply(batch, store.append(batch));
}

export function finish<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
