import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedStore, loadConfig, storeLimits } from "wattboard";
import { atEnd } from "../measure/cleanup.ts";
import { Comparisons } from "../measure/comparison.ts";
import { until } from "../measure/until.ts";
import { makeDataFolder, startWattboard } from "../servers/wattboard.ts";
import { makeKilledDataFolder } from "../stores/killed-data-folder.ts";
import type { Scenario } from "./scenario.ts";

const empty = "nothing stored yet";

export const restart: Scenario = {
  name: "restart",
  summary: "how long until the server is ready after kill -9, with an hour of a fleet's samples",
  method:
    "The store takes an hour of samples at 1 Hz by a simulated clock that ends now, a commit each 250 ms, tidying up in between, and is killed: blocks, parts, and the journal of the last minutes are there. For each round " +
    "`wattboard serve` is started on a copy of that folder (in the page cache), and beside it on one with the same devices and no samples. Measured from starting the process until /readyz answers 200. Afterwards all samples must be there.",
  defaults: { rounds: 7, seconds: 3_600, devices: 1_000 },
  smoke: { rounds: 1, seconds: 20, devices: 20 },

  async run({ rounds, seconds, devices, profileDir }, progress) {
    const comparisons = new Comparisons();
    progress(`making ${devices * seconds} samples`);
    const killed = await makeKilledDataFolder(devices, seconds);
    const fresh = await makeDataFolder(devices);
    const remove = (): void => {
      for (const folder of [killed, fresh]) rmSync(folder, { recursive: true, force: true });
    };
    const keep = atEnd(remove);
    await assertAllThere(copyOf(killed), devices * seconds);
    const full = `${devices} devices, killed after ${seconds} s`;
    for (let round = 1; round <= rounds; round++) {
      for (const [name, folder] of [
        [full, killed],
        [empty, fresh],
      ] as const) {
        const dataDir = copyOf(folder);
        const startedAtMs = performance.now();
        const server = await startWattboard({ devices, dataDir, profileDir });
        await until(
          async () => (await fetch(`${server.api?.url}/readyz`)).status === 200,
          () => "The server did not become ready in time.",
        );
        const tookMs = performance.now() - startedAtMs;
        progress(`round ${round} of ${rounds}: ${name}: ready after ${Math.round(tookMs)} ms`);
        comparisons.add({ quantity: "start until ready", unit: "ms", digits: 0, baseline: empty }, name, tookMs);
        await server.stop();
      }
    }
    remove();
    keep();
    return comparisons.list();
  },
};

/** It is deleted with the server that is started on it, or at the end. */
function copyOf(folder: string): string {
  const copy = mkdtempSync(join(tmpdir(), "wattboard-bench-"));
  atEnd(() => rmSync(copy, { recursive: true, force: true }));
  cpSync(folder, copy, { recursive: true });
  return copy;
}

async function assertAllThere(folder: string, expected: number): Promise<void> {
  const store = await EmbeddedStore.open(
    folder,
    storeLimits(loadConfig({ flags: {}, env: {}, file: undefined }).config),
  );
  const { samples } = await store.info();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
  if (samples !== expected) throw new Error(`${expected} samples were stored, but ${samples} are there.`);
}
