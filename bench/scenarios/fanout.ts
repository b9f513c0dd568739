import { setTimeout as sleep } from "node:timers/promises";
import { FanoutLoad, type Topology } from "../load/fanout-load.ts";
import { Comparisons } from "../measure/comparison.ts";
import { cpuSeconds, cpuShare } from "../measure/process-figures.ts";
import { quantile } from "../measure/spread.ts";
import { until } from "../measure/until.ts";
import { startPlainWs } from "../servers/plain-ws.ts";
import type { Server } from "../servers/server.ts";
import { startWattboard } from "../servers/wattboard.ts";
import type { Progress, RunOptions, Scenario } from "./scenario.ts";

const rampSeconds = 0.3;

interface Subject {
  readonly server: Server;
  readonly load: FanoutLoad;
}

export const fanout: Scenario = {
  name: "fanout",
  summary: "one device to many dashboards, and many devices to one dashboard each: deliveries a second, latency",
  method:
    "The ceiling is sought with a few messages of each device on the way (8 for one device, 2 each for many). Latency is taken at half of the lower " +
    "ceiling of the two servers in that round, the same load for both: from the device's write to the dashboard's read, every delivery, " +
    "both ends in the load generator. Wattboard stores all of it meanwhile; the baseline parses, validates and calls `send` for each dashboard.",
  defaults: { rounds: 5, seconds: 3, devices: 1_000 },
  smoke: { rounds: 1, seconds: 0.3, devices: 20 },

  async run(options, progress) {
    const comparisons = new Comparisons();
    const n = options.devices;
    await compare(`1 → ${n}`, { devices: 1, dashboardsPerDevice: n, window: 8 }, options, comparisons, progress);
    await compare(`${n} × (1 → 1)`, { devices: n, dashboardsPerDevice: 1, window: 2 }, options, comparisons, progress);
    return comparisons.list();
  },
};

async function compare(
  title: string,
  topology: Topology,
  options: RunOptions,
  comparisons: Comparisons,
  progress: Progress,
): Promise<void> {
  progress(`${title}: starting both servers`);
  const start = { devices: topology.devices };
  const subjects = [
    await openSubject(await startWattboard({ ...start, profileDir: options.profileDir }), topology),
    await openSubject(await startPlainWs(start), topology),
  ];
  for (const subject of subjects) await measureCeiling(subject, Math.min(2, options.seconds));
  for (let round = 1; round <= options.rounds; round++) {
    const ceilings: number[] = [];
    for (const subject of subjects) {
      const { name } = subject.server;
      const { perSecond, serverCpu, loadCpu } = await measureCeiling(subject, options.seconds);
      ceilings.push(perSecond);
      progress(`${title}: round ${round} of ${options.rounds}: ${name} ${Math.round(perSecond)} deliveries/s`);
      comparisons.add(about(`${title}: deliveries a second`, "/s", 0), name, perSecond);
      if (serverCpu !== null)
        comparisons.add(about(`${title}: server CPU at the ceiling`, "%", 0, null), name, serverCpu);
      comparisons.add(about(`${title}: load generator CPU at the ceiling`, "%", 0, null), name, loadCpu);
    }
    const perSecond = Math.min(...ceilings) / 2;
    for (const subject of subjects) {
      const { name } = subject.server;
      const { sorted, serverCpu } = await measureLatency(
        subject,
        perSecond / topology.dashboardsPerDevice,
        options.seconds,
      );
      const [p50, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.99)];
      progress(`${title}: round ${round}: ${name} p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`);
      comparisons.add(about(`${title}: latency p50 at half the ceiling`, "ms", 2), name, p50);
      comparisons.add(about(`${title}: latency p99 at half the ceiling`, "ms", 2), name, p99);
      if (serverCpu !== null) {
        comparisons.add(about(`${title}: server CPU at half the ceiling`, "%", 0, null), name, serverCpu);
      }
    }
  }
  for (const { server, load } of subjects) {
    load.close();
    await server.stop();
  }
}

function about(quantity: string, unit: string, digits: number, baseline: string | null = "plain ws") {
  return { quantity, unit, digits, ...(baseline !== null && { baseline }) };
}

async function openSubject(server: Server, topology: Topology): Promise<Subject> {
  return { server, load: await FanoutLoad.open(server.port, topology) };
}

interface Ceiling {
  readonly perSecond: number;
  /** CPU of all its threads, % of a core. */
  readonly serverCpu: number | null;
  readonly loadCpu: number;
}

async function measureCeiling({ server, load }: Subject, seconds: number): Promise<Ceiling> {
  load.startCeiling();
  await sleep(rampSeconds * 1_000);
  const before = { delivered: load.delivered, cpu: cpuSeconds(server.pid), loadCpu: process.cpuUsage() };
  const startedAtMs = performance.now();
  await sleep(seconds * 1_000);
  const tookSeconds = (performance.now() - startedAtMs) / 1_000;
  const perSecond = (load.delivered - before.delivered) / tookSeconds;
  const cpu = cpuSeconds(server.pid);
  const { user, system } = process.cpuUsage(before.loadCpu);
  await drain(server, load);
  return {
    perSecond,
    serverCpu: cpuShare(before.cpu, cpu, tookSeconds * 1_000),
    loadCpu: (user + system) / 1e4 / tookSeconds,
  };
}

interface Latencies {
  /** Ascending, ms. */
  readonly sorted: Float64Array;
  /** Half the ceiling is more than half the CPU: with less waiting on each socket, fewer messages share a read. */
  readonly serverCpu: number | null;
}

async function measureLatency(
  { server, load }: Subject,
  messagesPerSecond: number,
  seconds: number,
): Promise<Latencies> {
  const cpuBefore = cpuSeconds(server.pid);
  const startedAtMs = performance.now();
  load.startPaced(messagesPerSecond);
  await sleep(seconds * 1_000);
  const serverCpu = cpuShare(cpuBefore, cpuSeconds(server.pid), performance.now() - startedAtMs);
  await drain(server, load);
  return { sorted: Float64Array.from(load.takeLatenciesMs()).sort(), serverCpu };
}

/** Stops, and waits until every message has reached every dashboard: none may be lost. */
async function drain(server: Server, load: FanoutLoad): Promise<void> {
  load.stop();
  await until(
    () => load.isDrained,
    () => `${server.name} has not delivered everything.`,
  );
}
