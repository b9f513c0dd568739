import { setTimeout as sleep } from "node:timers/promises";
import { type Answered, Asking } from "../load/asking.ts";
import { FanoutLoad } from "../load/fanout-load.ts";
import { benchDeviceId } from "../load/message.ts";
import { Comparisons } from "../measure/comparison.ts";
import { quantile } from "../measure/spread.ts";
import { until } from "../measure/until.ts";
import { startWattboard } from "../servers/wattboard.ts";
import { makeFullDataFolder, wideDevice } from "../stores/full-data-folder.ts";
import type { Scenario } from "./scenario.ts";

const viewers = 20;
const asksEach = 5;
const liveDevices = 100;
const nothing = "(nothing)";
const quiet = "nobody asks";
const busy = `${viewers} viewers ask`;

/** The heaviest that each route may be asked for, by its path in the document; a route that is not here ends the bench. */
const heaviest: Readonly<Record<string, (nowMs: number) => string>> = {
  "/api/v1/points": () => "",
  "/api/v1/devices": () => "limit=1000",
  "/api/v1/devices/{id}": () => "",
  "/api/v1/devices/{id}/latest": () => "",
  "/api/v1/devices/{id}/points": () => "",
  "/api/v1/devices/{id}/samples": (nowMs) => `limit=10000&${lastHours(nowMs, 24)}`,
  "/api/v1/devices/{id}/history": (nowMs) => `buckets=2000&points=${twentyPoints}&${lastHours(nowMs, 3)}`,
  "/api/v1/devices/{id}/timeline": (nowMs) => `limit=10000&point=own.point_1&${lastHours(nowMs, 24)}`,
  "/api/v1/devices/{id}/energy": (nowMs) => `per=hour&time_zone=Europe/Vienna&${lastHours(nowMs, 83 * 24)}`,
  "/api/v1/devices/{id}/commands": () => "limit=100",
  "/api/v1/devices/{id}/commands/{command}": () => "",
  "/api/v1/devices/{id}/share-links": () => "",
  "/api/v1/devices/{id}/strikes": () => "",
  "/api/v1/fleet/totals": (nowMs) => `buckets=2000&${lastHours(nowMs, 2)}`,
  "/api/v1/fleet/energy": (nowMs) => `per=day&time_zone=Europe/Vienna&${lastHours(nowMs, 48)}`,
  "/api/v1/fleet-commands": () => "",
  "/api/v1/fleet-commands/{fleet}": () => "",
  "/api/v1/fleet-commands/{fleet}/devices": () => "",
  "/api/v1/events": () => "limit=1000",
  "/api/v1/audit": () => "limit=1000",
  "/api/v1/audit/export": () => "",
  "/api/v1/audit/verify": () => "",
  "/api/v1/people": () => "",
  "/api/v1/people/{name}/outstanding": () => "",
  "/api/v1/share-links": () => "",
  "/api/v1/api-tokens": () => "",
  "/api/v1/me": () => "",
  "/api/v1/me/channels": () => "",
  "/api/v1/me/notification-preferences": () => "",
  "/api/v1/me/notifications": () => "limit=200",
  "/api/v1/notifications": () => "limit=200",
  "/api/v1/notifications/failing": () => "",
  "/api/v1/people/{name}/notifications": () => "limit=200",
  "/api/v1/people/{name}/channels": () => "",
  "/api/v1/escalation": () => "",
  "/api/v1/maintenance-windows": () => "",
  "/api/v1/smart-os/waiting": () => "",
  "/api/v1/export": () => `device=${benchDeviceId(wideDevice)}`,
  "/api/v1/store": () => "",
  "/api/v1/store/verify": () => "",
  "/api/v1/store/renewal": () => "",
  "/api/v1/backups/{id}/{name}": () => "",
};
/** What is not in the document, and is asked for all the same. */
const undocumented = [
  "/api/v1/openapi.json",
  "/api/v1/asyncapi.json",
  "/api/v1/docs/",
  "/api/v1/docs/json",
  "/api/v1/docs/yaml",
  "/metrics",
  "/readyz",
  "/",
];
const twentyPoints = Array.from({ length: 20 }, (_, at) => `own.point_${at}`).join(",");

