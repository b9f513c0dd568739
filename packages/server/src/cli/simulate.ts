import { readFileSync } from "node:fs";
import type { DeviceBody } from "@wattboard/protocol";
import { defaultUrl } from "@wattboard/protocol";
import type { FleetMember, PlannedDevice } from "@wattboard/simulator";
import { type Command, InvalidArgumentError, Option } from "commander";
import { Failure } from "../base/failure.ts";
import { type AdminClient, openAdminClient } from "./admin-client.ts";
import { addTargetOptions } from "./device.ts";
import { LiveLine, WrongUsage } from "./report.ts";
import { untilSignalled } from "./settings-options.ts";
import { wholeNumber } from "./whole-number.ts";

interface SimulateOptions {
  dataDir: string;
  url?: string;
  devices: number;
  rate: number;
  speed: number;
  seed: number;
  prefix: string;
  tokens?: string;
}

export function addSimulateCommand(program: Command): Command {
  const command = program
    .command("simulate")
    .enablePositionalOptions()
    .description(
      "Run a simulated fleet against a server: batteries, PV, households and the grid, at real places, over real connections.",
    );
  return addTargetOptions(command)
    .addOption(fleetSizeOption(20))
    .option("--rate <hz>", "samples a second from each device", positive, 1)
    .option("--speed <factor>", "how fast the physics runs; timestamps stay the wall clock's", positive, 1)
    .option("--seed <number>", "same seed, same run", wholeNumber(0), 1)
    .option("--prefix <text>", "device ids start with this", "sim")
    .option(
      "--tokens <file>",
      'lines of {"device_id","token"} for devices that are registered already, as `device add --json` prints them',
    )
    .addHelpText(
      "after",
      `
The devices are registered on the way, which needs the rights to do so: a server of this machine is found by --data-dir, one elsewhere
is reached by --url with an admin's API token in WATTBOARD_TOKEN. Only devices that are marked as simulated get a new token.

Examples:
  $ wattboard simulate --devices 200
  $ wattboard simulate --url http://127.0.0.1:8000 --data-dir ./data --devices 50 --rate 2
  $ wattboard simulate --speed 600 --seed 7                 a day in about two and a half minutes
  $ wattboard simulate solmate --help                       devices that speak SMART-OS`,
    )
    .action(async (options: SimulateOptions) => {
      const { formatStatus, planFleet, runFleet } = await import("@wattboard/simulator");
      const planned = planFleet({ devices: options.devices, seed: options.seed, prefix: options.prefix });
      const line = new LiveLine();
      const { fleet, url } = await provision(planned, options, line);
      const stop = new AbortController();
      const signalled = untilSignalled().then(() => stop.abort());
      await orWrongUsage(
        runFleet({
          url,
          fleet,
          rateHz: options.rate,
          speed: options.speed,
          seed: options.seed,
          signal: stop.signal,
          onStatus: (status) => line.show(formatStatus(status)),
        }),
      );
      line.end();
      await signalled;
    });
}

export function fleetSizeOption(fallback: number): Option {
  return new Option("--devices <number>", "how many devices").argParser(wholeNumber(1)).default(fallback);
}

/** Sees to it that every planned device is registered, and gives each its token. A real device is never touched. */
export async function registerFleet(
  planned: readonly PlannedDevice[],
  administration: AdminClient,
  onProgress: (done: number) => void = () => {},
): Promise<FleetMember[]> {
  const known = new Map((await administration.listDevices()).map((device) => [device.device_id, device]));
  const fleet: FleetMember[] = [];
  const isReal = (device: DeviceBody | undefined) => device !== undefined && device.properties.simulated !== "true";
  const real = planned.find(({ deviceId }) => isReal(known.get(deviceId)));
  if (real !== undefined) {
    throw new Failure(
      "request_failed",
      `${real.deviceId} is registered and not marked as simulated. Choose another --prefix.`,
    );
  }
  for (const device of planned) {
    const { deviceId, name, properties } = device;
    const { token } = known.has(deviceId)
      ? await administration.rotateToken(deviceId, { overlap_s: 0 })
      : await administration.addDevice({ deviceId, name, properties });
    fleet.push({ device, token });
    onProgress(fleet.length);
  }
  return fleet;
}

async function provision(
  planned: readonly PlannedDevice[],
  options: SimulateOptions,
  line: LiveLine,
): Promise<{ readonly fleet: FleetMember[]; readonly url: string }> {
  if (options.tokens !== undefined) {
    const tokens = readTokens(options.tokens);
    const fleet = planned.map((device) => {
      const token = tokens.get(device.deviceId);
      if (token === undefined) throw new WrongUsage(`${options.tokens} has no token for ${device.deviceId}.`);
      return { device, token };
    });
    return { fleet, url: options.url ?? defaultUrl };
  }
  // A local server is administered through its data folder even where --url names its address.
  const { dataDir, url: given } = options;
  const administration = await openAdminClient(
    process.env.WATTBOARD_TOKEN === undefined ? { dataDir } : { dataDir, url: given },
  );
  try {
    const url = options.url ?? administration.url;
    if (url === undefined) {
      throw new Failure(
        "no_server",
        `No server runs on ${options.dataDir}. Start one: wattboard serve --data-dir ${options.dataDir}`,
      );
    }
    const fleet = await registerFleet(planned, administration, (done) =>
      line.show(`registering ${done} of ${planned.length} devices`),
    );
    return { fleet, url };
  } catch (error) {
    line.end();
    throw error;
  } finally {
    await administration.close();
  }
}

/** What cannot be run at all, such as an address that is none, was said wrongly. */
export async function orWrongUsage(run: Promise<void>): Promise<void> {
  try {
    await run;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "device_configuration") {
      throw new WrongUsage(error.message, error);
    }
    throw error;
  }
}

/** Reads tokens by device id from a file. */
export function readTokens(file: string): Map<string, string> {
  const tokens = new Map<string, string>();
  let lineNumber = 0;
  try {
    for (const line of readFileSync(file, "utf8").split("\n")) {
      lineNumber++;
      if (line.trim() === "") continue;
      const { device_id: deviceId, token } = (JSON.parse(line) ?? {}) as { device_id?: unknown; token?: unknown };
      if (typeof deviceId !== "string" || typeof token !== "string") throw new SyntaxError();
      tokens.set(deviceId, token);
    }
  } catch (error) {
    // What JSON.parse says may quote the line, and with it a token.
    if (error instanceof SyntaxError)
      throw new WrongUsage(`${file}: line ${lineNumber} is not {"device_id":"…","token":"…"}.`);
    throw new WrongUsage(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  return tokens;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
}
