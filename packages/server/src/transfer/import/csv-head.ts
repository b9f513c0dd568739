import { type CsvRecord, CsvSplitter } from "../csv-records.ts";

/** Where the table of a file begins, and what stands between its cells. */
export interface CsvHead {
  readonly separator: string;
  /** The line of the column names, from 1; what stands above is passed over. */
  readonly headerLine: number;
}

/** The header stands among so many rows, unless its line is given. */
const rowsMax = 100;
const separators = [",", ";", "\t", "|"];

/**
 * Finds the header by the columns that it must have, and with it the separator: loggers and portals write lines of their own above it. Where
 * none fits it is the first row. A first line `sep=;` (Excel) says the separator.
 */
export function findHead(
  head: string,
  told: { readonly separator?: string | undefined; readonly headerLine?: number | undefined },
  hasColumns: (names: readonly string[]) => boolean,
): CsvHead {
  const said = /^sep=([^\r\n])[\r\n]/i.exec(head)?.[1];
  const separator = told.separator ?? said;
  const candidates = (separator === undefined ? separators : [separator]).map((sign) => {
    const rows = rowsOf(head, sign).filter(({ line }) => said === undefined || line > 1);
    const row = told.headerLine === undefined ? rows.find(({ names }) => hasColumns(names)) : undefined;
    const given = rows.find(({ line }) => line === told.headerLine);
    return { separator: sign, row: row ?? given, first: rows[0] };
  });
  const found = candidates.filter(({ row }) => row !== undefined);
  // A name that is alone in its row fits with any separator: the one that parts the most cells is it.
  const [best] = (found.length > 0 ? found : candidates).sort(
    (a, b) => cellsOf(b.row ?? b.first) - cellsOf(a.row ?? a.first),
  );
  return {
    separator: best?.separator ?? ",",
    headerLine: best?.row?.line ?? told.headerLine ?? best?.first?.line ?? 1,
  };
}

interface Row {
  readonly line: number;
  readonly names: readonly string[];
}

function cellsOf(row: Row | undefined): number {
  return row?.names.length ?? 0;
}

function rowsOf(head: string, separator: string): Row[] {
  const rows: Row[] = [];
  const splitter = new CsvSplitter(separator);
  const take = (records: Iterable<CsvRecord>): void => {
    for (const record of records) {
      if (rows.length === rowsMax) return;
      rows.push({ line: record.line, names: "cells" in record ? record.cells.map(({ text }) => text.trim()) : [] });
    }
  };
  take(splitter.push(head));
  if (rows.length < rowsMax) take(splitter.end());
  return rows;
}
