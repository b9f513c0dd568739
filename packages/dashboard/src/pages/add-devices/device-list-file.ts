import { isDeviceId, limits, propertyKeyPattern } from "@wattboard/protocol";
import Papa from "papaparse";
import { tidyTags } from "../../domain/registration-fields.ts";

/** A row of the file: a device that can be registered, or why it cannot. */
export interface ListedDevice {
  /** Of the file, from 1, as an editor counts. */
  readonly line: number;
  readonly deviceId: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  /** One that the file gives. */
  readonly token: string | null;
  readonly fault: string | null;
}

export interface DeviceListFile {
  /** What is wrong with the file as a whole; then there are no rows. */
  readonly fault: string | null;
  readonly rows: readonly ListedDevice[];
}

/** A larger file is not read, and more rows are not taken: they would take the browser's memory, and an afternoon. */
export const fileLimits = { bytes: 8_000_000, rows: 10_000 } as const;

const idColumns = ["device_id", "id"];
const nameLengthMax = 120;
const tokenLengthMin = 16;

/** The text of a file from whatever program: UTF-8, UTF-16 with its mark, or else what Windows writes in the West. */
export function decodeFile(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** Reads a list of devices: a head that names the columns, and a row a device. A column that is none of `device_id`, `name` and `token` is a property. */
export function readDeviceList(text: string): DeviceListFile {
  const { data } = Papa.parse<string[]>(text, { skipEmptyLines: false });
  const [head = [], ...records] = data;
  const columns = head.map((name) => name.trim().toLowerCase().replaceAll(/[ -]+/g, "_"));
  const fault = describeHeadFault(columns);
  if (fault !== null) return { fault, rows: [] };
  const filled = records.filter(isFilled).length;
  if (filled === 0) return { fault: "There is no row below the head.", rows: [] };
  if (filled > fileLimits.rows) {
    return {
      fault: `There are ${filled} rows; at most ${fileLimits.rows} are taken at once. Split the file.`,
      rows: [],
    };
  }
  const rows: ListedDevice[] = [];
  const lineOf = new Map<string, number>();
  let line = 2 + linesIn(head);
  for (const record of records) {
    if (isFilled(record)) {
      const cells = record.map((cell) => cell.trim());
      const row = readRow(line, columns, cells, lineOf.get(idOf(columns, cells)));
      rows.push(row);
      if (!lineOf.has(row.deviceId)) lineOf.set(row.deviceId, line);
    }
    line += 1 + linesIn(record);
  }
  return { fault: null, rows };
}

function isFilled(cells: readonly string[]): boolean {
  return cells.some((cell) => cell.trim() !== "");
}

/** Ends of lines within the cells. */
function linesIn(cells: readonly string[]): number {
  return cells.join("").split("\n").length - 1;
}

function idOf(columns: readonly string[], cells: readonly string[]): string {
  return cells[columns.findIndex((column) => idColumns.includes(column))] ?? "";
}

function describeHeadFault(columns: readonly string[]): string | null {
  const ids = columns.filter((column) => idColumns.includes(column));
  if (ids.length === 0) return "The first line must name the columns, and one of them must be device_id.";
  const twice = columns.find((column, at) => column !== "" && columns.indexOf(column) !== at);
  if (ids.length > 1 || twice !== undefined) return `The column ${twice ?? "device_id"} is there twice.`;
  const odd = columns.find((column) => column !== "" && !propertyKeyPattern.test(column));
  return odd === undefined
    ? null
    : `The column “${odd.slice(0, 60)}” is no name of a property: a–z, digits and _, first a letter.`;
}

function readRow(
  line: number,
  columns: readonly string[],
  cells: readonly string[],
  before: number | undefined,
): ListedDevice {
  const entries = columns.map((column, at) => [column, cells[at] ?? ""] as const).filter(([column]) => column !== "");
  const given = new Map(entries.filter(([, value]) => value !== ""));
  const deviceId = idOf(columns, cells);
  const name = given.get("name") ?? "";
  const token = given.get("token") ?? null;
  for (const own of [...idColumns, "name", "token"]) given.delete(own);
  const tags = given.get("tags");
  if (tags !== undefined) given.set("tags", tidyTags(tags));
  const properties = Object.fromEntries(given);
  const isLong = cells.length > columns.length && cells.slice(columns.length).some((cell) => cell !== "");
  const fault =
    before !== undefined
      ? `The id stands in line ${before} as well.`
      : isLong
        ? `It has ${cells.length} values, and the head names ${columns.length} columns.`
        : describeRowFault(deviceId, name, token, properties);
  return { line, deviceId, name, properties, token, fault };
}

/** What the server would refuse as well; the rest it says itself. */
function describeRowFault(
  deviceId: string,
  name: string,
  token: string | null,
  properties: Readonly<Record<string, string>>,
): string | null {
  if (deviceId === "") return "It has no device_id.";
  if (!isDeviceId(deviceId)) return "The id is none: 1 to 64 of A–Z a–z 0–9 _ . -, first a letter or a digit.";
  if (name.length > nameLengthMax)
    return `The name has ${name.length} characters; at most ${nameLengthMax} are allowed.`;
  if (token !== null && token.length < tokenLengthMin) return `The token has less than ${tokenLengthMin} characters.`;
  for (const [key, value] of Object.entries(properties)) {
    if (value.length > limits.textLengthMax)
      return `${key} has ${value.length} characters; at most ${limits.textLengthMax} are allowed.`;
  }
  const zone = properties.time_zone;
  return zone === undefined || isZoneName(zone)
    ? null
    : `“${zone.slice(0, 60)}” is no time zone; one is Europe/Vienna.`;
}

function isZoneName(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) !== null;
  } catch {
    return false;
  }
}

/** What became of a row. */
export interface RowResult {
  readonly line: number;
  readonly deviceId: string;
  readonly outcome: "added" | "refused" | "left out" | "not tried";
  readonly token: string;
  readonly message: string;
}

/** The result, as a table for whoever prepares the boxes. What a program for tables would take for a formula is not one. */
export function formatResults(results: readonly RowResult[]): string {
  const rows = results.map(({ line, deviceId, outcome, token, message }) => [line, deviceId, outcome, token, message]);
  return Papa.unparse(
    { fields: ["line", "device_id", "outcome", "token", "message"], data: rows },
    { escapeFormulae: true },
  );
}
