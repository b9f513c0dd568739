import { setTimeout as sleep } from "node:timers/promises";
import { CommandLoad, type Given } from "../load/command-load.ts";
import { Comparisons } from "../measure/comparison.ts";
import { quantile } from "../measure/spread.ts";
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
    "one at once. The live lane is measured from a device's send to its dashboard, for the same time without commands and with that storm. All commands must end as applied.",
  defaults: { rounds: 5, seconds: 5, devices: 1_000 },
  smoke: { rounds: 1, seconds: 1.5, devices: 20 },

  async run(options, progress) {
    const comparisons = new Comparisons();
    const server = await startWattboard(options);
    if (server.api === undefined) throw new Error("This scenario needs the API.");
    progress(`opening ${options.devices} devices, each with its dashboard`);
    const load = await CommandLoad.open(server.api, options.devices);
    await sleep(1_500);
    for (let round = 1; round <= options.rounds; round++) {
      load.takeLatenciesMs();
      await sleep(options.seconds * 1_000);
      const before = ascending(load.takeLatenciesMs());

      const single = await giveSteadily(load, options.devices, options.seconds);
      load.takeLatenciesMs();
      const startedAtMs = performance.now();
      const all = await load.giveAll();
      const tookMs = performance.now() - startedAtMs;
      await sleep(Math.max(0, options.seconds * 1_000 - tookMs));
      const during = ascending(load.takeLatenciesMs());

      for (const [subject, given] of [
        [alone, single],
        [storm, all],
      ] as const) {
        assertApplied(given);
        const accepted = ascending(given.map(({ acceptedMs }) => acceptedMs ?? Number.NaN));
        const applied = ascending(given.map(({ endedMs }) => endedMs ?? Number.NaN));
        comparisons.add(about("request to accepted, p50", 1), subject, quantile(accepted, 0.5));
        comparisons.add(about("request to accepted, p99", 1), subject, quantile(accepted, 0.99));
        comparisons.add(about("request to applied, p50", 0), subject, quantile(applied, 0.5));
        comparisons.add(about("request to applied, p99", 0), subject, quantile(applied, 0.99));
      }
      comparisons.add(about("until the last of the storm has ended", 0), storm, tookMs);
      for (const [subject, sorted] of [
        [quiet, before],
        [storm, during],
      ] as const) {
        comparisons.add({ ...about("live lane, p50", 2), baseline: quiet }, subject, quantile(sorted, 0.5));
        comparisons.add({ ...about("live lane, p99", 2), baseline: quiet }, subject, quantile(sorted, 0.99));
      }
      progress(
        `round ${round} of ${options.rounds}: the last of ${all.length} had ended after ${Math.round(tookMs)} ms`,
      );
    }
    await load.close();
    await server.stop();
    return comparisons.list();
  },
};

async function giveSteadily(load: CommandLoad, devices: number, seconds: number): Promise<Given[]> {
  const pending: Promise<Given>[] = [];
  const count = Math.round(Math.min(devices, commandsPerSecond * seconds));
  for (let index = 0; index < count; index++) {
    pending.push(load.give(index));
    await sleep(1_000 / commandsPerSecond);
  }
  const given = await Promise.all(pending);
  // One telemetry period, and some.
  for (let waited = 0; given.some(({ endedMs }) => endedMs === null) && waited < 50; waited++) await sleep(100);
  return given;
}

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
