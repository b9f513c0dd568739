import type { Readable } from "node:stream";
import type { ColumnMapping } from "../csv-columns.ts";
import {
  type CsvFault,
  type CsvLayout,
  type CsvOptions,
  type CsvRow,
  describeCsvFault,
  readCsv,
} from "./csv-import.ts";
import { type ImportJudge, type ImportSample, type JudgedSample, judgeByPoint } from "./import-sample.ts";

/** Sent together; what is above is less than a request may have. Rows of one device and time come together, since the store tells them by their number. */
const batchRowsMax = 4_000;
const batchBytes = 512 * 1024;
const rowsOfOneTimeMax = 16;
/** Of a request's line besides its points: id, times, names. */
const lineBytes = 200;
/** Reasons that are told apart, and devices that are named. */
const reasonsMax = 50;
const devicesMax = 20;
const faultsMax = 10;

/** What was left out for one reason. */
export interface LeftOut {
  readonly column: string | null;
  readonly reason: string;
  readonly what: "rows" | "cells";
  count: number;
  /** The first of them. */
  readonly line: number;
  readonly text: string | null;
}

/** What was understood of a file. */
export interface ImportPreview {
  readonly encoding: string;
  readonly separator: string;
  readonly header_line: number;
  /** What local times were read in. */
  readonly time_zone: string | null;
  readonly columns: readonly (ColumnMapping & { readonly values: number })[];
  readonly ignored_columns: readonly string[];
  /** At most twenty. */
  readonly devices: readonly string[];
  readonly rows: number;
  readonly samples: number;
  readonly first: string | null;
  readonly last: string | null;
  readonly rows_left_out: number;
  readonly cells_left_out: number;
  readonly left_out: readonly LeftOut[];
}

export interface CsvImportParts {
  readonly file: Readable | AsyncIterable<Uint8Array>;
  readonly options: CsvOptions;
  readonly judge: ImportJudge;
  /** Takes what is good, in batches; absent: it is only looked at. */
  readonly take?: ((samples: readonly ImportSample[], judged: readonly JudgedSample[]) => Promise<void>) | undefined;
  readonly batchRows?: number;
  readonly onRow?: ((rows: number) => void) | undefined;
}

/** Reads a file to its end, hands on what is good of it, and tells what it was. Throws a `CsvHeaderFault`. */
export async function importCsv({
  file,
  options,
  judge,
  take,
  batchRows = batchRowsMax,
  onRow,
}: CsvImportParts): Promise<ImportTally> {
  const tally = new ImportTally(options);
  let batch: { readonly sample: ImportSample; readonly judged: JudgedSample }[] = [];
  let bytes = 0;
  let ofOneTime = 0;
  const flush = async (): Promise<void> => {
    if (batch.length > 0)
      await take?.(
        batch.map(({ sample }) => sample),
        batch.map(({ judged }) => judged),
      );
    batch = [];
    bytes = 0;
  };
  const rows = readCsv(file, options, (layout) => {
    tally.layout = layout;
  });
  for await (const row of rows) {
    tally.rows++;
    onRow?.(tally.rows);
    const good = tally.note(row, judge);
    if (good === null) continue;
    const { deviceId, observedAtMs } = good.judged;
    const last = batch.at(-1)?.judged;
    const belongsToLast = last?.deviceId === deviceId && last.observedAtMs === observedAtMs;
    ofOneTime = belongsToLast ? ofOneTime + 1 : 1;
    if (ofOneTime > rowsOfOneTimeMax) {
      tally.leaveOut(row.line, "rows", {
        reason: `More than ${rowsOfOneTimeMax} rows of ${deviceId} have this time. Does the column of the time tell seconds and parts of them? If each row holds another point, choose one with --where.`,
      });
      continue;
    }
    if ((batch.length >= batchRows || bytes > batchBytes) && !belongsToLast) await flush();
    batch.push(good);
    bytes += good.judged.message.length + lineBytes;
    tally.accept(good.sample);
  }
  await flush();
  return tally;
}

