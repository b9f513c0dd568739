import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Command, Option } from "commander";
import { systemErrorCode } from "../base/failure.ts";
import type { ColumnMapping } from "../transfer/csv-columns.ts";
import { CsvHeaderFault, type CsvOptions } from "../transfer/import/csv-import.ts";
import { type ImportTally, importCsv } from "../transfer/import/import-csv.ts";
import { ImportJudge } from "../transfer/import/import-sample.ts";
import * as parse from "./import-arguments.ts";
import { printPreview } from "./import-preview.ts";
import { addMaintenanceOptions, type Maintenance, withMaintenance } from "./maintenance.ts";
import { ProgressBar } from "./progress-bar.ts";
import { Questioner, yesOrNo } from "./questions.ts";
import { printJson, printLine, WrongUsage } from "./report.ts";

interface Options {
  dataDir: string;
  url?: string;
  store?: string;
  json?: boolean;
  device?: string;
  map?: ColumnMapping[];
  time: string;
  timeFormat?: string;
  timeZone?: string;
  utcOffset?: number;
  where?: { column: string; value: string }[];
  encoding?: string;
  headerLine?: number;
  decimalComma?: boolean;
  thousands?: string;
  null?: string[];
  separator?: string;
  dryRun?: boolean;
  yes?: boolean;
  skipBad?: boolean;
}

