import type { Readable } from "node:stream";
import { isDeviceId, parseRfc3339 } from "@wattboard/protocol";
import type { PointValue } from "../../store/algebra/point-value.ts";
import { type ColumnMapping, excerpt, readCell } from "../csv-columns.ts";
import { type Cell, type CsvRecord, CsvSplitter, recordLengthMax } from "../csv-records.ts";
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

/** Reads a CSV row by row; what is held does not grow with the file. Rows without any value are passed over where columns are mapped. */
export async function* readCsv(file: Readable, options: CsvOptions): AsyncGenerator<CsvRow> {
  let columns: Columns | null = null;
  for await (const record of recordsOf(file, options.separator)) {
    if (columns === null) {
      if ("fault" in record) throw new CsvHeaderFault(`The header cannot be read. ${record.fault}`);
      const names = record.cells.map(({ text }) => text.trim());
      columns = new Columns(names, options);
      continue;
    }
    const row = "fault" in record ? record : columns.read(record.cells, record.line);
    if (row !== null) yield row;
  }
  if (columns === null) throw new CsvHeaderFault("The file is empty: its first line must name the columns.");
}

async function* recordsOf(file: Readable, separator: string | undefined): AsyncGenerator<CsvRecord> {
  let splitter: CsvSplitter | null = null;
  for await (const text of textOf(file)) {
    splitter ??= new CsvSplitter(separator ?? separatorOf(text));
    yield* splitter.push(text);
  }
  if (splitter !== null) yield* splitter.end();
}

/** The file as text without a byte order mark, piece by piece; the first piece holds the whole first line, by which the separator is found out. */
async function* textOf(file: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let head: string | null = "";
  for await (const chunk of file) {
    const text = decoder.decode(chunk as Uint8Array, { stream: true });
    if (head === null) yield text;
    else {
      head += text;
      if (!/[\r\n]/.test(text) && head.length <= recordLengthMax) continue;
      yield head;
      head = null;
    }
  }
  yield (head ?? "") + decoder.decode();
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
    const twice = firstDouble(header.filter((name) => name !== ""));
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
      const doubled = firstDouble(mappings.map(({ point }) => point));
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

/** The first that stands there a second time. */
function firstDouble(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

/** The sign that stands most often in the first line, outside of quotes. */
function separatorOf(head: string): string {
  const [header = ""] = head.split(/[\r\n]/, 1);
  const bare = header.replaceAll(/"[^"]*"/g, "");
  const counts = [",", ";", "\t", "|"].map((sign) => ({ sign, count: bare.split(sign).length }));
  return counts.reduce((best, each) => (each.count > best.count ? each : best)).sign;
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 20).map(excerpt).join(", ");
  return names.length > 20 ? `${shown}, …` : shown;
}
