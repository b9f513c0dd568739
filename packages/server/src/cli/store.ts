import type { Command } from "commander";
import { Failure } from "../base/failure.ts";
import { addCareOptions, withCare } from "./care.ts";
import { formatBytes, ProgressBar } from "./progress-bar.ts";
import { printJson, printLine } from "./report.ts";

interface Options {
  dataDir: string;
  url?: string;
  store?: string;
  json?: boolean;
}

export function addStoreCommand(program: Command): void {
  const store = program
    .command("store")
    .description("Look after what is kept: how much it is, and whether all of it can be read.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard store info
  $ wattboard store verify`,
    );

  addCareOptions(store.command("info"))
    .option("--json", "answer in JSON, for scripts")
    .description("Say what is kept: devices, samples, their size, from when to when, and what is missing in between.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard store info
  $ wattboard store info --json                             {"devices":3,"samples":259200,…}`,
    )
    .action(async (options: Options) => {
      const info = await withCare(options, (care) => care.info());
      if (options.json) return printJson(info);
      const perSample = info.bytes_per_sample === null ? "" : `, ${info.bytes_per_sample} bytes a sample`;
      const { count, ms } = info.gaps;
      for (const [what, value] of [
        ["Store", info.store],
        ["Devices", String(info.devices)],
        ["Samples", info.samples.toLocaleString("en-US")],
        ["Size", `${formatBytes(info.bytes)}${perSample}`],
        ["From", info.from ?? "no samples yet"],
        ["To", info.to ?? "no samples yet"],
        [
          "Gaps",
          count === 0 ? "none longer than 15 minutes" : `${count} longer than 15 minutes, ${formatSpan(ms)} together`,
        ],
        ["Kept", info.retention_ms === 0 ? "for ever" : `for ${formatSpan(info.retention_ms)}`],
      ] as const) {
        printLine(`${what.padEnd(8)} ${value}`);
      }
    });

  addCareOptions(store.command("verify"))
    .option("--json", "answer in JSON, for scripts")
    .description("Read everything that is kept, and say what is damaged. Exit code 1 where something is.")
    .addHelpText("after", "\nExamples:\n  $ wattboard store verify --data-dir /var/lib/wattboard")
    .action(async (options: Options) => {
      const progress = new ProgressBar();
      const faults = await withCare(options, (care) =>
        care.verify((share) => progress.show(share, "verifying")).finally(() => progress.end()),
      );
      if (options.json) printJson({ faults });
      else if (faults.length === 0) printLine("All is well: everything that is kept can be read.");
      else for (const fault of faults) printLine(fault);
      if (faults.length === 0) return;
      throw new Failure(
        "store_failed",
        `${faults.length} ${faults.length === 1 ? "part is" : "parts are"} damaged; the rest can be read, and the server goes on without them. Check the disk. To get them back: stop the server, restore a backup to a new folder (wattboard restore), and bring over what is newer with wattboard export and import.`,
      );
    });
}

function formatSpan(ms: number): string {
  const hours = ms / 3_600_000;
  return hours < 48 ? `${hours.toFixed(1)} h` : `${(hours / 24).toFixed(1)} days`;
}
