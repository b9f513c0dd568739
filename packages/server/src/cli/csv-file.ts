import { readFileSync } from "node:fs";
import { CsvSplitter } from "../transfer/csv-records.ts";
import { csvText, unguardFormulas } from "../transfer/csv-text.ts";
import { writePrivateFile } from "./private-file.ts";
import { WrongUsage } from "./report.ts";

/** A row of a small CSV with a head: its cells by column, and where it stands. */
export interface CsvFileRow {
  readonly line: number;
  readonly cells: Readonly<Record<string, string>>;
}

const bytesMax = 64 * 1024 * 1024;

/** Reads a list with a head, such as of devices, whose columns are parted by `,` or `;`. Throws `WrongUsage`: what is wrong, and in which line. */
export function readCsvFile(path: string): CsvFileRow[] {
  const text = readText(path);
  const end = text.search(/[\r\n]/);
  const head = end === -1 ? text : text.slice(0, end);
  const separator = head.includes(";") && !head.includes(",") ? ";" : ",";
  const splitter = new CsvSplitter(separator);
  const records = [...splitter.push(text), ...splitter.end()].map((record) => {
    if ("fault" in record) throw new WrongUsage(`${path}, line ${record.line}: ${record.fault}`);
    return { line: record.line, cells: record.cells.map((cell) => unguardFormulas(cell.text).trim()) };
  });
  const columns = records.shift()?.cells ?? [];
  const twice = columns.find((column, at) => columns.indexOf(column) !== at);
  if (twice !== undefined) throw new WrongUsage(`${path} has two columns with the name ${JSON.stringify(twice)}.`);
  return records.map(({ line, cells }) => {
    if (cells.length > columns.length) {
      throw new WrongUsage(`${path}, line ${line} has ${cells.length} cells, and the head has ${columns.length}.`);
    }
    return { line, cells: Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? ""])) };
  });
}

/** Writes such a list whole, readable by its owner alone: it may hold tokens. */
export function writeCsvFile(path: string, columns: readonly string[], rows: readonly (readonly string[])[]): void {
  writePrivateFile(path, [columns, ...rows].map((row) => `${row.map((cell) => csvText(cell)).join(",")}\n`).join(""));
}

function readText(path: string): string {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > bytesMax) throw new Error(`it has more than ${bytesMax} bytes`);
    return bytes.toString("utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WrongUsage(`The file ${path} cannot be read: ${reason}`, error);
  }
}
