import type { Readable } from "node:stream";
import { isDeviceId, parseRfc3339 } from "@wattboard/protocol";
import { type CsvError, type Parser, parse } from "csv-parse";
import type { PointValue } from "../store/point-value.ts";
import { type Cell, type ColumnMapping, excerpt, readCell } from "./csv-columns.ts";
import type { ImportSample } from "./import-sample.ts";
import { isPointName } from "./point-name.ts";

export interface CsvOptions {
  /** The device of all rows; absent: the column `device_id` names it. */
  readonly deviceId?: string | undefined;
  /** The column of the time of measurement. */
  readonly timeColumn: string;
  /** Absent: every column is a point of its name, as in our own export; given: only these are read. */
  readonly mappings?: readonly ColumnMapping[] | undefined;
  /** What times without an offset are meant in, minutes east of UTC; absent: they are faults. */
  readonly offsetMinutes?: number | undefined;
  readonly decimalComma: boolean;
  /** Absent: found out from the header. */
  readonly separator?: string | undefined;
  /** Stands for `received_at` where there is no such column, ms since 1970 UTC. */
  readonly receivedAtMs: number;
}

/** A row of the file: a sample, or what is wrong with it. Its last line counts from 1. */
export type CsvRow =
  | { readonly line: number; readonly sample: ImportSample }
  | { readonly line: number; readonly fault: string };

/** The file as a whole cannot be read: its header does not fit. */
export class CsvHeaderFault extends Error {}

/** Rows one after the other that cannot be told apart. */
const faultsMax = 10_000;
const lineBytesMax = 1024 * 1024;

/** Reads a CSV row by row; what is held does not grow with the file. Rows without any value are passed over where columns are mapped. */
export async function* readCsv(file: Readable, options: CsvOptions): AsyncGenerator<CsvRow> {
  const { head, rest } = await peekHeader(file);
  const faults: CsvRow[] = [];
  const parser: Parser = parse({
    bom: true,
    delimiter: options.separator ?? separatorOf(head),
    skip_empty_lines: true,
    relax_column_count: true,
    // A quote that stands wrong is found below: the parser, once it met one, would take the rest of the file for one cell.
    relax_quotes: true,
    raw: true,
    max_record_size: lineBytesMax,
    skip_records_with_error: true,
    info: true,
    cast: (text, { quoting }): Cell => ({ text, isQuoted: quoting }),
    on_skip: (error) => {
      if (error !== undefined) faults.push({ line: lineOf(error), fault: explain(error) });
      // They are passed on with the next row that can be read; where there is none, this is no CSV.
      if (faults.length > faultsMax) parser.destroy(new CsvHeaderFault(faultOf(faults[0])));
      return undefined;
    },
  });
  rest.on("error", (error) => parser.destroy(error));
  rest.pipe(parser);
  let columns: Columns | null = null;
  try {
    for await (const { record, raw, info } of parser as AsyncIterable<ParsedRow>) {
      const isBefore = faults.findIndex(({ line }) => line > info.lines);
      const before = faults.splice(0, isBefore === -1 ? faults.length : isBefore);
      if (columns === null) {
        if (before.length > 0) throw new CsvHeaderFault(faultOf(before[0]));
        const names = record.map(({ text }) => text.trim());
        columns = new Columns(names, options);
        continue;
      }
      yield* before;
      const row = record.some((cell) => isMisquoted(cell, raw))
        ? { line: info.lines, fault: misquoted }
        : columns.read(record, info.lines);
      if (row !== null) yield row;
    }
    if (columns === null) {
      const [first] = faults;
      throw new CsvHeaderFault(
        first === undefined ? "The file is empty: its first line must name the columns." : faultOf(first),
      );
    }
    yield* faults.splice(0);
  } finally {
    rest.unpipe(parser);
    parser.destroy();
    file.destroy();
  }
}

interface ParsedRow {
  readonly record: Cell[];
  readonly raw: string;
  readonly info: { readonly lines: number };
}

const misquoted = `A quote stands in the middle of a cell; a cell with quotes in it must stand in quotes, and they are doubled: "say ""hi""".`;

/** Whether a quote stands in a cell that is not in quotes, or something behind the one that closes it. */
function isMisquoted({ text, isQuoted }: Cell, raw: string): boolean {
  if (!text.includes('"')) return false;
  return !isQuoted || !raw.includes(`"${text.replaceAll('"', '""')}"`);
}

/** Which cell is what. */
class Columns {
  readonly #options: CsvOptions;
  readonly #count: number;
  readonly #device: number;
  readonly #time: number;
  readonly #received: number;
  readonly #points: readonly (ColumnMapping & { readonly at: number })[];

