import type { Command } from "commander";
import { Failure } from "../base/failure.ts";
import type { Verified } from "../store/store.ts";
import { addMaintenanceOptions, withMaintenance } from "./maintenance.ts";
import { formatBytes, ProgressBar } from "./progress-bar.ts";
import { Questioner, yesOrNo } from "./questions.ts";
import { printJson, printLine, WrongUsage } from "./report.ts";

interface Options {
  dataDir: string;
  url?: string;
  store?: string;
  json?: boolean;
}

export function addStoreCommand(program: Command): void {
  const store = program
    .command("store")
    .description(
      "Look after what is kept: how much it is, whether all of it can be read, and what to do where it cannot.",
    )
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard store info
  $ wattboard store verify
  $ wattboard store repair`,
    );

  addMaintenanceOptions(store.command("info"))
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
      const info = await withMaintenance({ ...options, role: "viewer" }, (maintenance) => maintenance.info());
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
        ...(info.renewed_share < 1
          ? [["Renewed", `${Math.floor(100 * info.renewed_share)} % of the summaries, the others follow`] as const]
          : []),
        ["Kept", info.retention_ms === 0 ? "for ever" : `for ${formatSpan(info.retention_ms)}`],
      ] as const) {
        printLine(`${what.padEnd(8)} ${value}`);
      }
    });

  addMaintenanceOptions(store.command("verify"))
    .option("--json", "answer in JSON, for scripts")
    .description("Read everything that is kept, and say what is damaged. Exit code 1 where something is.")
    .addHelpText("after", "\nExamples:\n  $ wattboard store verify --data-dir /var/lib/wattboard")
    .action(async (options: Options) => {
      const { faults, unchecked } = await verifyStore(options);
      if (options.json) printJson({ faults, unchecked });
      else {
        for (const fault of faults) printLine(fault);
        if (faults.length === 0) printLine("All is well: everything that is kept can be read.");
        if (unchecked > 0) {
          printLine(
            `${unchecked.toLocaleString("en-US")} rows are from before there were checksums: a changed number would not show there. wattboard store repair gives them theirs.`,
          );
        }
      }
      if (faults.length > 0) throw damaged(faults);
    });

  addMaintenanceOptions(store.command("repair"))
    .option("--json", "answer in JSON, for scripts; needs --yes")
    .option("-y, --yes", "do not ask")
    .description(
      "Drop what cannot be read, after it was listed and you agreed; make anew what can be made from the rest.",
    )
    .addHelpText(
      "after",
      `
Minutes, summaries, lists and indexes are made anew from the samples. Samples that cannot be read are dropped and listed: those that a
backup still has come back from there (wattboard restore to another folder, export, import). Rows from before there were checksums get
theirs, which writes them all anew. It is recorded in the audit. Without a terminal it needs --yes; else it lists, and changes nothing.

Examples:
  $ wattboard store repair --data-dir /var/lib/wattboard
  $ wattboard store repair --yes --json                     {"repaired":["The block of ems_001 at …; dropped"]}`,
    )
    .action(async (options: Options & { readonly yes?: boolean }) => {
      if (!options.yes) {
        if (options.json) throw new WrongUsage("--json asks nothing, so it needs --yes.");
        const { faults, unchecked } = await verifyStore(options);
        for (const fault of faults) printLine(fault);
        if (faults.length === 0 && unchecked === 0) return printLine("All is well: there is nothing to repair.");
        if (unchecked > 0) printLine(`${unchecked.toLocaleString("en-US")} rows have no checksum yet.`);
        if (!process.stdin.isTTY)
          throw damaged(faults, "Nothing was changed. To repair it: wattboard store repair --yes");
        if (!(await isAgreed())) return printLine("Nothing was changed.");
      }
      const progress = new ProgressBar();
      const repaired = await withMaintenance({ ...options, role: "admin" }, (maintenance) =>
        maintenance.repair((share) => progress.show(share, "repairing")).finally(() => progress.end()),
      );
      if (options.json) printJson({ repaired });
      else for (const line of repaired) printLine(line);
      if (!options.json && repaired.length === 0) printLine("Nothing was damaged. Every row has its checksum.");
    });
}

async function verifyStore(options: Options): Promise<Verified> {
  const progress = new ProgressBar();
  return await withMaintenance({ ...options, role: "admin" }, (maintenance) =>
    maintenance.verify((share) => progress.show(share, "verifying")).finally(() => progress.end()),
  );
}

async function isAgreed(): Promise<boolean> {
  const questioner = new Questioner();
  try {
    const text = "Drop what cannot be read, and make anew what can be? y or n";
    return await questioner.ask({ text, flag: "--yes", usual: false, parse: yesOrNo, format: () => "n" });
  } finally {
    questioner.close();
  }
}

function damaged({ length }: readonly string[], wayOn = howToRepair): Failure {
  const what = length === 1 ? "1 place is" : `${length} places are`;
  return new Failure(
    "store_damaged",
    `${what} damaged; the rest can be read, and the server goes on without them. ${wayOn}`,
  );
}

const howToRepair =
  "Check the disk. wattboard store repair drops what cannot be read; a backup may have it still: restore it to another folder (wattboard restore), and bring it over with wattboard export and import.";

function formatSpan(ms: number): string {
  const hours = ms / 3_600_000;
  return hours < 48 ? `${hours.toFixed(1)} h` : `${(hours / 24).toFixed(1)} days`;
}
