import { setTimeout as sleep } from "node:timers/promises";
import { BackfillLoad } from "../load/backfill-load.ts";
import { FanoutLoad } from "../load/fanout-load.ts";
import { Comparisons } from "../measure/comparison.ts";
import { quantile } from "../measure/spread.ts";
import { until } from "../measure/until.ts";
import { startWattboard } from "../servers/wattboard.ts";
import type { Scenario } from "./scenario.ts";

const quiet = "nobody brings anything back";
const one = "one device brings back a day";
const many = "50 devices do";
const backfilling = { [quiet]: 0, [one]: 1, [many]: 50 } as const;

export const backfill: Scenario = {
  name: "backfill",
  summary: "the live lane while devices bring back what they measured in an outage, and how fast they may",
  method:
    "Live devices with a dashboard each send a sample a second; the live lane is measured from a device's write to its dashboard's read. Beside them one device, and then 50, send backfill as fast as the server tells them (its defaults), in frames of 40 samples of 361 bytes. " +
    "All of the server is on one core. `backfilled` counts what was handed to the store, all devices together.",
  defaults: { rounds: 5, seconds: 10, devices: 200 },
  smoke: { rounds: 1, seconds: 1, devices: 20 },

  async run({ rounds, seconds, devices, profileDir }, progress) {
    const comparisons = new Comparisons();
    const server = await startWattboard({ devices: devices + 100, profileDir });
    const live = await FanoutLoad.open(server.port, { devices, dashboardsPerDevice: 1, window: 1 });
    const { url, token } = server.api ?? { url: "", token: "" };
    const backfilled = async (): Promise<number> => {
      const text = await (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text();
      return Number(/^wattboard_backfilled_samples_total (\d+)/m.exec(text)?.[1] ?? 0);
    };
    for (let round = 0; round <= rounds; round++) {
      for (const name of [quiet, one, many] as const) {
        const count = backfilling[name];
        const load = count === 0 ? null : await BackfillLoad.open(server.port, count, devices);
        const before = await backfilled();
        live.startPaced(devices, { sharesCore: true });
        await sleep(seconds * 1_000);
        live.stop();
        const perSecond = ((await backfilled()) - before) / seconds;
        load?.close();
        await until(
          () => live.isDrained,
          () => "Not every sample has reached its dashboard.",
        );
        const sorted = Float64Array.from(live.takeLatenciesMs()).sort();
        if (round === 0) continue;
        progress(`round ${round} of ${rounds}: ${name}: live p99 ${quantile(sorted, 0.99).toFixed(2)} ms`);
        const about = (quantity: string) => ({ quantity, unit: "ms", digits: 2, baseline: quiet });
        comparisons.add(about("live lane, p50"), name, quantile(sorted, 0.5));
        comparisons.add(about("live lane, p99"), name, quantile(sorted, 0.99));
        if (count > 0) comparisons.add({ quantity: "backfilled", unit: "samples/s", digits: 0 }, name, perSecond);
      }
    }
    live.close();
    await server.stop();
    return comparisons.list();
  },
};
