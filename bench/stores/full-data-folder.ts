import { EmbeddedStore, loadConfig, startSwitchboard, storeLimits } from "wattboard";
import { recordBytes, writeRecord } from "../../packages/server/dist/store/sample-record.js";
import { benchDeviceId } from "../load/message.ts";
import { recordBatches } from "../load/record-batches.ts";
import { makeDataFolder } from "../servers/wattboard.ts";

/** The device whose samples are as wide as a plant of several inverters makes them. */
export const wideDevice = 0;
const widePoints = 60;
const hourMs = 3_600_000;

export interface Fullness {
  /** With an hour of samples each, one in ten seconds. */
  readonly devices: number;
  /** Registered besides, with nothing sent. */
  readonly silent: number;
  /** Samples of the wide device, one a second, up to now. */
  readonly wideSamples: number;
  /** Rows of the audit, and as many events. */
  readonly rows: number;
}

/** A data folder in which there is much of everything that a question can be about. It is the caller's to delete. */
export async function makeFullDataFolder({ devices, silent, wideSamples, rows }: Fullness): Promise<string> {
  const folder = await makeDataFolder(devices + silent);
  const { config } = loadConfig({
    flags: { port: "0", data_dir: folder, "log.level": "silent" },
    env: {},
    file: undefined,
  });
  const store = await EmbeddedStore.open(folder, storeLimits(config));
  const nowMs = Math.floor(Date.now() / 1_000) * 1_000;
  for (const batch of recordBatches({ devices, fromMs: nowMs - hourMs, seconds: 3_600, periodSeconds: 10 })) {
    await store.append([batch]);
  }
  for (const batch of wideBatches(nowMs - wideSamples * 1_000, wideSamples)) await store.append([batch]);
  await store.compactAll();
  const at = { atMs: nowMs, kind: "disconnected", key: benchDeviceId(1) };
  for (let row = 0; row < rows; row += 1_000) {
    await store.recordEvents(Array.from({ length: 1_000 }, (_, n) => ({ ...at, message: `event ${row + n}` })));
  }
  const server = await startSwitchboard({ config, openStore: async () => store });
  const detail = { text: "x".repeat(1_000) };
  for (let row = 0; row < rows; row += 1_000) {
    const entry = { who: "bench", address: "127.0.0.1", action: "bench", deviceId: benchDeviceId(1), detail };
    server.audit.recordAll(Array.from({ length: 1_000 }, () => entry));
  }
  await server.stop();
  return folder;
}

function* wideBatches(fromMs: number, count: number): Generator<Buffer> {
  const id = Buffer.from(benchDeviceId(wideDevice));
  for (let first = 0; first < count; first += 500) {
    const records = Array.from({ length: Math.min(500, count - first) }, (_, n) => {
      const observedAtMs = fromMs + (first + n) * 1_000;
      const own = Object.fromEntries(Array.from({ length: widePoints }, (_, at) => [`point_${at}`, n + at / 8]));
      const timestamp = new Date(observedAtMs).toISOString();
      const state = n % 20 < 10 ? "CHARGING" : "IDLE";
      const message = Buffer.from(
        JSON.stringify({ device_id: benchDeviceId(wideDevice), timestamp, system_status: { state }, own }),
      );
      const record = Buffer.alloc(recordBytes(id, message));
      // An epoch of its own, so that none is taken for one of the narrow samples of the same device.
      writeRecord(
        record,
        0,
        { observedAtMs, receivedAtMs: observedAtMs + 2, clock: "device", epoch: 2, seq: first + n },
        id,
        message,
      );
      return record;
    });
    yield Buffer.concat(records);
  }
}
