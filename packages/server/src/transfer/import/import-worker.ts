import type { ReadableStream } from "node:stream/web";
import { workerData } from "node:worker_threads";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import { Moved, serveMethods } from "../../base/worker-methods.ts";
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

/** Good samples, their messages one after the other. */
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

export interface ImportMethods {
  /** The next batch; what was understood, or why nothing can be, is the last. While one is stored the next is read, and no more than that. */
  next(): ImportAnswer;
}

lowerThreadPriority();
const { file, options, deviceIds, nowMs, isDryRun } = workerData as ImportSetup;
const registered = new Set(deviceIds);

/** A batch's samples that are handed over at once: more would hold up the event loop. */
const samplesMax = 1_000;

type Call = PromiseWithResolvers<ImportAnswer | Moved<ImportAnswer>>;
let asked = Promise.withResolvers<Call>();

serveMethods<ImportMethods>({
  next() {
    const call: Call = Promise.withResolvers();
    asked.resolve(call);
    return call.promise;
  },
});

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
          (await nextCall()).resolve(new Moved<ImportBatch>({ heads, messages }, [messages.buffer]));
        },
  });
  (await nextCall()).resolve({ preview: tally.preview() });
} catch (error) {
  const call = await nextCall();
  if (error instanceof CsvHeaderFault) call.resolve({ fault: error.message });
  else call.reject(error);
}

async function nextCall(): Promise<Call> {
  const call = await asked.promise;
  asked = Promise.withResolvers();
  return call;
}
