import { setTimeout as sleep } from "node:timers/promises";
import { PacedDevices } from "../load/paced-devices.ts";
import { Comparisons } from "../measure/comparison.ts";
import { cpuSeconds, peakResidentKb } from "../measure/process-figures.ts";
import { until } from "../measure/until.ts";
import { readCommitTimes } from "../servers/commit-times.ts";
import { startWattboard } from "../servers/wattboard.ts";
import type { Scenario } from "./scenario.ts";

export const load: Scenario = {
  name: "load",
  summary:
    "memory, CPU and the longest commit of the whole server with a fleet that sends once a second, and with a tenth of it",
  method:
    "A fresh server for each fleet; every device sends a sample a second at its own moment, and all of it is stored. Peak memory is VmHWM of the process, start and connecting included. A commit is what the " +
    "samples of 250 ms wait for, from the hand-over to the ack; its time is known in the steps of the server's histogram (`wattboard_store_commit_seconds`), so it is `at most` the figure. The server must have stored what was sent. " +
    "Memory is full after about five minutes, when samples begin to move on from it as fast as they come.",
  defaults: { rounds: 1, seconds: 360, devices: 10_000 },
  smoke: { rounds: 1, seconds: 3, devices: 200 },

  async run({ rounds, seconds, devices, profileDir }, progress) {
    const comparisons = new Comparisons();
    for (let round = 1; round <= rounds; round++) {
      for (const count of [Math.ceil(devices / 10), devices]) {
        const name = `${count} devices`;
        const server = await startWattboard({ devices: count, profileDir });
        progress(`round ${round} of ${rounds}: ${name}: connecting`);
        const fleet = await PacedDevices.open(server.port, count);
        const cpuBefore = cpuSeconds(server.pid);
        const startedAtMs = performance.now();
        await sleep(seconds * 1_000);
        const tookSeconds = (performance.now() - startedAtMs) / 1_000;
        const cpu = cpuSeconds(server.pid);
        fleet.stop();
        await until(
          async () => (await server.counts()).stored === fleet.sent,
          () => `Not all of the ${fleet.sent} samples have been stored.`,
        );
        const { lost } = await server.counts();
        if (lost > 0) throw new Error(`${lost} samples were lost.`);
        const peakMb = peakResidentKb(server.pid) / 1_024;
        const { all, atMostMs } = await readCommitTimes(server.api?.url ?? "");
        progress(`${name}: at most ${Math.round(peakMb)} MB; the longest of ${all} commits at most ${atMostMs(1)} ms`);
        comparisons.add({ quantity: "peak memory", unit: "MB", digits: 0 }, name, peakMb);
        if (cpuBefore !== null && cpu !== null) {
          const used = cpu.main + cpu.others - cpuBefore.main - cpuBefore.others;
          comparisons.add(
            { quantity: "CPU, all threads", unit: "% of a core", digits: 0 },
            name,
            (100 * used) / tookSeconds,
          );
        }
        comparisons.add({ quantity: "99 % of the commits, at most", unit: "ms", digits: 0 }, name, atMostMs(0.99));
        comparisons.add({ quantity: "longest commit, at most", unit: "ms", digits: 0 }, name, atMostMs(1));
        fleet.close();
        await server.stop();
      }
    }
    return comparisons.list();
  },
};