/** Counts what a file holds; bounded, however long it is. */
export class ImportTally {
  layout: CsvLayout | null = null;
  rows = 0;
  samples = 0;
  rowsLeftOut = 0;
  cellsLeftOut = 0;
  /** The first ten, in words. */
  readonly faults: string[] = [];
  readonly #options: CsvOptions;
  readonly #leftOut = new Map<string, LeftOut>();
  readonly #values = new Map<string, number>();
  readonly #devices = new Set<string>();
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(options: CsvOptions) {
    this.#options = options;
  }

  /** The row's sample without what is not good of it; null where nothing is. */
  note(row: CsvRow, judge: ImportJudge): { readonly sample: ImportSample; readonly judged: JudgedSample } | null {
    if ("fault" in row) {
      this.leaveOut(row.line, "rows", row.why);
      return null;
    }
    for (const fault of row.cellFaults) this.leaveOut(row.line, "cells", fault);
    const verdict = judgeByPoint(judge, row.sample);
    if ("code" in verdict) {
      this.leaveOut(row.line, "rows", { reason: verdict.message });
      return null;
    }
    for (const { point, value, refusal } of verdict.refused) {
      const column = this.layout?.mappings.find((mapping) => mapping.point === point)?.column ?? point;
      this.leaveOut(row.line, "cells", { column, text: String(value), reason: `does not fit. ${refusal.message}` });
    }
    return verdict;
  }

  accept({ deviceId, observedAtMs, points }: ImportSample): void {
    this.samples++;
    this.#firstMs = Math.min(this.#firstMs, observedAtMs);
    this.#lastMs = Math.max(this.#lastMs, observedAtMs);
    if (this.#devices.size < devicesMax) this.#devices.add(deviceId);
    for (const point in points) this.#values.set(point, (this.#values.get(point) ?? 0) + 1);
  }

  leaveOut(line: number, what: "rows" | "cells", fault: CsvFault): void {
    if (what === "rows") this.rowsLeftOut++;
    else this.cellsLeftOut++;
    if (this.faults.length < faultsMax) this.faults.push(`Line ${line}: ${describeCsvFault(fault)}`);
    const key = `${what} ${fault.column ?? ""} ${fault.reason}`;
    const known = this.#leftOut.get(this.#leftOut.size < reasonsMax || this.#leftOut.has(key) ? key : "");
    if (known !== undefined) known.count++;
    else {
      const isLast = this.#leftOut.size >= reasonsMax;
      const { column = null, reason, text = null } = isLast ? { reason: "Other reasons." } : fault;
      const shown = text === null ? null : text.slice(0, 60);
      this.#leftOut.set(isLast ? "" : key, { column, reason, what, count: 1, line, text: shown });
    }
  }

  /** Whether it is what an export of ours writes, and all of it is good: nothing was guessed, converted or left out. */
  get isPlain(): boolean {
    const { mappings, where, timeFormat, encoding } = this.#options;
    const isTold = mappings !== undefined || where !== undefined || timeFormat !== undefined || encoding !== undefined;
    const isOurs = this.layout?.encoding === "utf-8" && this.layout.separator === "," && this.layout.headerLine === 1;
    return !isTold && isOurs && this.#zone === null && this.rowsLeftOut + this.cellsLeftOut === 0;
  }

  preview(): ImportPreview {
    const iso = (ms: number): string | null => (Number.isFinite(ms) ? new Date(ms).toISOString() : null);
    const { encoding = "", separator = "", headerLine = 0, mappings = [], ignored = [] } = this.layout ?? {};
    return {
      encoding,
      separator,
      header_line: headerLine,
      time_zone: this.#zone,
      columns: mappings.map((mapping) => ({ ...mapping, values: this.#values.get(mapping.point) ?? 0 })),
      ignored_columns: ignored,
      devices: [...this.#devices],
      rows: this.rows,
      samples: this.samples,
      first: iso(this.#firstMs),
      last: iso(this.#lastMs),
      rows_left_out: this.rowsLeftOut,
      cells_left_out: this.cellsLeftOut,
      left_out: [...this.#leftOut.values()],
    };
  }

  get #zone(): string | null {
    const { timeZone, offsetMinutes } = this.#options;
    if (offsetMinutes === undefined) return timeZone ?? null;
    const minutes = Math.abs(offsetMinutes);
    const two = (value: number): string => String(value).padStart(2, "0");
    return `${offsetMinutes < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  }
}
