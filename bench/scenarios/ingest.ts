import { setTimeout as sleep } from "node:timers/promises";
import { DeviceLoad } from "../load/device-load.ts";
import { Comparisons } from "../measure/comparison.ts";
import { cpuSeconds } from "../measure/process-figures.ts";
import { until } from "../measure/until.ts";
import { startPlainWs } from "../servers/plain-ws.ts";
import type { Server } from "../servers/server.ts";
import { startWattboard } from "../servers/wattboard.ts";
import type { RunOptions, Scenario } from "./scenario.ts";

/** Before the clock starts, s: all devices are sending, and the journal is busy too. */
const rampSeconds = 0.5;
/**
 * Messages that a device writes at once. It decides what a message costs the kernel, which is the same for both servers: with few the
 * sockets weigh most, with many (a backlog after an outage) our own work does.
 */
const burstSizes = [4, 32];

interface Subject {
  readonly server: Server;
  readonly load: DeviceLoad;
}

export const ingest: Scenario = {
  name: "ingest",
  summary: "devices send as fast as the server takes it: messages a second, validated and journaled",
  method:
    "Every device keeps two bursts of 4 or of 32 messages on the way; a message counts when the server has processed it (its pong came back). " +
    "Wattboard authenticates, validates, publishes and journals with fsync; the baseline parses and validates with the same validator. " +
    "After each round Wattboard must have stored exactly what it accepted, and accepted exactly what was sent.",
  defaults: { rounds: 5, seconds: 4, devices: 1_000 },
  smoke: { rounds: 1, seconds: 0.3, devices: 20 },

  async run(options, progress) {
    const comparisons = new Comparisons();
    progress(`starting both servers, ${options.devices} devices each`);
    const subjects = [
      await openSubject(await startWattboard(options), options),
      await openSubject(await startPlainWs({ devices: options.devices }), options),
    ];
    for (const burst of burstSizes) {
      for (const subject of subjects) {
        progress(`bursts of ${burst}: warming up ${subject.server.name}`);
        await measure(subject, burst, Math.min(2, options.seconds), new Comparisons());
      }
      for (let round = 1; round <= options.rounds; round++) {
        for (const subject of subjects) {
          const perSecond = Math.round(await measure(subject, burst, options.seconds, comparisons));
          progress(
            `bursts of ${burst}: round ${round} of ${options.rounds}: ${subject.server.name} ${perSecond} messages/s`,
          );
        }
      }
    }
    for (const { server, load } of subjects) {
      load.close();
      await server.stop();
    }
    return comparisons.list();
  },
};

async function openSubject(server: Server, { devices }: RunOptions): Promise<Subject> {
  return { server, load: await DeviceLoad.open(server.port, devices) };
}

async function measure({ server, load }: Subject, burst: number, seconds: number, into: Comparisons): Promise<number> {
  load.start(burst);
  await sleep(rampSeconds * 1_000);
  const cpuBefore = cpuSeconds(server.pid);
  const processedBefore = load.processed;
  const startedAtMs = performance.now();
  await sleep(seconds * 1_000);
  const tookSeconds = (performance.now() - startedAtMs) / 1_000;
  const processed = load.processed - processedBefore;
  const perSecond = processed / tookSeconds;
  const cpuAfter = cpuSeconds(server.pid);
  load.stop();
  await until(
    () => load.isDrained,
    () => `${server.name} left ${load.sent - load.processed} messages unanswered.`,
  );
  const storedAfterMs = await settle(server, load.sent);

  const add = (quantity: string, unit: string, digits: number, value: number): void =>
    into.add({ quantity: `bursts of ${burst}: ${quantity}`, unit, digits, baseline: "plain ws" }, server.name, value);
  add("messages a second", "/s", 0, perSecond);
  if (cpuBefore !== null && cpuAfter !== null) {
    const main = (1e6 * (cpuAfter.main - cpuBefore.main)) / processed;
    const others = (1e6 * (cpuAfter.others - cpuBefore.others)) / processed;
    add("CPU a message, all threads", "µs", 2, main + others);
    add("CPU a message, event loop", "µs", 2, main);
  }
  if (storedAfterMs !== null) add("last message to all durable", "ms", 0, storedAfterMs);
  return perSecond;
}

/** Checks the server's own counts, waiting until all is stored. Gives how long that took, ms; null where nothing is stored. */
async function settle(server: Server, sent: number): Promise<number | null> {
  const startedAtMs = performance.now();
  let counts = await server.counts();
  if (counts.accepted !== sent || counts.lost !== 0) {
    throw new Error(`${server.name}: ${sent} sent, but ${counts.accepted} accepted and ${counts.lost} lost.`);
  }
  if (counts.stored === null) return null;
  await until(
    async () => {
      counts = await server.counts();
      return counts.stored === sent;
    },
    () => `${server.name}: ${sent} accepted, but ${counts.stored} stored.`,
  );
  return performance.now() - startedAtMs;
}
