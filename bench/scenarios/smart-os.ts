import { setTimeout as sleep } from "node:timers/promises";
import { SmartOsLoad } from "../load/smart-os-load.ts";
import { Comparisons } from "../measure/comparison.ts";
import { cpuSeconds, cpuShare } from "../measure/process-figures.ts";
import { quantile } from "../measure/spread.ts";
import { until } from "../measure/until.ts";
import type { Server } from "../servers/server.ts";
import { startWattboard } from "../servers/wattboard.ts";
import type { RunOptions, Scenario } from "./scenario.ts";

const clients = 50;
const rampSeconds = 0.3;

interface Subject {
  readonly name: string;
  readonly server: Server;
  readonly load: SmartOsLoad;
}

export const smartOs: Scenario = {
  name: "smart-os",
  summary: `SolMates and ${clients} web clients that are sent every update: updates a second, latency; beside a tenth as many`,
  method:
    `SolMates on \`/update/\` and ${clients} sockets on \`/client/\`, on a server with as many devices, and on another one with a tenth as many (267 was the most that SMART-OS was tried with). ` +
    "The ceiling is sought with 512 updates on the way, or one of each device where there are fewer. Latency is taken at half of the lower ceiling of the two servers in that round, the same load for both: from the device's write " +
    "to the client's read, every delivery, both ends in the load generator. After each round every update must have reached every client once and in its device's order, and must have been answered with OK. All is stored, and written to general.log.",
  defaults: { rounds: 5, seconds: 3, devices: 2_670 },
  smoke: { rounds: 1, seconds: 0.3, devices: 20 },

  async run(options, progress) {
    const comparisons = new Comparisons();
    const few = Math.max(1, Math.round(options.devices / 10));
    const baseline = `${few} devices`;
    const about = (quantity: string, unit: string, digits: number) => ({ quantity, unit, digits, baseline });
    const subjects: Subject[] = [];
    for (const devices of [options.devices, few]) {
      progress(`starting a server with ${devices} SolMates and ${clients} web clients`);
      subjects.push(await openSubject(devices, options));
    }
    for (const subject of subjects) await measureCeiling(subject, Math.min(2, options.seconds));
    for (let round = 1; round <= options.rounds; round++) {
      const ceilings: number[] = [];
      for (const subject of subjects) {
        const { perSecond, cpu, loadCpu } = await measureCeiling(subject, options.seconds);
        ceilings.push(perSecond);
        const deliveries = perSecond * clients;
        progress(`round ${round} of ${options.rounds}: ${subject.name} ${Math.round(perSecond)} updates/s`);
        comparisons.add(about("updates a second", "/s", 0), subject.name, perSecond);
        comparisons.add(about("deliveries a second", "/s", 0), subject.name, deliveries);
        if (cpu !== null) comparisons.add(about("server CPU at the ceiling", "%", 0), subject.name, cpu);
        comparisons.add(about("load generator CPU at the ceiling", "%", 0), subject.name, loadCpu);
      }
      const perSecond = Math.min(...ceilings) / 2;
      for (const subject of subjects) {
        const { sorted, cpu } = await measureLatency(subject, perSecond, options.seconds);
        const [p50, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.99)];
        progress(`round ${round}: ${subject.name} p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`);
        comparisons.add(about("latency p50 at half the ceiling", "ms", 2), subject.name, p50);
        comparisons.add(about("latency p99 at half the ceiling", "ms", 2), subject.name, p99);
        if (cpu !== null) comparisons.add(about("server CPU at half the ceiling", "%", 0), subject.name, cpu);
      }
    }
    for (const { load, server } of subjects) {
      load.close();
      await server.stop();
    }
    return comparisons.list();
  },
};

async function openSubject(devices: number, { profileDir }: RunOptions): Promise<Subject> {
  const settings = { WATTBOARD_SMART_OS_ACCESS: "open", WATTBOARD_SMART_OS_AUTO_REGISTER: "true" };
  const server = await startWattboard({ devices: 0, profileDir, settings });
  const load = await SmartOsLoad.open(server.port, devices, clients);
  const subject = { name: `${devices} devices`, server, load };
  load.introduce();
  await drain(subject);
  return subject;
}

async function measureCeiling(subject: Subject, seconds: number) {
  const { load, server } = subject;
  load.startCeiling();
  await sleep(rampSeconds * 1_000);
  const before = { sent: load.sent, cpu: cpuSeconds(server.pid), loadCpu: process.cpuUsage() };
  const startedAtMs = performance.now();
  await sleep(seconds * 1_000);
  const tookMs = performance.now() - startedAtMs;
  const perSecond = ((load.sent - before.sent) * 1_000) / tookMs;
  const cpu = cpuShare(before.cpu, cpuSeconds(server.pid), tookMs);
  const { user, system } = process.cpuUsage(before.loadCpu);
  await drain(subject);
  return { perSecond, cpu, loadCpu: (user + system) / 10 / tookMs };
}

async function measureLatency(subject: Subject, perSecond: number, seconds: number) {
  const { load, server } = subject;
  const before = cpuSeconds(server.pid);
  const startedAtMs = performance.now();
  load.startPaced(perSecond);
  await sleep(seconds * 1_000);
  const cpu = cpuShare(before, cpuSeconds(server.pid), performance.now() - startedAtMs);
  await drain(subject);
  return { sorted: Float64Array.from(load.takeLatenciesMs()).sort(), cpu };
}

/** Stops, and waits until every update has reached every client; the server's own counts must say so too. */
async function drain({ name, load, server }: Subject): Promise<void> {
  load.stop();
  await until(
    () => load.isDrained,
    () => `With ${name} the server has not delivered everything, or has answered ERROR.`,
  );
  await until(
    async () => {
      const { accepted, lost, stored } = await server.counts();
      return accepted === load.sent && lost === 0 && stored === accepted;
    },
    () => `With ${name} the server has not accepted and stored everything.`,
  );
}
