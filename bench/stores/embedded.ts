import { EmbeddedStore, loadConfig, storeLimits } from "wattboard";
import { BlockStore } from "../../packages/server/dist/store/embedded/block-store.js";
import { askStore, folderBytes, freeBytesOf, ownCpuMs } from "./store-port.ts";
import type { Disk, Subject } from "./subject.ts";

/** As the worker does it. */
const sliceMs = 5;

function limits() {
  return storeLimits(loadConfig({ flags: {}, env: process.env, file: undefined }).config);
}

/** Wattboard's own store as the switchboard opens it: through its port, in a thread of its own. */
export async function openEmbedded(folder: string): Promise<Subject> {
  const store = await EmbeddedStore.open(folder, limits());
  return {
    append: (batch) => store.append([batch]),
    seal: () => store.compactAll(),
    cpuMs: ownCpuMs,
    ask: (question) => askStore(store, question),
    async close() {
      await store.close();
      return diskOf(folder);
    },
  };
}

/** The same without its thread, and with a clock that runs as fast as the samples come. */
export function openEmbeddedInSimulatedTime(folder: string): Subject {
  let nowMs = 0;
  const store = new BlockStore(`${folder}/store.db`, limits(), () => nowMs);
  return {
    append(batch) {
      store.apply(batch, store.append(batch));
    },
    seal: () => store.compactAll(),
    advance(toMs, passed) {
      nowMs = toMs;
      for (let isMoreDue = true; isMoreDue; ) {
        const startedAtMs = performance.now();
        const cpuBefore = ownCpuMs();
        isMoreDue = store.compactStep(sliceMs);
        passed({ ms: performance.now() - startedAtMs, cpuMs: ownCpuMs() - cpuBefore });
      }
    },
    cpuMs: ownCpuMs,
    ask() {
      throw new Error("It is only written to.");
    },
    close() {
      store.close();
      return diskOf(folder);
    },
  };
}

function diskOf(folder: string): Disk {
  return { bytes: folderBytes(folder), freeBytes: freeBytesOf(`${folder}/store.db`) };
}