  constructor(header: readonly string[], options: CsvOptions) {
    const { deviceId, timeColumn, mappings } = options;
    const twice = header.find((name, at) => name !== "" && header.indexOf(name) !== at);
    if (twice !== undefined)
      throw new CsvHeaderFault(`The column ${excerpt(twice)} stands there twice. Rename one of them.`);
    const find = (name: string, help: string): number => {
      const at = header.indexOf(name);
      if (at !== -1) return at;
      throw new CsvHeaderFault(`There is no column ${excerpt(name)}. The file has ${list(header)}. ${help}`);
    };
    this.#options = options;
    this.#count = header.length;
    this.#time = find(timeColumn, "Name the column of the time with --time.");
    this.#device = deviceId === undefined ? find("device_id", "Name the device of all rows with --device.") : -1;
    this.#received = mappings === undefined ? header.indexOf("received_at") : -1;
    if (mappings !== undefined) {
      this.#points = mappings.map((mapping) => ({ ...mapping, at: find(mapping.column, "Mend the --map.") }));
      const points = mappings.map(({ point }) => point);
      const doubled = points.find((point, at) => points.indexOf(point) !== at);
      if (doubled !== undefined) throw new CsvHeaderFault(`Two columns are mapped to ${doubled}.`);
      return;
    }
    this.#points = header.flatMap((column, at) => {
      if (at === this.#time || at === this.#received || column === "device_id") return [];
      if (isPointName(column)) return [{ column, point: column, factor: 1, at }];
      throw new CsvHeaderFault(
        `The column ${excerpt(column)} is no name of a point. Say what it is, and which others to take: --map ${excerpt(`${column}=grid.power`)}`,
      );
    });
    if (this.#points.length === 0)
      throw new CsvHeaderFault("No column holds a point. Name some with --map COLUMN=point.");
  }

  read(cells: readonly Cell[], line: number): CsvRow | null {
    if (cells.length !== this.#count) {
      return { line, fault: `The row has ${cells.length} cells, and the header ${this.#count}.` };
    }
    const { decimalComma, mappings, receivedAtMs } = this.#options;
    const deviceId = this.#options.deviceId ?? (cells[this.#device]?.text.trim() as string);
    if (!isDeviceId(deviceId)) return { line, fault: `${excerpt(deviceId)} is no device id.` };
    const observedAtMs = this.#readTime(cells[this.#time]?.text ?? "");
    if (Number.isNaN(observedAtMs)) return { line, fault: this.#explainTime(cells[this.#time]?.text ?? "") };
    const received = this.#received === -1 ? "" : (cells[this.#received]?.text ?? "");
    const receivedMs = received === "" ? receivedAtMs : this.#readTime(received);
    if (Number.isNaN(receivedMs)) return { line, fault: this.#explainTime(received) };
    const points: Record<string, PointValue> = {};
    let isEmpty = true;
    for (const mapping of this.#points) {
      try {
        const value = readCell(cells[mapping.at] as Cell, mapping, decimalComma);
        if (value === undefined) continue;
        points[mapping.point] = value;
        isEmpty = false;
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return { line, fault: `Column ${excerpt(mapping.column)}: ${error.message}` };
      }
    }
    if (isEmpty && mappings !== undefined) return null;
    return { line, sample: { deviceId, observedAtMs, receivedAtMs: receivedMs, points } };
  }

  /** RFC 3339; seconds or milliseconds since 1970; or, with an offset for them, local times such as 2026-01-31 12:00. */
  #readTime(text: string): number {
    const trimmed = text.trim();
    if (/^\d{9,10}(\.\d+)?$/.test(trimmed)) return Math.round(Number(trimmed) * 1_000);
    if (/^\d{12,13}$/.test(trimmed)) return Number(trimmed);
    const { offsetMinutes } = this.#options;
    const [, day, time, seconds = ":00"] = localTime.exec(trimmed) ?? [];
    if (day === undefined || offsetMinutes === undefined) return parseRfc3339(trimmed);
    return parseRfc3339(`${day}T${time}${seconds}Z`) - offsetMinutes * 60_000;
  }

  #explainTime(text: string): string {
    const column = `Column ${excerpt(this.#options.timeColumn)}: `;
    if (localTime.test(text.trim()) && this.#options.offsetMinutes === undefined) {
      return `${column}${excerpt(text)} does not say its offset from UTC. Give that of all times: --utc-offset +01:00`;
    }
    return `${column}${excerpt(text)} is no time. It must look like 2026-01-31T12:00:00Z, or be seconds or milliseconds since 1970.`;
  }
}

const localTime = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?$/;

/** Takes the first line off for a look, and gives a stream that has it again. */
async function peekHeader(file: Readable): Promise<{ readonly head: string; readonly rest: Readable }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of file.iterator({ destroyOnReturn: false })) {
    chunks.push(Buffer.from(chunk as Uint8Array));
    bytes += chunks.at(-1)?.length ?? 0;
    if (chunks.at(-1)?.includes(0x0a) || bytes > lineBytesMax) break;
  }
  const head = Buffer.concat(chunks);
  if (head.length > 0) file.unshift(head);
  return { head: head.toString().split(/[\r\n]/, 1)[0] ?? "", rest: file };
}

/** The sign that stands most often in the header, outside of quotes. */
function separatorOf(header: string): string {
  const bare = header.replaceAll(/"[^"]*"/g, "");
  const counts = [",", ";", "\t", "|"].map((sign) => ({ sign, count: bare.split(sign).length }));
  return counts.reduce((best, each) => (each.count > best.count ? each : best)).sign;
}

function lineOf(error: CsvError): number {
  const { lines } = error as unknown as { readonly lines?: unknown };
  return typeof lines === "number" ? lines : 0;
}

function explain(error: CsvError): string {
  switch (error.code) {
    case "CSV_MAX_RECORD_SIZE":
      return `The row is longer than ${lineBytesMax} bytes. Is a quote missing?`;
    case "CSV_QUOTE_NOT_CLOSED":
      return "A cell begins with a quote that is never closed.";
    default:
      return error.message;
  }
}

function faultOf(row: CsvRow | undefined): string {
  return row !== undefined && "fault" in row ? `The header cannot be read. ${row.fault}` : "The header cannot be read.";
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 20).map(excerpt).join(", ");
  return names.length > 20 ? `${shown}, …` : shown;
}
