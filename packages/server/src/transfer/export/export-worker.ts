import { parentPort, workerData } from "node:worker_threads";
import { Failure } from "../../base/failure.ts";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import { PortReader } from "../../store/read-port.ts";
import { writeCsv } from "./csv-export.ts";
import type { ExportAnswer, ExportSetup } from "./export-query.ts";
import { writeParquet } from "./parquet-export.ts";
import { readPages } from "./sample-pages.ts";

const leftOutMax = 100;

lowerThreadPriority();
const { query, columns, source } = workerData as ExportSetup;
/** Each once; of more it is said that there are. */
const leftOut = new Set<string>();
const reader = new PortReader(source, undefined, ({ message }) => {
  if (leftOut.size < leftOutMax) leftOut.add(message);
  else leftOut.add("and more");
});
const pages = readPages(reader, query);
const pieces = query.format === "csv" ? writeCsv(pages, columns) : writeParquet(pages, columns);

const port = parentPort;
if (port === null) throw new Error("This file runs as the thread of an export.");
port.on("message", async () => {
  const answer = await nextPiece();
  port.postMessage(answer, "piece" in answer ? [answer.piece.buffer as ArrayBuffer] : []);
});

async function nextPiece(): Promise<ExportAnswer> {
  try {
    const { value } = await pieces.next();
    return value === undefined ? { leftOut: [...leftOut] } : { piece: value };
  } catch (error) {
    if (error instanceof Failure) return { code: error.code, message: error.message };
    const reason = error instanceof Error ? error.message : String(error);
    return { code: "export_failed", message: `The export could not be written: ${reason}.` };
  }
}
