import { createReadStream, type ReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { type Command, InvalidArgumentError } from "commander";
import { systemErrorCode } from "../base/failure.ts";
import { type ColumnMapping, parseMapping } from "../transfer/csv-columns.ts";
import { CsvHeaderFault, type CsvOptions, type CsvRow, readCsv } from "../transfer/import/csv-import.ts";
import { ImportJudge, type ImportSample } from "../transfer/import/import-sample.ts";
import { addMaintenanceOptions, type Maintenance, withMaintenance } from "./maintenance.ts";
import { ProgressBar } from "./progress-bar.ts";
import { printError, printJson, printLine, WrongUsage } from "./report.ts";

interface Options {
  dataDir: string;
  url?: string;
  store?: string;
  json?: boolean;
  device?: string;
  map?: ColumnMapping[];
  time: string;
  utcOffset?: number;
  decimalComma?: boolean;
  separator?: string;
  dryRun?: boolean;
  skipBad?: boolean;
}

export function addImportCommand(program: Command): void {
  addMaintenanceOptions(program.command("import").argument("<file>", "a CSV file, or - for standard input"))
    .option("--json", "answer in JSON, for scripts")
    .description("Bring history along from a CSV, also while the server runs. What is there already is not doubled.")
    .option("--device <id>", "the device of all rows (default: the column device_id)")
    .option("--map <column=point>", "a column and its point, with a factor for its unit; may be given again", mappings)
    .option("--time <column>", "the column of the time", "observed_at")
    .option("--utc-offset <offset>", "what times without an offset are meant in, such as +01:00", utcOffset)
    .option("--decimal-comma", "numbers are written as 12,5")
    .option("--separator <sign>", "what stands between cells (default: found out)", oneSign)
    .option("--dry-run", "read and judge everything, and store nothing")
    .option("--skip-bad", "store the good rows, and count and show the bad ones")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard import ems_001.csv                            what wattboard export has written
  $ wattboard import meter.csv --device ems_001 --time Time --map "Grid power [kW]=grid.power*1000" --dry-run
  $ wattboard import old.csv --device ems_001 --time ts --map soc=battery.soc,pv=solar.power --utc-offset +01:00
Times are RFC 3339, or seconds or milliseconds since 1970. Without --skip-bad nothing behind the first bad row is stored; once the
file is mended, import it again: what was stored before is known.`,
    )
    .action(importFile);
}

/** Sent together; what is above is less than a request may have. Rows of one device and time come together, since the store tells them by their number. */
const batchRows = 4_000;
const batchBytes = 512 * 1024;
const rowsOfOneTimeMax = 16;
/** Of a request's line besides its points: id, times, names. */
const lineBytes = 200;
const faultsShownMax = 10;

async function importFile(path: string, options: Options): Promise<void> {
  const nowMs = Date.now();
  const csv: CsvOptions = {
    deviceId: options.device,
    timeColumn: options.time,
    mappings: options.map,
    offsetMinutes: options.utcOffset,
    decimalComma: options.decimalComma === true,
    separator: options.separator,
    receivedAtMs: nowMs,
  };
  const bytesInAll = path === "-" ? null : await sizeOf(path);
  await withMaintenance({ ...options, role: "admin" }, async (maintenance) => {
    const registered = new Set(await maintenance.deviceIds());
    if (options.device !== undefined && !registered.has(options.device)) {
      throw new WrongUsage(
        `No device ${options.device} is registered. Register it first: wattboard device add ${options.device}`,
      );
    }
    const judge = new ImportJudge(nowMs, (deviceId) => registered.has(deviceId));
    const run = new ImportRun(maintenance, judge, options);
    const progress = new ProgressBar();
    const file = path === "-" ? process.stdin : createReadStream(path);
    try {
      for await (const row of readCsv(file, csv)) {
        await run.take(row);
        progress.show(bytesInAll === null ? null : (file as ReadStream).bytesRead / bytesInAll, `${run.rows} rows`);
      }
      await run.flush();
    } catch (error) {
      if (error instanceof CsvHeaderFault) throw new WrongUsage(`${path}: ${error.message}`);
      throw error;
    } finally {
      progress.end();
    }
    run.report(path);
  });
}

/** One file on its way: batches, counts, and what was wrong. */
class ImportRun {
  rows = 0;
  #stored = 0;
  #known = 0;
  #bad = 0;
  readonly #faults: string[] = [];
  readonly #maintenance: Maintenance;
  readonly #judge: ImportJudge;
  readonly #options: Options;
  #batch: ImportSample[] = [];
  #batchBytes = 0;
  #ofOneTime = 0;

  constructor(maintenance: Maintenance, judge: ImportJudge, options: Options) {
    this.#maintenance = maintenance;
    this.#judge = judge;
    this.#options = options;
  }

  async take(row: CsvRow): Promise<void> {
    this.rows++;
    const verdict = "fault" in row ? null : this.#judge.judge(row.sample);
    if ("fault" in row || verdict === null || "code" in verdict) {
      const fault = "fault" in row ? row.fault : ((verdict as { message: string } | null)?.message ?? "");
      await this.#note(`Line ${row.line}: ${fault}`);
      return;
    }
    const { deviceId, observedAtMs, points } = row.sample;
    const last = this.#batch.at(-1);
    const belongsToLast = last?.deviceId === deviceId && last.observedAtMs === observedAtMs;
    this.#ofOneTime = belongsToLast ? this.#ofOneTime + 1 : 1;
    if (this.#ofOneTime > rowsOfOneTimeMax) {
      await this.#note(
        `Line ${row.line}: More than ${rowsOfOneTimeMax} rows of ${deviceId} have this time. Does the column of the time tell seconds and parts of them?`,
      );
      return;
    }
    const isFull = this.#batch.length >= batchRows || this.#batchBytes > batchBytes;
    if (isFull && !belongsToLast) await this.flush();
    this.#batch.push(row.sample);
    this.#batchBytes += JSON.stringify(points).length + lineBytes;
  }

  async flush(): Promise<void> {
    if (this.#batch.length > 0 && this.#options.dryRun !== true) {
      const { stored, known } = await this.#maintenance.import(this.#batch);
      this.#stored += stored;
      this.#known += known;
    }
    this.#batch = [];
    this.#batchBytes = 0;
  }

  report(path: string): void {
    const { dryRun = false, json } = this.#options;
    const good = this.rows - this.#bad;
    if (json) {
      printJson({
        rows: this.rows,
        stored: this.#stored,
        known: this.#known,
        bad: this.#bad,
        dry_run: dryRun,
        faults: this.#faults,
      });
    } else if (dryRun) {
      printLine(`${path}: ${good} of ${this.rows} rows are good. Nothing was stored (--dry-run).`);
    } else {
      printLine(
        `${path}: ${this.#stored} samples stored, ${this.#known} were known already, ${this.#bad} rows were bad.`,
      );
    }
    if (this.#bad === 0) return;
    if (!json) for (const fault of this.#faults) printError(fault);
    const more = this.#bad - this.#faults.length;
    if (more > 0 && !json) printError(`… and ${more} more`);
  }

  /** A bad row: counted and shown, or the end. */
  async #note(fault: string): Promise<void> {
    const { skipBad = false, dryRun = false } = this.#options;
    if (!skipBad && !dryRun) {
      await this.flush();
      throw new WrongUsage(
        `${fault}\nStopped there: ${this.#stored} samples before it are stored, ${this.#known} were known. Mend the file and import it again, or leave bad rows out with --skip-bad.`,
      );
    }
    this.#bad++;
    if (this.#faults.length < faultsShownMax) this.#faults.push(fault);
  }
}

/** Null where it is not known beforehand, as of a pipe. */
async function sizeOf(path: string): Promise<number | null> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new WrongUsage(`${path} is a folder. Import its files one by one.`);
    return found.isFile() ? found.size : null;
  } catch (error) {
    if (error instanceof WrongUsage) throw error;
    const reason = systemErrorCode(error) === "ENOENT" ? "there is no such file" : String((error as Error).message);
    throw new WrongUsage(`${path} cannot be read: ${reason}.`, error);
  }
}

function oneSign(text: string): string {
  if (text.length !== 1 || text === '"') throw new InvalidArgumentError("It must be one sign, such as ; or |.");
  return text;
}

/** With commas between several; one within a column's name is no such comma. */
function mappings(text: string, before: ColumnMapping[] = []): ColumnMapping[] {
  const texts: string[] = [];
  for (const piece of text.split(",")) {
    if (texts.length === 0 || /^[^=]+=[^=]+$/.test(piece)) texts.push(piece);
    else texts.push(`${texts.pop()},${piece}`);
  }
  const parsed = texts.map(parseMapping);
  const fault = parsed.find((each) => typeof each === "string");
  if (fault !== undefined) throw new InvalidArgumentError(fault);
  return [...before, ...(parsed as ColumnMapping[])];
}

function utcOffset(text: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(text) ?? [];
  if (hours === undefined || Number(hours) > 14 || Number(minutes) > 59)
    throw new InvalidArgumentError("It must look like +01:00.");
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}
