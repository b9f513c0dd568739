import type { Readable } from "node:stream";
import { isDeviceId } from "@wattboard/protocol";
import type { PointValue } from "../../store/algebra/point-value.ts";
import { type CellStyle, type ColumnMapping, excerpt, readCell } from "../csv-columns.ts";
import { type Cell, type CsvRecord, CsvSplitter } from "../csv-records.ts";
import { type CsvHead, findHead } from "./csv-head.ts";
import { type CsvTimes, csvTimes } from "./csv-times.ts";
import { decodeText } from "./decode-text.ts";
import type { ImportSample } from "./import-sample.ts";
import { isPointName } from "./point-name.ts";

export interface CsvOptions extends CellStyle {
  /** The device of all rows; absent: the column `device_id` names it. */
  readonly deviceId?: string | undefined;
  /** The column of the time of measurement; `Date + Time` are two of them. */
  readonly timeColumn: string;
  /** How times are written (see `compileTimeFormat`); absent: any form that can be meant in one way only. */
  readonly timeFormat?: string | undefined;
  /** What local times are meant in: an IANA time zone; or minutes east of UTC. With neither they are faults. */
  readonly timeZone?: string | undefined;
  readonly offsetMinutes?: number | undefined;
  /** Absent: every column is a point of its name, as in our own export; given: only these are read. */
  readonly mappings?: readonly ColumnMapping[] | undefined;
  /** Only rows in which each of these columns holds its value, as in files with a row a point. */
  readonly where?: readonly { readonly column: string; readonly value: string }[] | undefined;
  readonly encoding?: string | undefined;
  /** Absent: the first row that names the columns which are needed. */
  readonly headerLine?: number | undefined;
  /** Absent: found out from the header. */
  readonly separator?: string | undefined;
  /** Stands for `received_at` where there is no such column, ms since 1970 UTC. */
  readonly receivedAtMs: number;
}

/** What is wrong in a row, or in one cell of it. */
export interface CsvFault {
  readonly column?: string | undefined;
  /** What the cell says. */
  readonly text?: string | undefined;
  /** Goes on where the text ends: `is no number.` */
  readonly reason: string;
}

/** A row of the file: a sample without the cells that are wrong; or what is wrong with all of it. Its last line counts from 1. */
export type CsvRow =
  | { readonly line: number; readonly sample: ImportSample; readonly cellFaults: readonly CsvFault[] }
  | { readonly line: number; readonly fault: string; readonly why: CsvFault };

/** What was found out of the file before its first row. */
export interface CsvLayout extends CsvHead {
  readonly encoding: string;
  /** The columns that are read, and those that are not. */
  readonly mappings: readonly ColumnMapping[];
  readonly ignored: readonly string[];
}

/** The file as a whole cannot be read: its header does not fit. */
export class CsvHeaderFault extends Error {}

/**
 * Reads a CSV row by row; what is held does not grow with the file. Rows that `where` leaves out, and those without any value where columns are
 * mapped, are passed over.
 */
export async function* readCsv(
  file: Readable | AsyncIterable<Uint8Array>,
  options: CsvOptions,
  onLayout?: (layout: CsvLayout) => void,
): AsyncGenerator<CsvRow> {
  let encoding = "";
  let head: CsvHead | null = null;
  let splitter: CsvSplitter | null = null;
  let columns: Columns | null = null;
  let headText = "";
  const read = function* (records: Iterable<CsvRecord>): Generator<CsvRow> {
    for (const record of records) {
      if (columns === null) {
        if (head !== null && record.line < head.headerLine) continue;
        if ("fault" in record) throw new CsvHeaderFault(`The header cannot be read. ${record.fault}`);
        columns = new Columns(record.cells, options, { head: head as CsvHead, text: headText });
        onLayout?.({ ...(head as CsvHead), ...columns.layout, encoding });
        headText = "";
        continue;
      }
      const row = "fault" in record ? rowFault(record.line, { reason: record.fault }) : columns.read(record);
      if (row !== null) yield row;
    }
  };
  const needed = neededColumns(options);
  const found = (label: string): void => {
    encoding = label;
  };
  for await (const text of decodeText(file, options.encoding, found)) {
    if (splitter === null) {
      head = findHead(text, options, (names) => needed.every((column) => hasColumn(names, column)));
      splitter = new CsvSplitter(head.separator);
      headText = text;
    }
    yield* read(splitter.push(text));
  }
  if (splitter !== null) yield* read(splitter.end());
  if (columns !== null) return;
  throw new CsvHeaderFault(
    options.headerLine === undefined
      ? "The file is empty: its first line must name the columns."
      : `The file has no line ${options.headerLine} that names the columns.`,
  );
}

function neededColumns({ timeColumn, deviceId, mappings = [] }: CsvOptions): string[] {
  return [timeColumn, ...(deviceId === undefined ? ["device_id"] : []), ...mappings.map(({ column }) => column)];
}

function hasColumn(names: readonly string[], column: string): boolean {
  return names.includes(column) || (column.includes("+") && partsOf(column).every((part) => names.includes(part)));
}

/** `Date + Time` */
function partsOf(column: string): string[] {
  return column.split("+").map((part) => part.trim());
}

function rowFault(line: number, why: CsvFault): CsvRow {
  return { line, fault: describeCsvFault(why), why };
}

/** `Column "PV": "n.v." is no number.` */
export function describeCsvFault({ column, text, reason }: CsvFault): string {
  const place = column === undefined ? "" : `Column ${excerpt(column)}: `;
  return `${place}${text === undefined ? "" : `${excerpt(text)} `}${reason}`;
}

