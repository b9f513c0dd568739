import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig, startSwitchboard } from "wattboard";
import { benchDeviceId, benchToken } from "../load/message.ts";
import { atEnd } from "../measure/cleanup.ts";
import { until } from "../measure/until.ts";
import { readMetric } from "./read-metric.ts";
import type { Counts, Server, ServerOptions } from "./server.ts";
import { ServerProcess } from "./server-process.ts";

const program = fileURLToPath(new URL("../../node_modules/.bin/wattboard", import.meta.url));
const unlimited = String(1_000_000_000);

/** The limits that a well-behaved fleet never meets, out of the load's way. All else is as it comes out of the box. */
const settings = {
  WATTBOARD_HOST: "127.0.0.1",
  WATTBOARD_PORT: "0",
  WATTBOARD_ACCESS_DASHBOARDS: "public",
  WATTBOARD_LIMITS_MESSAGES_PER_SECOND: unlimited,
  WATTBOARD_LIMITS_MESSAGES_BURST: unlimited,
  WATTBOARD_LIMITS_SOCKETS_PER_ADDRESS: "100000",
  // At full speed the default holds a third of a second; a disk that others use too stalls for longer. What waits at the end is reported.
  WATTBOARD_STORE_QUEUE_BYTES: String(256 * 1024 * 1024),
  WATTBOARD_COMMANDS_PER_SECOND: unlimited,
  WATTBOARD_COMMANDS_BURST: unlimited,
  // The load generator answers no pings.
  WATTBOARD_HEARTBEAT_PING_MS: "3600000",
  WATTBOARD_LOG_LEVEL: "warn",
};

/** Wattboard from its command line, ready for devices. */
export async function startWattboard(options: ServerOptions): Promise<Server> {
  const dataDir = options.dataDir ?? (await makeDataFolder(options.devices));
  const remove = (): void => rmSync(dataDir, { recursive: true, force: true });
  const keep = atEnd(remove);

  const child = new ServerProcess(
    program,
    ["serve"],
    { ...settings, ...options.settings, WATTBOARD_DATA_DIR: dataDir },
    options,
  );
  let api = { url: "", token: "" };
  await until(
    () => {
      child.assertRuns();
      api = readControl(join(dataDir, "control.json"));
      return api.url !== "";
    },
    () => "Wattboard did not start in time.",
  );
  const { url } = api;
  return {
    name: "wattboard",
    port: Number(new URL(url).port),
    pid: child.pid,
    api,
    counts: async () => readCounts(await (await fetch(`${url}/metrics`)).text()),
    collectGarbage: () => child.signal("SIGUSR2"),
    longestTurnMs: () => child.longestTurnMs(),
    stop: async () => {
      await child.stop();
      remove();
      keep();
    },
  };
}

/** A new data folder in which so many devices are registered. It is the caller's to delete. */
export async function makeDataFolder(devices: number): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), "wattboard-bench-"));
  const flags = { port: "0", data_dir: dataDir, "log.level": "silent" };
  const switchboard = await startSwitchboard({ config: loadConfig({ flags, env: {}, file: undefined }).config });
  for (let i = 0; i < devices; i++) switchboard.devices.add({ deviceId: benchDeviceId(i), token: benchToken });
  await switchboard.stop();
  return dataDir;
}

/** The running server writes its address and a token there, for the command line of the same machine. */
function readControl(path: string): { url: string; token: string } {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return { url: "", token: "" };
  }
}

function readCounts(metrics: string): Counts {
  let accepted = 0;
  let lost = 0;
  for (const { label, value } of readMetric(metrics, "wattboard_samples_total")) {
    if (label === "accepted") accepted = value;
    else lost += value;
  }
  const [stored] = readMetric(metrics, "wattboard_stored_samples_total");
  return { accepted, lost, stored: stored?.value ?? 0 };
}
