import type { Clock } from "../../base/clock.ts";
import { WorkerClient } from "../../base/worker-client.ts";
import { workerUrl } from "../../base/worker-url.ts";

/** What the thread is started with. */
export interface WriterSetup {
  readonly url: string;
  readonly isTimescale: boolean;
}

/** What the thread does. */
export interface WriterMethods {
  append(batch: Uint8Array<ArrayBuffer>): void;
  claim(): void;
}

/**
 * Stores batches in a thread, since reading a sample takes longer than anything the event loop does for it. Started with the first batch. Where it
 * ends, what was committed is safe, and told as such when it is offered again.
 */
export class WriterThread {
  readonly #thread: WorkerClient<WriterMethods>;

  constructor(setup: WriterSetup, clock: Clock) {
    this.#thread = new WorkerClient({
      url: workerUrl(import.meta.url, "./writer-worker"),
      setup: () => ({ data: setup }),
      clock,
      name: "the thread that stores samples",
      endedCode: "store_stopped",
    });
  }

  /** As `Store.append`. */
  append(batches: readonly Uint8Array[]): Promise<void> {
    // The caller fills its buffers anew once this has returned.
    const batch = new Uint8Array(Buffer.concat(batches));
    return this.#thread.callWith({ transfer: [batch.buffer] }, "append", batch);
  }

  /** From here on nobody else writes to the database. Rejects with a `Failure`, `store_in_use`, where somebody does. */
  claim(): Promise<void> {
    return this.#thread.call("claim");
  }

  /** Waits for what was appended. */
  close(): Promise<void> {
    return this.#thread.close();
  }
}