/** Which cell is what. */
class Columns {
  readonly layout: Pick<CsvLayout, "mappings" | "ignored">;
  readonly #options: CsvOptions;
  readonly #count: number;
  readonly #device: number;
  readonly #time: readonly number[];
  readonly #received: number;
  readonly #points: readonly (ColumnMapping & { readonly at: number })[];
  readonly #where: readonly { readonly at: number; readonly value: string }[];
  readonly #times: CsvTimes;

  constructor(cells: readonly Cell[], options: CsvOptions, { head, text }: { head: CsvHead; text: string }) {
    const { deviceId, timeColumn, mappings, where = [] } = options;
    const header = cells.map((cell) => cell.text.trim());
    // What ends each line with a separator names no column there.
    if (header.length > 1 && header.at(-1) === "") header.pop();
    const find = (name: string, help: string): number => {
      const at = header.indexOf(name);
      if (at === -1)
        throw new CsvHeaderFault(`There is no column ${excerpt(name)}. The file has ${list(header)}. ${help}`);
      if (header.includes(name, at + 1))
        throw new CsvHeaderFault(`The column ${excerpt(name)} stands there twice. Rename one of them.`);
      return at;
    };
    this.#options = options;
    this.#count = header.length;
    const timeNames =
      header.includes(timeColumn) || !hasColumn(header, timeColumn) ? [timeColumn] : partsOf(timeColumn);
    this.#time = timeNames.map((name) => find(name, "Name the column of the time with --time."));
    this.#device = deviceId === undefined ? find("device_id", "Name the device of all rows with --device.") : -1;
    this.#received = mappings === undefined ? header.indexOf("received_at") : -1;
    this.#where = where.map(({ column, value }) => ({ at: find(column, "Mend the --where."), value }));
    const leading = [...this.#time, this.#received, header.indexOf("device_id"), ...this.#where.map(({ at }) => at)];
    this.#points =
      mappings === undefined
        ? header.flatMap((column, at) => (leading.includes(at) ? [] : [ownPoint(column, find)]))
        : mappings.map((mapping) => ({ ...mapping, at: find(mapping.column, "Mend the --map.") }));
    const doubled = firstDouble(this.#points.map(({ point }) => point));
    if (doubled !== undefined) throw new CsvHeaderFault(`Two columns are mapped to ${doubled}.`);
    if (this.#points.length === 0)
      throw new CsvHeaderFault("No column holds a point. Name some with --map COLUMN=point.");
    const read = new Set([...leading, ...this.#points.map(({ at }) => at)]);
    this.layout = {
      mappings: this.#points.map(({ column, point, factor }) => ({ column, point, factor })),
      ignored: header.filter((_, at) => !read.has(at)),
    };
    this.#times = csvTimes(options, this.#wallTimes(text, head));
  }

  read({ cells, line }: { readonly cells: readonly Cell[]; readonly line: number }): CsvRow | null {
    // Separators at the end of a line are no cells that anybody misses.
    if (cells.length < this.#count || cells.slice(this.#count).some(({ text }) => text.trim() !== "")) {
      return rowFault(line, { reason: `The row has ${cells.length} cells, and the header ${this.#count}.` });
    }
    if (this.#where.some(({ at, value }) => cells[at]?.text.trim() !== value)) return null;
    const deviceId = this.#options.deviceId ?? (cells[this.#device]?.text.trim() as string);
    if (!isDeviceId(deviceId)) return rowFault(line, { text: deviceId, reason: "is no device id." });
    const time = this.#timeText(cells);
    const observedAtMs = this.#times.read(time, deviceId);
    if (typeof observedAtMs === "string")
      return rowFault(line, { column: this.#options.timeColumn, text: time, reason: observedAtMs });
    const received = this.#received === -1 ? "" : (cells[this.#received]?.text ?? "");
    const receivedMs = received === "" ? this.#options.receivedAtMs : this.#times.read(received, null);
    if (typeof receivedMs === "string")
      return rowFault(line, { column: "received_at", text: received, reason: receivedMs });
    const points: Record<string, PointValue> = {};
    const cellFaults: CsvFault[] = [];
    let isEmpty = true;
    for (const mapping of this.#points) {
      const cell = cells[mapping.at] as Cell;
      try {
        const value = readCell(cell, mapping, this.#options);
        if (value === undefined) continue;
        points[mapping.point] = value;
        isEmpty = false;
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        cellFaults.push({ column: mapping.column, text: cell.text, reason: error.message });
      }
    }
    const [first] = cellFaults;
    if (isEmpty && first !== undefined) return rowFault(line, first);
    if (isEmpty && this.#options.mappings !== undefined) return null;
    return { line, sample: { deviceId, observedAtMs, receivedAtMs: receivedMs, points }, cellFaults };
  }

  #timeText(cells: readonly Cell[]): string {
    return this.#time.map((at) => cells[at]?.text ?? "").join(" ");
  }

  /** Of the rows of the file's head. */
  #wallTimes(text: string, { separator, headerLine }: CsvHead): string[] {
    const records = [...new CsvSplitter(separator).push(text)];
    return records.flatMap((record) =>
      "cells" in record && record.line > headerLine ? [this.#timeText(record.cells)] : [],
    );
  }
}

function ownPoint(column: string, find: (name: string, help: string) => number): ColumnMapping & { at: number } {
  if (isPointName(column)) return { column, point: column, factor: 1, at: find(column, "") };
  throw new CsvHeaderFault(
    `The column ${excerpt(column)} is no name of a point. Say what it is, and which others to take: --map ${excerpt(`${column}=grid.power`)}`,
  );
}

/** The first that stands there a second time. */
function firstDouble(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 20).map(excerpt).join(", ");
  return names.length > 20 ? `${shown}, …` : shown;
}