export const turns: Scenario = {
  name: "turns",
  summary:
    "the longest turn of the event loop for each question that can be asked, and the live lane while 20 viewers ask them all",
  method:
    "A server with an hour of samples of a fleet (one in ten seconds), hours of a device with 61 points each second, and thousands of events and rows of the audit. Every GET route of its OpenAPI document, and what is not in there, is asked with its " +
    `heaviest parameters, ${asksEach} times one after the other; a turn is measured in CPU time of the event loop's thread, looked at once a millisecond, so that what else runs on the core does not count. Then ${viewers} viewers ask whatever a viewer may, each as soon as the last answer is read, beside ${liveDevices} other devices ` +
    "with a dashboard each, which send a sample a second; the live lane is measured from a device's write to its dashboard's read. All of the server is on one core.",
  defaults: { rounds: 5, seconds: 10, devices: 1_000 },
  smoke: { rounds: 1, seconds: 1, devices: 20 },

  async run({ rounds, seconds, devices, profileDir }, progress) {
    const comparisons = new Comparisons();
    progress(`filling a store with ${devices} devices`);
    const isSmall = devices < 100;
    const dataDir = await makeFullDataFolder({
      devices,
      silent: liveDevices,
      wideSamples: isSmall ? 2_000 : 10_000,
      rows: isSmall ? 1_000 : 20_000,
    });
    const server = await startWattboard({ devices: devices + liveDevices, dataDir, profileDir, probed: true });
    const longestTurnMs = async () => (await server.longestTurnMs?.()) ?? Number.NaN;
    const { url, token } = server.api ?? { url: "", token: "" };
    const questions = await questionsOf(url, token);
    for (let round = 0; round <= rounds; round++) {
      for (const [name, address] of [[nothing, ""] as const, ...questions]) {
        await longestTurnMs();
        for (let n = 0; n < asksEach; n++) {
          if (address === "") await sleep(20);
          else await read(address, token);
        }
        const turnMs = await longestTurnMs();
        // The first round is for warming up.
        if (round > 0) comparisons.add(about("longest turn of the event loop"), name, turnMs);
      }
      progress(`round ${round} of ${rounds}: ${questions.length} questions asked`);
    }

    const live = await FanoutLoad.open(server.port, {
      devices: liveDevices,
      dashboardsPerDevice: 1,
      window: 1,
      firstDevice: devices,
    });
    const urls = await mayBeAsked(questions);
    for (let round = 0; round <= rounds; round++) {
      for (const name of [quiet, busy]) {
        const asking = name === busy ? Asking.start({ urls, askers: viewers }) : null;
        live.startPaced(liveDevices, { sharesCore: true });
        await sleep(seconds * 1_000);
        live.stop();
        await until(
          () => live.isDrained,
          () => "Not every sample has reached its dashboard.",
        );
        const answered = await asking?.stop();
        const sorted = Float64Array.from(live.takeLatenciesMs()).sort();
        if (round === 0) continue;
        progress(
          `round ${round} of ${rounds}: ${name}: live p99 ${quantile(sorted, 0.99).toFixed(2)} ms${spoken(answered)}`,
        );
        comparisons.add({ ...about("live lane, p50"), baseline: quiet }, name, quantile(sorted, 0.5));
        comparisons.add({ ...about("live lane, p99"), baseline: quiet }, name, quantile(sorted, 0.99));
      }
    }
    live.close();
    await server.stop();
    return comparisons.list();
  },
};

/** Every GET route of the document, by its name, with the heaviest parameters; and what is not in there. */
async function questionsOf(url: string, token: string): Promise<[name: string, address: string][]> {
  const answer = await fetch(`${url}/api/v1/openapi.json`, { headers: { authorization: `Bearer ${token}` } });
  const { paths } = (await answer.json()) as { paths: Record<string, Record<string, object>> };
  const routes = Object.entries(paths).filter(([, methods]) => "get" in methods);
  const nowMs = Date.now();
  const documented = routes.map(([path]): [string, string] => {
    const query = heaviest[path];
    if (query === undefined) throw new Error(`bench/scenarios/turns.ts does not say how to ask ${path}.`);
    const filled = path.replace("{id}", benchDeviceId(wideDevice)).replaceAll(/\{\w+\}/g, "none");
    return [path, `${url}${filled}?${query(nowMs)}`];
  });
  return [...documented, ...undocumented.map((path): [string, string] => [path, url + path])];
}

/** Those that a viewer of a public server may ask; nothing that runs for long by its nature. */
async function mayBeAsked(questions: readonly [name: string, address: string][]): Promise<string[]> {
  const found: string[] = [];
  for (const [name, address] of questions) {
    if (name === "/api/v1/export" || (await read(address)) !== 200) continue;
    found.push(address);
  }
  return found;
}

/** Reads all of the answer, and gives its status. */
async function read(address: string, token?: string): Promise<number> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(address, { headers });
  await answer.arrayBuffer();
  if (answer.status >= 500) throw new Error(`${address} was answered ${answer.status}.`);
  return answer.status;
}

function lastHours(nowMs: number, hours: number): string {
  return `from=${new Date(nowMs - hours * 3_600_000).toISOString()}&to=${new Date(nowMs).toISOString()}`;
}

function spoken(answered: Answered | undefined): string {
  if (answered === undefined) return "";
  return `, answered ${Object.entries(answered)
    .map(([status, count]) => `${count} × ${status}`)
    .join(", ")}`;
}

function about(quantity: string) {
  return { quantity, unit: "ms", digits: 2 };
}