export function addImportCommand(program: Command): void {
  addMaintenanceOptions(program.command("import").argument("<file>", "a CSV file, or - for standard input"))
    .option("--json", "answer in JSON, for scripts")
    .description("Bring history along from a CSV, also while the server runs. What is there already is not doubled.")
    .option("--device <id>", "the device of all rows (default: the column device_id)")
    .option(
      "--map <column=point>",
      "a column and its point, with a factor for its unit; may be given again",
      parse.mappings,
    )
    .option("--time <column>", 'the column of the time; "Date + Time" for two', "observed_at")
    .option("--time-format <format>", "how times are written: DD.MM.YYYY HH:mm, epoch-ms, excel", parse.timeFormat)
    .option("--time-zone <zone>", "what local times are meant in, such as Europe/Vienna", parse.timeZone)
    .option("--utc-offset <offset>", "the same where clocks are never set, such as +01:00", parse.utcOffset)
    .option("--where <column=value>", "only such rows, for files with a row a point; may be given again", parse.where)
    .option("--encoding <name>", "such as windows-1252 or utf-16le (default: found out)", parse.encoding)
    .option("--header-line <line>", "the line of the column names (default: found out)", parse.line)
    .option("--separator <sign>", "what stands between cells (default: found out)", parse.oneSign)
    .option("--decimal-comma", "numbers are written as 12,5")
    .option("--thousands <sign>", "what parts thousands, where that is not clear: , for 1,234", parse.oneSign)
    .option("--null <word>", "also stands for no value; may be given again", (word: string, before: string[] = []) => [
      ...before,
      word,
    ])
    .option("--dry-run", "show what is understood of the file, and store nothing")
    .option("--yes", "store it as it is understood, without asking, and leave out what does not fit")
    .addOption(new Option("--skip-bad", "as --yes").hideHelp())
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard import ems_001.csv                            what wattboard export has written
  $ wattboard import meter.csv --device ems_001 --time Time --map "Grid power [kW]=grid.power*1000" --dry-run
  $ wattboard import excel.csv --device ems_001 --time Zeit --map "Netz [W]=grid.power" --time-zone Europe/Vienna --decimal-comma --yes
  $ wattboard import long.csv --device ems_001 --time ts --where sensor=grid --map value=grid.power --yes
The whole file is read first, and shown as it is understood: columns, first and last time, what is left out and why. Only then it is stored;
where anything had to be understood or left out, once you have said yes.`,
    )
    .action(importFile);
}

async function importFile(path: string, options: Options): Promise<void> {
  if (options.timeZone !== undefined && options.utcOffset !== undefined)
    throw new WrongUsage("Give --time-zone or --utc-offset, not both.");
  const nowMs = Date.now();
  const csv: CsvOptions = {
    ...options,
    deviceId: options.device,
    timeColumn: options.time,
    mappings: options.map,
    offsetMinutes: options.utcOffset,
    nulls: new Set(options.null?.map((word) => word.trim().toLowerCase())),
    receivedAtMs: nowMs,
  };
  await withMaintenance({ ...options, role: "admin" }, async (maintenance) => {
    const registered = new Set(await maintenance.deviceIds());
    if (options.device !== undefined && !registered.has(options.device)) {
      throw new WrongUsage(
        `No device ${options.device} is registered. Register it first: wattboard device add ${options.device}`,
      );
    }
    await using input = await openInput(path);
    const readAgain = (take?: TakeBatch): Promise<ImportTally> =>
      readFile(input, csv, new ImportJudge(nowMs, (deviceId) => registered.has(deviceId)), take);
    const looked = await readAgain();
    if (options.json !== true) printPreview(path, looked);
    if (options.dryRun === true) {
      reportDryRun(path, looked, options);
      return;
    }
    await assertWanted(path, looked, options);
    await storeFile(maintenance, path, readAgain, options);
  });
}

type TakeBatch = NonNullable<Parameters<typeof importCsv>[0]["take"]>;

/** Reads the file to its end and shows how far it is. */
async function readFile(
  { name, file, bytes }: Input,
  options: CsvOptions,
  judge: ImportJudge,
  take: TakeBatch | undefined,
): Promise<ImportTally> {
  const progress = new ProgressBar();
  const stream = createReadStream(file);
  try {
    const onRow = (rows: number) => progress.show(stream.bytesRead / bytes, `${rows} rows`);
    return await importCsv({ file: stream, options, judge, take, onRow });
  } catch (error) {
    if (error instanceof CsvHeaderFault) throw new WrongUsage(`${name}: ${error.message}`);
    throw error;
  } finally {
    progress.end();
    stream.destroy();
  }
}

/** Asks, where there is anything that somebody should agree to; throws where nobody does. */
async function assertWanted(path: string, looked: ImportTally, { yes, skipBad, json }: Options): Promise<void> {
  if (looked.samples === 0) {
    const [first = "It has no rows."] = looked.faults;
    throw new WrongUsage(`${path}: Nothing of it can be stored. ${first}`);
  }
  if (looked.isPlain || yes || skipBad) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY || path === "-" || json) {
    const shown = json ? `\n${looked.faults.join("\n")}`.trimEnd() : "";
    throw new WrongUsage(
      `Nothing was stored: nobody is there to be asked whether ${path} is understood rightly. Look with --dry-run, and then say --yes.${shown}`,
    );
  }
  const questioner = new Questioner();
  try {
    const text = `Store these ${looked.samples} samples? (y/n)`;
    if (await questioner.ask({ text, flag: "--yes", usual: true, parse: yesOrNo, format: () => "y" })) return;
  } finally {
    questioner.close();
  }
  throw new WrongUsage("Nothing was stored.");
}

async function storeFile(
  maintenance: Maintenance,
  path: string,
  readAgain: (take: TakeBatch) => Promise<ImportTally>,
  { json }: Options,
): Promise<void> {
  let stored = 0;
  let known = 0;
  const tally = await readAgain(async (samples) => {
    const answer = await maintenance.import(samples);
    stored += answer.stored;
    known += answer.known;
  });
  if (json) {
    printJson(resultOf(tally, { stored, known, dryRun: false }));
    return;
  }
  const cells = tally.cellsLeftOut === 0 ? "" : `, ${tally.cellsLeftOut} cells were left out`;
  printLine(
    `${path}: ${stored} samples stored, ${known} were known already, ${tally.rowsLeftOut} rows were bad${cells}.`,
  );
}

function reportDryRun(path: string, looked: ImportTally, { json }: Options): void {
  if (json) printJson(resultOf(looked, { stored: 0, known: 0, dryRun: true }));
  else printLine(`${path}: ${looked.samples} of ${looked.rows} rows are good. Nothing was stored (--dry-run).`);
}

function resultOf(
  tally: ImportTally,
  { stored, known, dryRun }: { readonly stored: number; readonly known: number; readonly dryRun: boolean },
): object {
  return {
    rows: tally.rows,
    stored,
    known,
    bad: tally.rowsLeftOut,
    dry_run: dryRun,
    faults: tally.faults,
    preview: tally.preview(),
  };
}

interface Input extends AsyncDisposable {
  /** As the caller named it. */
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
}

/** A file that can be read twice: what comes by a pipe is laid down until it is stored. */
async function openInput(path: string): Promise<Input> {
  if (path !== "-") {
    return { name: path, file: path, bytes: await sizeOf(path), async [Symbol.asyncDispose]() {} };
  }
  const folder = await mkdtemp(join(tmpdir(), "wattboard-import-"));
  const file = join(folder, "input.csv");
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await pipeline(process.stdin, createWriteStream(file, { mode: 0o600 }));
    return { name: path, file, bytes: await sizeOf(file), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new WrongUsage(`${path} is a folder. Import its files one by one.`);
    if (!found.isFile()) throw new WrongUsage(`${path} can be read only once. Pass it on as standard input: import -`);
    return found.size;
  } catch (error) {
    if (error instanceof WrongUsage) throw error;
    const reason = systemErrorCode(error) === "ENOENT" ? "there is no such file" : String((error as Error).message);
    throw new WrongUsage(`${path} cannot be read: ${reason}.`, error);
  }
}
