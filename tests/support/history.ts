import type { Store } from "wattboard";
import { recordBytes, writeRecord } from "../../packages/server/dist/store/sample-record.js";

export interface Past {
  readonly deviceId: string;
  readonly atMs: number;
  readonly receivedAtMs?: number;
  readonly seq: number;
  /** The message without device and time. */
  readonly sections: Readonly<Record<string, unknown>>;
}

/** Puts samples into a store as ingest would have, in batches. */
export async function storePast(store: Store, samples: Iterable<Past>): Promise<void> {
  let batch: Buffer[] = [];
  for (const { deviceId, atMs, receivedAtMs = atMs + 20, seq, sections } of samples) {
    const timestamp = new Date(atMs).toISOString();
    const message = Buffer.from(JSON.stringify({ device_id: deviceId, timestamp, ...sections }));
    const id = Buffer.from(deviceId);
    const record = Buffer.alloc(recordBytes(id, message));
    writeRecord(record, 0, { observedAtMs: atMs, receivedAtMs, clock: "device", epoch: 1, seq }, id, message);
    if (batch.push(record) < 2_000) continue;
    await store.append([Buffer.concat(batch)]);
    batch = [];
  }
  await store.append([Buffer.concat(batch)]);
}

/** A sample a second with figures that move, as a household's do. */
export function* secondBySecond(deviceId: string, fromMs: number, count: number): Generator<Past> {
  for (let seq = 0; seq < count; seq++) {
    const wave = Math.sin(seq / 600);
    yield {
      deviceId,
      atMs: fromMs + seq * 1_000,
      seq,
      sections: {
        system_status: {
          state: wave > 0 ? "CHARGING" : "DISCHARGING",
          mode: "AUTO",
          error_flags: [],
          wifi_strength: -60,
        },
        battery: { voltage: 53.2, current: Math.round(wave * 1_000) / 100, power: Math.round(wave * 532), soc: 50.5 },
        grid: { voltage: 230.1, power: Math.round(wave * 10_000) / 10, frequency: 50.01 },
        solar: { power: Math.max(0, Math.round(wave * 3_000)) },
        load: { power: 400 + (seq % 50) },
      },
    };
  }
}
