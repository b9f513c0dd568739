import { workerData } from "node:worker_threads";
import { Failure } from "../../base/failure.ts";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import { Moved, serveMethods } from "../../base/worker-methods.ts";
import { PortReader } from "../../store/read-port.ts";
import { writeCsv } from "./csv-export.ts";
import type { ExportMethods, ExportSetup } from "./export-query.ts";
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

serveMethods<ExportMethods>(
  {
    async next() {
      const { value } = await pieces.next();
      return value === undefined ? [...leftOut] : new Moved(value, [value.buffer]);
    },
  },
  {
    failureOf(error) {
      const reason = error instanceof Error ? error.message : String(error);
      return new Failure("export_failed", `The export could not be written: ${reason}.`, error);
    },
  },
);
