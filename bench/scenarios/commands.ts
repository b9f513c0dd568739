import { setTimeout as sleep } from "node:timers/promises";
import type { Given } from "../load/command-load.ts";
import { CommandLoadThread } from "../load/command-load-thread.ts";
import { FanoutLoad } from "../load/fanout-load.ts";
import { Comparisons } from "../measure/comparison.ts";
import { quantile } from "../measure/spread.ts";
import { until } from "../measure/until.ts";
import { readLongestPauseMs } from "../servers/longest-pause.ts";
import { startWattboard } from "../servers/wattboard.ts";
import type { Scenario } from "./scenario.ts";

const commandsPerSecond = 50;
const alone = "one at a time";
const quiet = "without commands";
const storm = "with a command to each device at once";

export const commands: Scenario = {
  name: "commands",
  summary:
    "from the request until the device has accepted, and until its telemetry shows it; and a command to every device at once",
  method:
    "Devices with the SDK send a sample a second each and do at once what they are told; each has a dashboard that is told samples and commands. First " +
    `${commandsPerSecond} commands a second go to one device after another, measured from the request to the step on the dashboard, storing included. Then every device gets ` +
    "one at once: all requests are written in one go, over 8 sockets. All commands must end as applied. The live lane is that of as many other devices with a dashboard each, which send a " +
    "sample a second each in a load generator of their own (a thread that comes before the one with the commands), from the device's write to the dashboard's read: every sample from the " +
    "moment of the storm until its last command has ended, and, some seconds later, for the same time without commands. The event loop's longest pause is what the server measures itself in that time.",
  defaults: { rounds: 5, seconds: 5, devices: 1_000 },
  smoke: { rounds: 1, seconds: 1.5, devices: 20 },

  async run({ devices, profileDir, rounds, seconds }, progress) {
    const comparisons = new Comparisons();
    const server = await startWattboard({ devices: 2 * devices, profileDir });
    const { api } = server;
    if (api === undefined) throw new Error("This scenario needs the API.");
    progress(`opening ${2 * devices} devices, each with its dashboard`);
    const load = await CommandLoadThread.open({ api, devices });
    const live = await FanoutLoad.open(server.port, {
      devices,
      dashboardsPerDevice: 1,
      firstDevice: devices,
      window: 1,
    });
    const measureLive = async (round: number, subject: string, act: () => Promise<unknown>): Promise<string> => {
      live.startPaced(devices, { sharesCore: true });
      await sleep(500);
      // What it had before is forgotten.
      await readLongestPauseMs(api.url);
      live.takeLatenciesMs();
      await act();
      const sorted = Float64Array.from(live.takeLatenciesMs()).sort();
      const maxMs = await readLongestPauseMs(api.url);
      live.stop();
      await until(
        () => live.isDrained,
        () => "Not every sample has reached its dashboard.",
      );
      const p99 = quantile(sorted, 0.99);
      // The first round is for warming up.
      if (round > 0) {
        comparisons.add({ ...about("live lane, p50", 2), baseline: quiet }, subject, quantile(sorted, 0.5));
        comparisons.add({ ...about("live lane, p99", 2), baseline: quiet }, subject, p99);
        comparisons.add({ ...about("the event loop's longest pause", 1), baseline: quiet }, subject, maxMs);
      }
      return `${p99.toFixed(2)} ms`;
    };
    for (let round = 0; round <= rounds; round++) {
      const single = await load.giveSteadily(
        Math.round(Math.min(devices, commandsPerSecond * seconds)),
        commandsPerSecond,
      );
      let all: readonly Given[] = [];
      let tookMs = 0;
      const during = await measureLive(round, storm, async () => {
        const startedAtMs = performance.now();
        all = await load.giveAll();
        tookMs = performance.now() - startedAtMs;
      });
      // What a storm leaves to be done, such as putting the audit's log in its place, is not to count as quiet.
      await sleep(3_000);
      const without = await measureLive(round, quiet, () => sleep(tookMs));
      assertApplied([...single, ...all]);
      progress(
        `round ${round} of ${rounds}: all ${all.length} had ended after ${Math.round(tookMs)} ms; live p99 ${during}, without commands ${without}`,
      );
      if (round === 0) continue;
      for (const [subject, given] of [
        [alone, single],
        [storm, all],
      ] as const) {
        const accepted = ascending(given.map(({ acceptedMs }) => acceptedMs ?? Number.NaN));
        const applied = ascending(given.map(({ endedMs }) => endedMs ?? Number.NaN));
        comparisons.add(about("request to accepted, p50", 1), subject, quantile(accepted, 0.5));
        comparisons.add(about("request to accepted, p99", 1), subject, quantile(accepted, 0.99));
        comparisons.add(about("request to applied, p50", 0), subject, quantile(applied, 0.5));
        comparisons.add(about("request to applied, p99", 0), subject, quantile(applied, 0.99));
      }
      comparisons.add(about("until the last of the storm has ended", 0), storm, tookMs);
    }
    await load.close();
    live.close();
    await server.stop();
    return comparisons.list();
  },
};

function assertApplied(given: readonly Given[]): void {
  const other = given.find(({ status }) => status !== "applied");
  if (other !== undefined) throw new Error(`A command has ended as ${other.status}.`);
}

function ascending(values: readonly number[]): Float64Array {
  return Float64Array.from(values).sort();
}

function about(quantity: string, digits: number) {
  return { quantity, unit: "ms", digits };
}
