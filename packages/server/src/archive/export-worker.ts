import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { Failure, type FailureCode } from "../base/failure.ts";
import { stepBack } from "../base/step-back.ts";
import { PortReader } from "../store/read-port.ts";
import { writeCsv } from "./csv-export.ts";
import type { ExportQuery } from "./export.ts";
import type { ExportColumn } from "./export-columns.ts";
import { writeParquet } from "./parquet-export.ts";
import { readPages } from "./sample-pages.ts";

/** What the thread of an export is started with. */
export interface ExportSetup {
  readonly query: Omit<ExportQuery, "signal">;
  readonly columns: readonly ExportColumn[];
  /** Lent by the store. */
  readonly source: MessagePort;
}

/** Each message asks for the next piece, and is answered by it: null behind the last one. */
export type ExportAnswer =
  | { readonly piece: Uint8Array | null }
  | { readonly code: FailureCode; readonly message: string };

stepBack();
const { query, columns, source } = workerData as ExportSetup;
const pages = readPages(new PortReader(source), query);
const pieces = query.format === "csv" ? writeCsv(pages, columns) : writeParquet(pages, columns);

const port = parentPort;
if (port === null) throw new Error("This file runs as the thread of an export.");
port.on("message", async () => {
  const answer = await nextPiece();
  const piece = "piece" in answer ? answer.piece : null;
  port.postMessage(answer, piece === null ? [] : [piece.buffer as ArrayBuffer]);
});

async function nextPiece(): Promise<ExportAnswer> {
  try {
    const { value } = await pieces.next();
    return { piece: value ?? null };
  } catch (error) {
    if (error instanceof Failure) return { code: error.code, message: error.message };
    const reason = error instanceof Error ? error.message : String(error);
    return { code: "export_failed", message: `The export could not be written: ${reason}.` };
  }
}
