/**
 * A program that is killed: stores samples of many devices as fast as it can, and says on stdout how many are acknowledged.
 * `node store-writer.ts FOLDER LIMITS EPOCH DEVICES`. Each line is the number of samples a device has in the store by the acknowledgements so far.
 * It loads the store alone: the whole server would take it a second each time.
 */
import { writeSync } from "node:fs";
import { EmbeddedStore } from "../../packages/server/dist/store/embedded/embedded-store.js";
import { batchOf, sampleAt } from "./samples.ts";

const [folder = "", limits = "", epoch = "1", devices = "10"] = process.argv.slice(2);
// Little memory, so that parts are written all the time, and blocks sealed now and then.
const store = await EmbeddedStore.open(folder, { ...JSON.parse(limits), openBytesMax: 200_000 });
const startMs = Date.UTC(2026, 0, 1) + Number(epoch) * 3_600_000;
writeSync(1, "0\n");
for (let seq = 0; ; seq++) {
  const samples = Array.from({ length: Number(devices) }, (_, at) =>
    sampleAt(startMs + seq * 1_000, seq, { load: { power: seq } }, { deviceId: `ems_${at}`, epoch: Number(epoch) }),
  );
  const stored = store.append([batchOf(samples)]);
  if (seq % 40 === 39) store.compactAll().catch(() => {});
  await stored;
  writeSync(1, `${seq + 1}\n`);
}
