import { describeDevices } from "@wattboard/protocol";
import type { Command } from "commander";
import { parseDuration } from "./api-token.ts";
import { addAdministrationOptions, type TargetOptions } from "./device.ts";
import { withNotify } from "./notify-client.ts";
import { printJson, printLine, printTable } from "./report.ts";

interface BeginOptions extends TargetOptions {
  device?: string[];
  where?: string[];
  for: number;
  from?: string;
  note?: string;
}

const collectValues = (value: string, before: string[] = []): string[] => [...before, value];

export function addMaintenanceCommand(program: Command): void {
  const maintenance = program
    .command("maintenance")
    .description("Times in which nobody is told of some devices; their alarms are recorded all the same.")
    .addHelpText(
      "after",
      "\nExamples:\n  $ wattboard maintenance begin --device ems_001 --for 2h --note 'New inverter'",
    );

  addAdministrationOptions(maintenance.command("begin"))
    .description("Begin one. What still holds at its end is told then.")
    .option("--device <id>", "which device; may be given again", collectValues)
    .option(
      "--where <condition>",
      "which devices, as in the filters of the fleet page; may be given again",
      collectValues,
    )
    .requiredOption("--for <time>", "how long, such as 90m or 4h, up to 30d", parseDuration)
    .option("--from <time>", "when it begins, such as 2026-02-01T08:00:00Z (default: now)")
    .option("--note <text>", "why")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard maintenance begin --device ems_001 --device ems_002 --for 2h
  $ wattboard maintenance begin --where "properties.site = Uppsala" --for 4h --note "Grid works"`,
    )
    .action(async ({ device = [], where = [], from, note, for: lengthMs, ...options }: BeginOptions) => {
      const fromMs = from === undefined ? Date.now() : Date.parse(from);
      const window = await withNotify(options, (client) =>
        client.beginWindow({
          device_ids: device,
          where,
          until: Number.isNaN(fromMs) ? "" : new Date(fromMs + lengthMs).toISOString(),
          ...(from !== undefined && { from }),
          ...(note !== undefined && { note }),
        }),
      );
      if (options.json) printJson(window);
      else printLine(`${window.window_id}: nobody is told of these devices from ${window.from} to ${window.until}.`);
    });

  addAdministrationOptions(maintenance.command("list"))
    .description("List those that have not ended.")
    .addHelpText("after", "\nExamples:\n  $ wattboard maintenance list")
    .action(async (options: TargetOptions) => {
      const windows = await withNotify(options, (client) => client.windows());
      if (options.json) return printJson(windows);
      if (windows.length === 0) return printLine("Nothing is in maintenance, and nothing is planned.");
      printTable(
        ["WINDOW", "FROM", "UNTIL", "DEVICES", "BY", "NOTE"],
        windows.map((each) => [
          each.window_id,
          each.from,
          each.until,
          each.where.length > 0 ? each.where.join(" and ") : describeDevices([...each.device_ids]),
          each.created_by,
          each.note,
        ]),
      );
    });

  addAdministrationOptions(maintenance.command("end <window>"))
    .description("End one now; what still holds is told.")
    .addHelpText("after", "\nExamples:\n  $ wattboard maintenance end mnt_5f0c2a9b1d3e4f60")
    .action(async (windowId: string, options: TargetOptions) => {
      const ended = await withNotify(options, (client) => client.endWindow(windowId));
      if (options.json) printJson(ended);
      else printLine(`${windowId} has ended.`);
    });
}
