import { recordBytes, writeRecord } from "../../packages/server/dist/store/sample-record.js";

export type Value = number | string | boolean | null | readonly string[];
export type Message = Readonly<Record<string, Value | Readonly<Record<string, Value>>>>;

/** A sample as ingest hands it to a store. */
export interface Sent {
  readonly deviceId: string;
  /** Of the device's registration. */
  readonly key: string;
  readonly observedAtMs: number;
  readonly receivedAtMs: number;
  readonly deviceTimeMs: number;
  readonly clock: "device" | "server";
  readonly epoch: number;
  readonly seq: number;
  /** Whether epoch and seq are of the device's journal. */
  readonly isNumbered?: boolean;
  readonly sections: Message;
  readonly message: Buffer;
}

/** A sample of `ems_001`, received 20 ms after it was measured, unless said otherwise. */
export function sampleAt(observedAtMs: number, seq: number, sections: Message, changes: Partial<Sent> = {}): Sent {
  const { deviceId = "ems_001", key = deviceId, deviceTimeMs = observedAtMs } = changes;
  const text = JSON.stringify({ device_id: deviceId, timestamp: new Date(deviceTimeMs).toISOString(), ...sections });
  return {
    deviceId,
    key,
    observedAtMs,
    receivedAtMs: observedAtMs + 20,
    deviceTimeMs,
    clock: "device",
    epoch: 1,
    seq,
    sections,
    message: Buffer.from(text),
    ...changes,
  };
}

/** Samples as one batch of records. */
export function batchOf(samples: readonly Sent[]): Buffer {
  const records = samples.map((sample) => {
    const key = Buffer.from(sample.key);
    const record = Buffer.alloc(recordBytes(key, sample.message));
    writeRecord(record, 0, sample, key, sample.message);
    return record;
  });
  return Buffer.concat(records);
}
