import { setTimeout as sleep } from "node:timers/promises";
import { FanoutLoad } from "../load/fanout-load.ts";
import { Comparisons } from "../measure/comparison.ts";
import { quantile } from "../measure/spread.ts";
import { until } from "../measure/until.ts";
import { startWattboard } from "../servers/wattboard.ts";
import { makeKilledDataFolder } from "../stores/hour-of-data.ts";
import type { Scenario } from "./scenario.ts";

const hourSeconds = 3_600;
const quiet = "nobody asks";
const asking = "somebody asks for the fleet's hour again and again";

export const questions: Scenario = {
  name: "questions",
  summary: "the live lane while somebody asks for the whole fleet's sum of an hour again and again",
  method:
    "A server with an hour of every device's samples; every device sends a sample a second, and has a dashboard. In turns nobody asks, and somebody asks `/api/v1/fleet/totals` for the sum of grid power in each minute of the last " +
    "hour, the next time as soon as the answer is there. The live lane is measured from a device's write to its dashboard's read; all of the server is on one core.",
  defaults: { rounds: 5, seconds: 10, devices: 1_000 },
  smoke: { rounds: 1, seconds: 1, devices: 20 },

  async run({ rounds, seconds, devices, profileDir }, progress) {
    const comparisons = new Comparisons();
    progress(`making an hour of ${devices} devices`);
    const dataDir = await makeKilledDataFolder(devices, hourSeconds);
    const server = await startWattboard({ devices, dataDir, profileDir });
    const live = await FanoutLoad.open(server.port, { devices, dashboardsPerDevice: 1, window: 1 });
    for (let round = 0; round <= rounds; round++) {
      for (const name of [quiet, asking]) {
        live.startPaced(devices);
        const asked = name === asking ? askFor(seconds, server.api) : sleep(seconds * 1_000).then(() => []);
        const answersMs = (await asked).sort((a, b) => a - b);
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

/** Asks for so long, and gives how long each answer took, ms. */
async function askFor(
  seconds: number,
  api: { readonly url: string; readonly token: string } | undefined,
): Promise<number[]> {
  const headers = { authorization: `Bearer ${api?.token}` };
  const answersMs: number[] = [];
  for (const endAtMs = performance.now() + seconds * 1_000; performance.now() < endAtMs; ) {
    const startedAtMs = performance.now();
    const answer = await fetch(`${api?.url}/api/v1/fleet/totals?point=grid.power&buckets=60`, { headers });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`The question was answered ${answer.status}: ${text}`);
    answersMs.push(performance.now() - startedAtMs);
  }
  return answersMs;
}

function about(quantity: string) {
  return { quantity, unit: "ms", digits: 2 };
}
