import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { FleetStatus } from "@wattboard/simulator";
import type { Command } from "commander";
import { isLoopbackName } from "../access/gate.ts";
import { workerUrl } from "../base/worker-url.ts";
import type { Config } from "../config.ts";
import type { Switchboard } from "../switchboard.ts";
import { DirectAdministration } from "./administration.ts";
import type { FleetSetup } from "./fleet-worker.ts";
import { LiveLine, printLine, WrongUsage } from "./report.ts";
import { addSettingsOptions, configOf, exitSoon, untilSignalled } from "./settings-options.ts";
import { fleetSizeOption, registerFleet } from "./simulate.ts";

/** What the demo sets unless told otherwise: its own folder, open to look at, and a quiet log. */
const demoDefaults = {
  data_dir: "./data/demo",
  "access.dashboards": "public",
  "log.level": "warn",
  "smart_os.access": "open",
  "smart_os.auto_register": true,
};
const seed = 1;

export function addDemoCommand(program: Command): void {
  const command = program
    .command("demo")
    .description("Start a server with a simulated fleet, to look around. Its data lies in ./data/demo.")
    .addOption(fleetSizeOption(20))
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard demo
  $ wattboard demo --devices 200 --port 9000`,
    );
  addSettingsOptions(command).action(async (options: { devices: number }) => {
    const config = configOf(command, demoDefaults);
    assertOnLoopback(config);
    const signalled = untilSignalled();
    const { startSwitchboard } = await import("../switchboard.ts");
    const { formatStatus, planFleet } = await import("@wattboard/simulator");
    const switchboard = await startSwitchboard({ config });
    try {
      const planned = planFleet({ devices: options.devices, seed });
      const fleet = await registerFleet(planned, new DirectAdministration(switchboard));
      const setup: FleetSetup = { url: switchboard.url, fleet, rateHz: 1, speed: 1, seed };
      const worker = new Worker(workerUrl(import.meta.url, "./fleet-worker"), { workerData: setup });
      const exited = once(worker, "exit");
      const line = new LiveLine();
      worker.on("message", (status: FleetStatus) => line.show(formatStatus(status)));

      process.stdout.write(`
  Wattboard is running with ${options.devices} simulated devices.

    Fleet, live       ${switchboard.url}
    As operator       ${switchboard.url}${issueOperatorLink(switchboard)}
                      (signs you in, once; without it you may look)
    One device        ${switchboard.url}/devices/${planned[0]?.deviceId}
    As a dashboard    ${switchboard.url.replace("http", "ws")}/ws/dashboard/${planned[0]?.deviceId}
    SolMates          ${switchboard.url.replace("http", "ws")}/update/   (SMART-OS: devices; web clients at /client/)
    Metrics           ${switchboard.url}/metrics

  To try next, in a second terminal:

    npx wattboard device add ems_001 --data-dir ${config.data_dir}      a device of your own
    npx wattboard simulate --help                              more and other fleets
    npx wattboard simulate solmate --url ${switchboard.url}    devices that speak SMART-OS

  Ctrl-C stops everything.
`);
      // A fleet that crashes ends the demo too; its error is thrown here.
      await Promise.race([signalled, exited]);
      line.end();
      printLine("Stopping …");
      worker.postMessage("stop");
      await exited;
    } finally {
      await switchboard.stop();
    }
    exitSoon();
    printLine("Stopped. The samples are in the store; the next demo goes on from there.");
  });
}

/** Who uses the demo may give commands, but not administer: that is `wattboard user setup-link`. */
function issueOperatorLink({ people, oneTimeLinks }: Switchboard): string {
  const name = "demo";
  if (people.find(name) === undefined) people.add({ name, role: "operator", devices: null });
  return oneTimeLinks.issue("sign_in", name).path;
}

/** Its devices are simulated, but its fleet is open to look at, and the link to its operator stands on the screen. */
function assertOnLoopback({ host, tls }: Config): void {
  if (isLoopbackName(host) && tls.cert === "") return;
  throw new WrongUsage(
    "The demo runs on loopback only, without TLS. For a network: wattboard serve, and wattboard simulate.",
  );
}
