import type { PointValue } from "../../store/algebra/point-value.ts";
import { isNullWord } from "../csv-columns.ts";
import { csvText } from "../csv-text.ts";
import { type ExportColumn, leadingColumns } from "./export-columns.ts";
import type { SamplePage } from "./sample-pages.ts";

const encoder = new TextEncoder();

/**
 * CSV (RFC 4180, lines end with LF): numbers in the shortest form that reads back the same, no value as an empty cell, lists as JSON. A text
 * that could be read as something else (a number, true, an empty cell) stands in quotes, so that an import brings back what was exported; what
 * a spreadsheet would run as a formula stands behind an apostrophe, which an import takes away again.
 */
export async function* writeCsv(
  pages: AsyncIterable<SamplePage>,
  columns: readonly ExportColumn[],
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let text = csvHeader(columns);
  for await (const { deviceId, samples } of pages) {
    for (const { observedAtMs, receivedAtMs, points } of samples) {
      text += `${deviceId},${isoTime(observedAtMs)},${isoTime(receivedAtMs)}`;
      for (const { name } of columns) text += `,${cellOf(points[name])}`;
      text += "\n";
    }
    if (text !== "") yield encoder.encode(text);
    text = "";
  }
  if (text !== "") yield encoder.encode(text);
}

function csvHeader(columns: readonly ExportColumn[]): string {
  return `${[...leadingColumns, ...columns.map(({ name }) => name)].join(",")}\n`;
}

/** Texts that would be read as something else. */
const looksOtherwise = /^$|^[\s\d+\-.[\u2212\u2013]|\s$|^(true|false)$/;

function cellOf(value: PointValue | undefined): string {
  switch (typeof value) {
    case "number":
    case "boolean":
      return String(value);
    case "string":
      return csvText(value, looksOtherwise.test(value) || isNullWord(value));
    case "undefined":
      return "";
    default:
      return value === null ? "" : csvText(JSON.stringify(value));
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
