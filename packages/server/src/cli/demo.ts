import type { FleetStatus } from "@wattboard/simulator";
import { type Command, Option } from "commander";
import { isLoopbackName } from "../access/authorizer.ts";
import type { Switchboard } from "../app/switchboard.ts";
import { systemClock } from "../base/clock.ts";
import { systemErrorCode } from "../base/failure.ts";
import { WorkerClient } from "../base/worker-client.ts";
import { workerUrl } from "../base/worker-url.ts";
import type { Config } from "../config/config.ts";
import { openAdminClient } from "./admin-client.ts";
import { type DemoPast, devicesWithPastMax, fineDevices, startPast } from "./demo-past.ts";
import type { FleetMethods, FleetSetup } from "./fleet-worker.ts";
import { bar } from "./progress-bar.ts";
import { LiveLine, printLine, WrongUsage } from "./report.ts";
import { addSettingsOptions, configOf, exitSoon, onHangup, untilServerEnds } from "./settings-options.ts";
import { fleetSizeOption, registerFleet } from "./simulate.ts";
import { wholeNumber } from "./whole-number.ts";

/** What the demo sets unless told otherwise: its own folder, open to look at, and a quiet log. */
const demoDefaults = {
  data_dir: "./data/demo",
  "access.dashboards": "public",
  "log.level": "warn",
  "smart_os.access": "open",
  "smart_os.auto_register": true,
};
/** For pages and whatever else is tried; not more, so that the usual limit of open files is enough. */
const socketsBesideFleet = 200;
const seed = 1;

interface DemoOptions {
  readonly devices: number;
  readonly historyDays: number;
  readonly history: boolean;
}

export function addDemoCommand(program: Command): void {
  const command = program
    .command("demo")
    .description("Start a server with a simulated fleet, to look around. Its data lies in ./data/demo.")
    .addOption(fleetSizeOption(20))
    .addOption(
      new Option("--history-days <number>", "how many days of a past a new demo has")
        .argParser(wholeNumber(1, 3_650))
        .default(400),
    )
    .option("--no-history", "begin without a past")
    .addHelpText(
      "after",
      `
A new demo has a past, so that charts, energy and coverage are there at once. It is made behind the live samples, today first. The first
${fineDevices} devices have a sample a second in the last two days, one in 15 minutes in the last week, and one an hour before; the others one in
ten seconds, an hour, and three hours. Only the first ${devicesWithPastMax} devices have a past. Ctrl-C may end it: the next demo goes on with it.

Examples:
  $ wattboard demo
  $ wattboard demo --devices 200 --port 9000
  $ wattboard demo --history-days 30
  $ wattboard demo --no-history --data-dir ./data/demo-empty`,
    );
  addSettingsOptions(command).action((options: DemoOptions) => runDemo(command, options));
}

async function runDemo(command: Command, options: DemoOptions): Promise<void> {
  const config = configOf(command, { ...demoDefaults, "limits.sockets": options.devices + socketsBesideFleet });
  assertOnLoopback(config);
  const ended = Promise.race([untilServerEnds(), untilTerminalIsGone()]);
  const { startSwitchboard } = await import("../app/switchboard.ts");
  const { formatStatus, planFleet } = await import("@wattboard/simulator");
  const switchboard = await startSwitchboard({ config });
  onHangup(switchboard);
  let past: DemoPast | null = null;
  try {
    const planned = planFleet({ devices: options.devices, seed });
    const isNew = planned.every(({ deviceId }) => switchboard.devices.find(deviceId) === undefined);
    const fleet = await registerFleet(planned, await openAdminClient({ dataDir: config.data_dir }));
    const line = new LiveLine();
    let pastShare = 1;
    if (options.history) {
      const { days, onProgress } = { days: options.historyDays, onProgress: (share: number) => (pastShare = share) };
      past = await startPast(switchboard, config.data_dir, planned, { days, isNew, seed }, onProgress);
      if (past !== null) pastShare = 0;
    }
    let members: FleetSetup["fleet"] = fleet;
    const thread = new WorkerClient<FleetMethods, FleetStatus>({
      url: workerUrl(import.meta.url, "./fleet-worker"),
      setup: () => ({
        data: { url: switchboard.url, fleet: members, rateHz: 1, speed: 1, seed } satisfies FleetSetup,
      }),
      clock: systemClock,
      name: "the thread of the fleet",
      endedCode: "request_failed",
      onNotice: (status) => line.show(`${pastShare < 1 ? `past ${bar(pastShare)} · ` : ""}${formatStatus(status)}`),
    });

    printWelcome(switchboard, options.devices, planned[0]?.deviceId, config.data_dir);
    // The batteries go on from where their past has left them. What the past is short of is no reason to end the live fleet.
    const starts = await Promise.race([ended.then(() => null), past?.starts]);
    if (starts !== null) {
      members = fleet.map((member, index) => ({ ...member, start: starts?.[index] }));
      past?.done.catch((error: unknown) =>
        switchboard.log.warn({ err: error }, "the past could not be made to its end"),
      );
      const fleetEnded = thread.call("run");
      // A fleet that crashes ends the demo too; its error is thrown here.
      await Promise.race([ended, fleetEnded]);
      line.end();
      printLine("Stopping …");
      await Promise.all([past?.stop(), fleetEnded, thread.close()]);
    }
  } finally {
    await past?.stop();
    await switchboard.stop();
  }
  exitSoon();
  printLine("Stopped. The samples are in the store; the next demo goes on from there.");
}

function printWelcome(switchboard: Switchboard, devices: number, firstId: string | undefined, dataDir: string): void {
  process.stdout.write(`
  Wattboard is running with ${devices} simulated devices.

    Fleet, live       ${switchboard.url}
    As operator       ${switchboard.publicUrl}${issueOperatorLink(switchboard)}
                      (signs you in, once; without it you may look)
    One device        ${switchboard.url}/devices/${firstId}
    As a dashboard    ${switchboard.url.replace("http", "ws")}/ws/dashboard/${firstId}
    SolMates          ${switchboard.url.replace("http", "ws")}/update/   (SMART-OS: devices; web clients at /client/)
    Metrics           ${switchboard.url}/metrics

  To try next, in a second terminal:

    npx wattboard device add ems_001 --data-dir ${dataDir}      a device of your own
    npx wattboard simulate --help                              more and other fleets
    npx wattboard simulate solmate --url ${switchboard.url}    devices that speak SMART-OS

  Ctrl-C stops everything.
`);
}

/** Who uses the demo may give commands, but not administer: that is `wattboard user setup-link`. */
function issueOperatorLink({ people, oneTimeLinks }: Switchboard): string {
  const name = "demo";
  if (people.find(name) === undefined) people.add({ name, role: "operator", devices: null });
  return oneTimeLinks.issue("sign_in", name).path;
}

/** A demo is for whoever looks at it: where its terminal was closed, it ends. */
function untilTerminalIsGone(): Promise<void> {
  return new Promise((resolve) => {
    for (const stream of [process.stdout, process.stderr]) {
      stream.on("error", (error) => {
        if (systemErrorCode(error) === "EIO") resolve();
      });
    }
  });
}

/** Its devices are simulated, but its fleet is open to look at, and the link to its operator stands on the screen. */
function assertOnLoopback({ host, tls }: Config): void {
  if (isLoopbackName(host) && tls.cert === "") return;
  throw new WrongUsage(
    "The demo runs on loopback only, without TLS. For a network: wattboard serve, and wattboard simulate.",
  );
}
