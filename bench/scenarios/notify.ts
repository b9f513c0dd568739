import { setTimeout as sleep } from "node:timers/promises";
import { FanoutLoad } from "../load/fanout-load.ts";
import { HangingWebhooks } from "../load/hanging-webhooks.ts";
import { Comparisons } from "../measure/comparison.ts";
import { quantile } from "../measure/spread.ts";
import { until } from "../measure/until.ts";
import { startWattboard } from "../servers/wattboard.ts";
import type { Scenario } from "./scenario.ts";

const webhooks = 64;
const quiet = "nobody is told anything";
const hanging = `${webhooks} webhooks hang`;

export const notify: Scenario = {
  name: "notify",
  summary: "what webhooks that hang cost the live lane",
  method:
    `${webhooks} channels of seven people are sent something and never answer, as many as are under way at once; each is given up after 20 s and tried again. Devices with a dashboard each send a sample a second; ` +
    "the live lane is measured from a device's write to its dashboard's read. All of the server is on one core.",
  defaults: { rounds: 5, seconds: 8, devices: 100 },
  smoke: { rounds: 1, seconds: 0.5, devices: 10 },

  async run({ rounds, seconds, devices, profileDir }, progress) {
    const comparisons = new Comparisons();
    const server = await startWattboard({
      devices,
      profileDir,
      settings: { WATTBOARD_NOTIFY_PRIVATE_NETWORKS: "127.0.0.1", WATTBOARD_NOTIFY_PER_HOUR: "1000000" },
    });
    const people = await HangingWebhooks.open(server.api ?? { url: "", token: "" }, webhooks);
    const live = await FanoutLoad.open(server.port, { devices, dashboardsPerDevice: 1, window: 1 });
    const measure = async (name: string, round: number): Promise<void> => {
      const hangingCount = people.hangingCount;
      live.startPaced(devices, { sharesCore: true });
      await sleep(seconds * 1_000);
      live.stop();
      await until(
        () => live.isDrained,
        () => "Not every sample has reached its dashboard.",
      );
      const sorted = Float64Array.from(live.takeLatenciesMs()).sort();
      if (round === 0) return;
      const p99 = quantile(sorted, 0.99);
      progress(
        `round ${round} of ${rounds}: ${name} (${hangingCount} at its beginning): live p99 ${p99.toFixed(2)} ms`,
      );
      const about = (quantity: string) => ({ quantity, unit: "ms", digits: 2, baseline: quiet });
      comparisons.add(about("live lane, p50"), name, quantile(sorted, 0.5));
      comparisons.add(about("live lane, p99"), name, p99);
    };
    for (let round = 0; round <= rounds; round++) {
      // What hung in the round before is given up by then.
      await until(
        () => people.hangingCount === 0,
        () => "Deliveries were not given up in time.",
      );
      await measure(quiet, round);
      await people.ring();
      await until(
        () => people.hangingCount >= webhooks / 2,
        () => "The webhooks were not asked.",
      );
      await measure(hanging, round);
    }
    live.close();
    people.close();
    await server.stop();
    return comparisons.list();
  },
};
