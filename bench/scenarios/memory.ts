import { setTimeout as sleep } from "node:timers/promises";
import { Burst } from "../load/burst.ts";
import { benchDeviceId } from "../load/message.ts";
import { closeAll, openAll, openDashboard, openDevice, type Peer } from "../load/peer.ts";
import { Comparisons } from "../measure/comparison.ts";
import { residentKb } from "../measure/process-figures.ts";
import { until } from "../measure/until.ts";
import { startPlainWs } from "../servers/plain-ws.ts";
import type { Server, StartServer } from "../servers/server.ts";
import { startWattboard } from "../servers/wattboard.ts";
import type { Scenario } from "./scenario.ts";

/** Connections opened before the first reading, so that code and pools are not charged to the others. */
const warmUpConnections = 50;
const settleMsMax = 8_000;

export const memory: Scenario = {
  name: "memory",
  summary: "memory of an idle connection, device and dashboard",
  method:
    "Resident memory (VmRSS) of a fresh server process with all connections, less that with 50, by the number in between; each reading after garbage " +
    "collections, when it has come to rest. Device ids are registered before. `after one sample` adds what the server keeps of a device's latest sample.",
  defaults: { rounds: 5, seconds: 1, devices: 10_000 },
  smoke: { rounds: 1, seconds: 0.1, devices: 200 },

  async run({ rounds, devices }, progress) {
    const comparisons = new Comparisons();
    const starts: StartServer[] = [startWattboard, startPlainWs];
    for (let round = 1; round <= rounds; round++) {
      for (const start of starts) {
        for (const kind of ["device", "dashboard"] as const) {
          const server = await start({ devices: devices + warmUpConnections, collectable: true });
          const add = (what: string, kb: number): void => {
            progress(`round ${round} of ${rounds}: ${server.name}: ${kb.toFixed(1)} KB per ${what}`);
            const quantity = `memory per ${what}`;
            comparisons.add({ quantity, unit: "KB", digits: 1, baseline: "plain ws" }, server.name, kb);
          };
          const open = kind === "device" ? openDevice : openDashboard;
          const warm = await openAll(warmUpConnections, (index) => open(server.port, devices + index));
          const beforeKb = await settledKb(server);
          const peers = await openAll(devices, (index) => open(server.port, index));
          add(`idle ${kind}`, ((await settledKb(server)) - beforeKb) / devices);
          if (kind === "device") {
            await sendOneEach(server, peers);
            add("device after one sample", ((await settledKb(server)) - beforeKb) / devices);
          }
          closeAll([...warm, ...peers]);
          await server.stop();
        }
      }
    }
    return comparisons.list();
  },
};

async function sendOneEach(server: Server, peers: readonly Peer[]): Promise<void> {
  peers.forEach((peer, index) => {
    peer.socket.write(new Burst(benchDeviceId(index), 1, { ping: false }).stamped());
  });
  await until(
    async () => (await server.counts()).accepted === peers.length,
    () => `${server.name} has not taken a sample of every device.`,
  );
}

/** Memory after garbage collections, when it has stopped falling. */
async function settledKb(server: Server): Promise<number> {
  const deadlineMs = performance.now() + settleMsMax;
  let kb = Number.POSITIVE_INFINITY;
  for (let calm = 0; calm < 3 && performance.now() < deadlineMs; ) {
    server.collectGarbage();
    await sleep(200);
    const nowKb = residentKb(server.pid);
    calm = nowKb < kb * 0.998 ? 0 : calm + 1;
    kb = Math.min(kb, nowKb);
  }
  return kb;
}
