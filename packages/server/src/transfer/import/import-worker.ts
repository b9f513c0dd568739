import type { ReadableStream } from "node:stream/web";
import { parentPort, workerData } from "node:worker_threads";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import { CsvHeaderFault, type CsvOptions } from "./csv-import.ts";
import { type ImportPreview, importCsv } from "./import-csv.ts";
import { ImportJudge } from "./import-sample.ts";

/** What the thread of an import is started with. */
export interface ImportSetup {
  readonly file: ReadableStream<Uint8Array>;
  readonly options: CsvOptions;
  readonly deviceIds: readonly string[];
  readonly nowMs: number;
  readonly isDryRun: boolean;
}

/** Good samples, their messages one after the other; the next ones come once these are answered. */
export interface ImportBatch {
  readonly heads: readonly {
    readonly deviceId: string;
    readonly observedAtMs: number;
    readonly receivedAtMs: number;
    readonly bytes: number;
    readonly pointNames: readonly string[];
  }[];
  readonly messages: Uint8Array<ArrayBuffer>;
}

export type ImportAnswer = ImportBatch | { readonly preview: ImportPreview } | { readonly fault: string };

lowerThreadPriority();
const port = parentPort;
if (port === null) throw new Error("This file runs as the thread of an import.");
const { file, options, deviceIds, nowMs, isDryRun } = workerData as ImportSetup;
const registered = new Set(deviceIds);

/** A batch's samples that are handed over at once: more would hold up the event loop. */
const samplesMax = 1_000;

try {
  const tally = await importCsv({
    file,
    options,
    judge: new ImportJudge(nowMs, (deviceId) => registered.has(deviceId)),
    batchRows: samplesMax,
    take: isDryRun
      ? undefined
      : async (_samples, judged) => {
          const messages = new Uint8Array(Buffer.concat(judged.map(({ message }) => message)));
          const heads = judged.map(({ message, ...head }) => ({ ...head, bytes: message.length }));
          port.postMessage({ heads, messages } satisfies ImportBatch, [messages.buffer]);
          await new Promise((resolve) => port.once("message", resolve));
        },
  });
  port.postMessage({ preview: tally.preview() } satisfies ImportAnswer);
} catch (error) {
  if (!(error instanceof CsvHeaderFault)) throw error;
  port.postMessage({ fault: error.message } satisfies ImportAnswer);
}
