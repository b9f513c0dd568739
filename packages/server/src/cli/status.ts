import type { ServerBody } from "@wattboard/protocol";
import type { Command } from "commander";
import { addAdministrationOptions, administer, type TargetOptions } from "./device.ts";
import { formatBytes } from "./progress-bar.ts";
import { printJson, printLine } from "./report.ts";

export function addStatusCommand(program: Command): void {
  addAdministrationOptions(program.command("status"))
    .description("Say how the running server does: store, lanes, links, disk, certificates, versions.")
    .addHelpText(
      "after",
      `
Exit code 1 where no server answers.

Examples:
  $ wattboard status
  $ wattboard status --json                                 {"version":"0.2.0","status":"ready",…}
  $ WATTBOARD_TOKEN=… wattboard status --url https://board.example.org`,
    )
    .action(async (options: TargetOptions) => {
      const server = await administer(options, (administration) => administration.serverStatus());
      if (options.json) return printJson(server);
      for (const [what, value] of factsOf(server)) printLine(`${what.padEnd(13)} ${value}`);
    });
}

function factsOf({ store, live, links, disk, certificates, ...server }: ServerBody): readonly [string, string][] {
  const number = (value: number): string => value.toLocaleString("en-US");
  return [
    ["Status", server.fault === null ? server.status : `${server.status}: ${server.fault}`],
    ["Version", `${server.version}, Node ${server.node.slice(1)}, SQLite ${server.sqlite}`],
    ["Since", server.started_at],
    ["Address", server.public_url ?? "where it listens (public_url says nothing)"],
    ["Data", server.data_dir],
    ["Store", store.description],
    ["Stored last", store.stored_at ?? "nothing since the start"],
    ["Waiting", `${formatBytes(store.queued_bytes)} of ${formatBytes(store.queued_bytes_max)}`],
    ["Not stored", number(store.unstored)],
    ...(store.renewed_share < 1
      ? [["Renewed", `${Math.floor(100 * store.renewed_share)} % of the summaries`] as [string, string]]
      : []),
    ["Kept", store.retention_days === 0 ? "for ever" : `for ${number(store.retention_days)} days`],
    ["Messages", `${number(live.accepted)} taken, ${number(live.dropped)} not; ${number(live.delivered)} delivered`],
    ["Stood still", `${number(live.stalled_ms)} ms since the start`],
    ["Commands", `${number(live.open_commands)} open`],
    ["Devices", `${number(links.devices_online)} of ${number(links.devices)} connected`],
    ["Dashboards", `${number(links.dashboards)}; ${number(links.slow_readers)} cut since they did not read`],
    ["Sockets", `${number(links.sockets)} of ${number(links.sockets_max)}`],
    ["Disk", disk.free_bytes === null ? "not told by the system" : `${formatBytes(disk.free_bytes)} free`],
    ...(certificates.length === 0
      ? [["Certificate", "none: the server does not speak TLS itself"] as [string, string]]
      : certificates.map(({ subject, valid_to, days_left }): [string, string] => [
          "Certificate",
          `${subject}, ${days_left < 0 ? `ended ${-days_left} days ago` : `${days_left} days left`}, to ${valid_to}`,
        ])),
  ];
}
