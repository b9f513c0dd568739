import { type Command, InvalidArgumentError, Option } from "commander";
import { Failure } from "../base/failure.ts";
import { parseTime, timeForms } from "../base/parse-time.ts";
import { machineZone, zoneNamed } from "../base/time-zone.ts";
import { type ExportFormat, type ExportQuery, exportEndMs, exportFormats } from "../transfer/export/export-query.ts";
import { isPointName } from "../transfer/import/point-name.ts";
import { exportDays } from "./export-days.ts";
import { exportFile } from "./export-file.ts";
import { ExportProgress } from "./export-progress.ts";
import { addMaintenanceOptions, type MaintenanceClient, withMaintenance } from "./maintenance.ts";
import { printFile, WrongUsage } from "./report.ts";

const interruptions = ["SIGINT", "SIGTERM"] as const;

interface ExportOptions {
  dataDir: string;
  url?: string;
  store?: string;
  device?: string[];
  all?: boolean;
  from?: (nowMs: number) => number;
  to?: (nowMs: number) => number;
  points?: string[];
  format: ExportFormat;
  out?: string;
  perDay?: string;
  resume?: boolean;
}

export function addExportCommand(program: Command): void {
  addMaintenanceOptions(program.command("export"))
    .description("Write raw samples as CSV or Parquet, also while the server runs.")
    .option("--device <id>", "a device; may be given again", (id: string, before: string[] = []) => [...before, id])
    .option("--all", "every registered device")
    .option(
      "--from <time>",
      "samples measured from then on: 2026-01-31, -24h, 2026-01-31T12:00:00Z (default: the first)",
      readInstant,
    )
    .option("--to <time>", "samples measured before then (default: all, also of clocks that are ahead)", readInstant)
    .option(
      "--points <list>",
      "only these points, such as grid.power,battery.soc, and only samples with one of them",
      pointList,
    )
    .addOption(new Option("--format <format>", "what to write").choices([...exportFormats]).default("csv"))
    .option("--out <file>", "write to a new file (default: standard output)")
    .option("--per-day <folder>", "write a file for each day (UTC) into a folder")
    .option("--resume", "go on where --out (CSV) or --per-day ended: a file that was broken off, or is not up to date")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard export --device ems_001 --from -24h > day.csv
  $ wattboard export --all --from 2026-01-01 --to 2026-02-01 --format parquet --out january.parquet
  $ wattboard export --all --points grid.power,battery.soc --per-day history --format parquet
  $ wattboard export --device ems_001 --out ems_001.csv --resume        adds what is new
  $ WATTBOARD_TOKEN=… wattboard export --all --url https://board.example.org --out all.csv`,
    )
    .action(async (options: ExportOptions) => {
      assertUsage(options);
      const interrupted = new AbortController();
      const interrupt = (): void => interrupted.abort(new Failure("export_failed", "The export was interrupted."));
      // Told only once: who asks a second time is not kept waiting.
      for (const name of interruptions) process.once(name, interrupt);
      await withMaintenance({ ...options, role: "viewer" }, async (maintenance) => {
        const leftOut = new Set<string>();
        const query = {
          ...(await queryOf(maintenance, options)),
          signal: interrupted.signal,
          onLeftOut(what: readonly string[]) {
            for (const each of what) leftOut.add(each);
          },
        };
        if (options.perDay !== undefined) await exportDays(maintenance, query, options.perDay, options);
        else if (options.out !== undefined) await exportFile(maintenance, query, options.out, options);
        else await exportToOutput(maintenance, query);
        if (leftOut.size > 0) throw incomplete([...leftOut]);
      }).finally(() => {
        for (const name of interruptions) process.off(name, interrupt);
      });
    });
}

function assertUsage({ device, all, out, perDay, format, resume, to }: ExportOptions): void {
  if ((device === undefined) === (all === undefined)) {
    throw new WrongUsage("Say what to export: --device ID, once for each device, or --all.");
  }
  if (out !== undefined && perDay !== undefined) throw new WrongUsage("Give --out or --per-day, not both.");
  if (resume === undefined) {
    if (out === undefined && perDay === undefined && format === "parquet" && process.stdout.isTTY) {
      throw new WrongUsage("Parquet is not for a terminal. Name a file with --out.");
    }
    return;
  }
  if (out === undefined && perDay === undefined)
    throw new WrongUsage("--resume needs the --out or the --per-day to go on with.");
  if (out !== undefined && format === "parquet") {
    throw new WrongUsage(
      "A Parquet file cannot be gone on with, since its index stands at its end. Write a file for each day: --per-day FOLDER --resume",
    );
  }
  if (out !== undefined && to === undefined && (all || (device?.length ?? 0) > 1)) {
    throw new WrongUsage(
      "To go on with a file of several devices, give the --to of the first time: else the devices that are done would end earlier than the others.",
    );
  }
}

async function queryOf(
  maintenance: MaintenanceClient,
  { device, from, to, points, format }: ExportOptions,
): Promise<ExportQuery> {
  const nowMs = Date.now();
  const fromMs = from?.(nowMs) ?? 0;
  const toMs = to?.(nowMs) ?? exportEndMs(nowMs);
  if (fromMs >= toMs) throw new WrongUsage("--from must be before --to.");
  const registered = await maintenance.deviceIds();
  const unknown = device?.find((id) => !registered.includes(id));
  if (unknown !== undefined) throw new WrongUsage(`No device ${unknown} is registered. See: wattboard device list`);
  const deviceIds = device === undefined ? registered : [...new Set(device)];
  if (deviceIds.length === 0) throw new WrongUsage("No devices are registered yet, so there is nothing to export.");
  return { deviceIds, isAll: device === undefined, fromMs, toMs, points, format };
}

async function exportToOutput(maintenance: MaintenanceClient, query: ExportQuery): Promise<void> {
  const progress = new ExportProgress(query);
  try {
    await printFile(noted(await maintenance.export(query), progress, query.signal));
  } catch (error) {
    const { lastRow } = progress;
    if (!(error instanceof Failure) || lastRow === null) throw error;
    const hint = `The last rows written are of ${lastRow.deviceId} at ${lastRow.time}. To go on there by itself, write to a file: --out, and then --resume.`;
    throw new Failure(error.code, `${error.message} ${hint}`, error);
  } finally {
    progress.end();
  }
}

/** All is exported that can be read. */
function incomplete(leftOut: readonly string[]): Failure {
  return new Failure(
    "store_damaged",
    `The export is whole but for what cannot be read:\n${leftOut.map((what) => `  ${what}`).join("\n")}\nWhat is damaged altogether: wattboard store verify`,
  );
}

async function* noted(
  pieces: AsyncIterable<Uint8Array>,
  progress: ExportProgress,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    signal?.throwIfAborted();
    progress.note(piece);
    yield piece;
  }
}

function readInstant(text: string): (nowMs: number) => number {
  // A day is that of whoever asks.
  const timeZone = zoneNamed(machineZone);
  if (Number.isNaN(parseTime(text, 0, timeZone))) throw new InvalidArgumentError(`It must be ${timeForms}.`);
  return (nowMs) => parseTime(text, nowMs, timeZone);
}

function pointList(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  const misnamed = names.find((name) => !isPointName(name));
  if (misnamed !== undefined)
    throw new InvalidArgumentError(`${JSON.stringify(misnamed)} is no name of a point; one is grid.power.`);
  return names;
}
