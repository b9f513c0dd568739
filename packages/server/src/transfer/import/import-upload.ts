import { Readable, type Transform } from "node:stream";
import { type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../../base/clock.ts";
import { WorkerClient } from "../../base/worker-client.ts";
import { workerUrl } from "../../base/worker-url.ts";
import type { Registration } from "../../store/registration.ts";
import type { Store } from "../../store/store.ts";
import type { ImportPreview } from "./import-csv.ts";
import type { JudgedSample } from "./import-sample.ts";
import type { ImportBatch, ImportMethods, ImportSetup } from "./import-worker.ts";
import { importSamples } from "./importer.ts";

/** What became of a file. */
export interface UploadResult {
  readonly dry_run: boolean;
  readonly stored: number;
  readonly known: number;
  readonly preview: ImportPreview;
}

/**
 * Stores a CSV as it comes in, or only looks at it. A thread reads and judges it, and goes on once what it has found is durable, so that neither
 * the event loop's time nor what is held grows with the file. A refusal where its header does not fit; what was stored before a failure is known
 * when the file is sent again.
 */
export async function importUpload(
  store: Store,
  registrationOf: (deviceId: string) => Registration,
  clock: Clock,
  body: Readable | Transform,
  setup: Omit<ImportSetup, "file">,
  signal: AbortSignal,
): Promise<UploadResult | Refusal> {
  const file = Readable.toWeb(body) as ImportSetup["file"];
  const thread = new WorkerClient<ImportMethods>({
    url: workerUrl(import.meta.url, "./import-worker"),
    setup: () => ({ data: { ...setup, file } satisfies ImportSetup, transfer: [file as never] }),
    clock,
    name: "the thread of the import",
    endedCode: "request_failed",
  });
  let stored = 0;
  let known = 0;
  try {
    for (;;) {
      const answer = await thread.callWith({ signal }, "next");
      if ("fault" in answer) return refuse("invalid_request", answer.fault);
      if ("preview" in answer) return { dry_run: setup.isDryRun, stored, known, preview: answer.preview };
      const imported = await importSamples(store, samplesOf(answer), registrationOf, clock, signal);
      stored += imported.stored;
      known += imported.known;
    }
  } finally {
    await thread.terminate();
  }
}

function samplesOf({ heads, messages }: ImportBatch): JudgedSample[] {
  const all = Buffer.from(messages.buffer);
  let at = 0;
  return heads.map(({ bytes, ...head }) => {
    const message = all.subarray(at, at + bytes);
    at += bytes;
    return { ...head, message };
  });
}
