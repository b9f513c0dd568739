import { setTimeout as sleep } from "node:timers/promises";
import { FanoutLoad } from "../load/fanout-load.ts";
import { Comparisons } from "../measure/comparison.ts";
import { quantile } from "../measure/spread.ts";
import { until } from "../measure/until.ts";
import { startWattboard } from "../servers/wattboard.ts";
import { makeKilledDataFolder } from "../stores/killed-data-folder.ts";
import type { Scenario } from "./scenario.ts";

const hourSeconds = 3_600;
/** Until that hour stands in its blocks. */
const quietSeconds = 1_800;
const quiet = "nobody asks";
/** Whoever asks, by the time from one question to the next at the least, ms. */
const askers = [
  { name: quiet, everyMs: null },
  { name: "asked once a second", everyMs: 1_000 },
  { name: "asked again and again", everyMs: 0 },
];

export const questions: Scenario = {
  name: "questions",
  summary: "the live lane while somebody asks for the whole fleet's sum of an hour again and again",
  method:
    "A server with an hour of samples of a fleet, half an hour ago, and as many other devices that send a sample a second each, and have a dashboard each. In turns nobody asks, and a viewer asks `/api/v1/fleet/totals` for the sum of all devices' grid power in each minute of that " +
    "hour, once a second or as soon as the last answer is there. The live lane is measured from a device's write to its dashboard's read; all of the server is on one core.",
  defaults: { rounds: 5, seconds: 10, devices: 1_000 },
  smoke: { rounds: 1, seconds: 1, devices: 20 },

  async run({ rounds, seconds, devices, profileDir }, progress) {
    const comparisons = new Comparisons();
    progress(`making an hour of ${devices} devices`);
    const toMs = Date.now() - quietSeconds * 1_000;
    const range = `from=${new Date(toMs - hourSeconds * 1_000).toISOString()}&to=${new Date(toMs).toISOString()}`;
    const dataDir = await makeKilledDataFolder(devices, hourSeconds, { silent: devices, quietSeconds });
    const server = await startWattboard({ devices, dataDir, profileDir });
    const live = await FanoutLoad.open(server.port, {
      devices,
      dashboardsPerDevice: 1,
      window: 1,
      firstDevice: devices,
    });
    for (let round = 0; round <= rounds; round++) {
      for (const { name, everyMs } of askers) {
        live.startPaced(devices);
        const answersMs = (await askFor(seconds, everyMs, range, server.api)).sort((a, b) => a - b);
        live.stop();
        await until(
          () => live.isDrained,
          () => "Not every sample has reached its dashboard.",
        );
        const sorted = Float64Array.from(live.takeLatenciesMs()).sort();
        // The first round is for warming up.
        if (round === 0) continue;
        progress(`round ${round} of ${rounds}: ${name}: live p99 ${quantile(sorted, 0.99).toFixed(2)} ms`);
        comparisons.add({ ...about("live lane, p50"), baseline: quiet }, name, quantile(sorted, 0.5));
        comparisons.add({ ...about("live lane, p99"), baseline: quiet }, name, quantile(sorted, 0.99));
        if (answersMs.length === 0) continue;
        comparisons.add(about("answer, p50"), name, quantile(answersMs, 0.5));
        comparisons.add(about("answer, p99"), name, quantile(answersMs, 0.99));
      }
    }
    live.close();
    await server.stop();
    return comparisons.list();
  },
};

/** Asks for so long, not at all with null, and gives how long each answer took, ms. */
async function askFor(
  seconds: number,
  everyMs: number | null,
  range: string,
  api: { readonly url: string; readonly token: string } | undefined,
): Promise<number[]> {
  const headers = { authorization: `Bearer ${api?.token}` };
  const answersMs: number[] = [];
  const endAtMs = performance.now() + seconds * 1_000;
  while (everyMs !== null && performance.now() < endAtMs) {
    const startedAtMs = performance.now();
    const answer = await fetch(`${api?.url}/api/v1/fleet/totals?point=grid.power&buckets=60&${range}`, { headers });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`The question was answered ${answer.status}: ${text}`);
    answersMs.push(performance.now() - startedAtMs);
    await sleep(Math.max(0, Math.min(endAtMs, startedAtMs + everyMs) - performance.now()));
  }
  await sleep(Math.max(0, endAtMs - performance.now()));
  return answersMs;
}

function about(quantity: string) {
  return { quantity, unit: "ms", digits: 2 };
}
