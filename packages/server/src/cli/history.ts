import type { StrikeBody } from "@wattboard/protocol";
import type { Command } from "commander";
import { parseTime, timeForms } from "../base/parse-time.ts";
import { machineZone, zoneNamed } from "../base/time-zone.ts";
import { addMaintenanceOptions, withMaintenance } from "./maintenance.ts";
import { printJson, printLine, WrongUsage } from "./report.ts";

interface Options {
  dataDir: string;
  url?: string;
  store?: string;
  json?: boolean;
}

export function addHistoryCommand(program: Command): void {
  const history = program
    .command("history")
    .description("Strike wrong values out of a device's past, so that sums and charts do without them.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard history strike ems_001 --from 2026-01-31T12:00:00Z --to 2026-01-31T12:05:00Z --points grid.power
  $ wattboard history strikes ems_001
  $ wattboard history unstrike ems_001 3`,
    );

  addMaintenanceOptions(history.command("strike"))
    .argument("<id>", "the device")
    .requiredOption("--from <time>", timeForms)
    .requiredOption("--to <time>", "likewise; this instant itself is not struck out")
    .option("--points <names>", "only these, with commas between them (default: all)")
    .option("--json", "answer in JSON, for scripts")
    .description("Strike values out. What was stored is kept, and unstrike has it back. It is recorded in the audit.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard history strike ems_001 --from 2026-01-31 --to 2026-02-01
  $ wattboard history strike ems_001 --from -2h --to now --points grid.power,solar.power`,
    )
    .action(async (id: string, options: Options & { from: string; to: string; points?: string }) => {
      const [from, to] = [isoInstantOf(options.from), isoInstantOf(options.to)];
      const points = options.points?.split(",").map((name) => name.trim());
      const made = await withMaintenance({ ...options, role: "admin" }, (maintenance) =>
        maintenance.strike(id, { from, to, points }),
      );
      if (options.json) printJson(made);
      else {
        printLine(`Struck out: ${describeStrike(made)}`);
        printLine(`To undo it: wattboard history unstrike ${id} ${made.strike}`);
      }
    });

  addMaintenanceOptions(history.command("strikes"))
    .argument("<id>", "the device")
    .option("--json", "answer in JSON, for scripts")
    .description("List what is struck out of a device's past.")
    .addHelpText("after", "\nExamples:\n  $ wattboard history strikes ems_001")
    .action(async (id: string, options: Options) => {
      const strikes = await withMaintenance({ ...options, role: "viewer" }, (maintenance) => maintenance.strikes(id));
      if (options.json) printJson(strikes);
      else if (strikes.length === 0) printLine("Nothing is struck out.");
      else for (const strike of strikes) printLine(describeStrike(strike));
    });

  addMaintenanceOptions(history.command("unstrike"))
    .argument("<id>", "the device")
    .argument("<number>", "the strike, as strikes lists it")
    .option("--json", "answer in JSON, for scripts")
    .description("Undo a strike: the values count again. It is recorded in the audit.")
    .addHelpText("after", "\nExamples:\n  $ wattboard history unstrike ems_001 3")
    .action(async (id: string, number: string, options: Options) => {
      if (!/^\d{1,15}$/.test(number)) throw new WrongUsage(`${number} is no number of a strike.`);
      const undone = await withMaintenance({ ...options, role: "admin" }, (maintenance) =>
        maintenance.unstrike(id, Number(number)),
      );
      if (options.json) printJson(undone);
      else printLine(`Counts again: ${describeStrike(undone)}`);
    });
}

function isoInstantOf(text: string): string {
  const ms = parseTime(text, Date.now(), zoneNamed(machineZone));
  if (Number.isNaN(ms)) throw new WrongUsage(`${text} is no time. Give ${timeForms}.`);
  return new Date(ms).toISOString();
}

function describeStrike({ strike, device_id, from, to, points, by }: StrikeBody): string {
  return `${strike}  ${device_id}  ${from} to ${to}  ${points === null ? "all points" : points.join(", ")}  by ${by ?? "somebody"}`;
}
