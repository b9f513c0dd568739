import { Worker } from "node:worker_threads";
import { Failure, type FailureCode } from "../../base/failure.ts";
import { workerUrl } from "../../base/worker-url.ts";

/** What the thread is started with. */
export interface WriterSetup {
  readonly url: string;
  readonly isTimescale: boolean;
}

/** A batch of records to be stored; null: no more are to come. */
export type WriterRequest = { readonly number: number; readonly batch: Uint8Array } | null;

/** Each batch is answered once, under its number. */
export interface WriterAnswer {
  readonly number: number;
  readonly failure: { readonly code: FailureCode; readonly message: string } | null;
}

interface Pending {
  resolve(): void;
  reject(reason: Failure): void;
}

/** Stores batches in a thread, since reading a sample takes longer than anything the event loop does for it. Started with the first batch. */
export class WriterThread {
  readonly #setup: WriterSetup;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #lastNumber = 0;

  constructor(setup: WriterSetup) {
    this.#setup = setup;
  }

  /** As `Store.append`. */
  append(batches: readonly Uint8Array[]): Promise<void> {
    const worker = this.#worker ?? this.#start();
    // The caller fills its buffers anew once this has returned.
    const batch = new Uint8Array(Buffer.concat(batches));
    const number = ++this.#lastNumber;
    return new Promise((resolve, reject) => {
      // The thread keeps the process alive while an answer is awaited.
      if (this.#pending.size === 0) worker.ref();
      this.#pending.set(number, { resolve, reject });
      worker.postMessage({ number, batch } satisfies WriterRequest, [batch.buffer]);
    });
  }

  /** Waits for what was appended. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === null) return;
    worker.ref();
    const exited = new Promise((resolve) => worker.once("exit", resolve));
    worker.postMessage(null satisfies WriterRequest);
    await exited;
  }

  #start(): Worker {
    const worker = new Worker(workerUrl(import.meta.url, "./writer-worker"), { workerData: this.#setup });
    worker.on("message", ({ number, failure }: WriterAnswer) => {
      const pending = this.#pending.get(number);
      this.#pending.delete(number);
      if (this.#pending.size === 0) worker.unref();
      if (failure === null) pending?.resolve();
      else pending?.reject(new Failure(failure.code, failure.message));
    });
    let reason = "it was ended";
    worker.on("error", ({ message }) => {
      reason = message;
    });
    // Whoever waits is told, and the next batch starts another thread. What was committed is safe, and told as such when it is offered again.
    worker.once("exit", () => {
      this.#worker = null;
      for (const pending of this.#pending.values()) {
        pending.reject(new Failure("store_stopped", `The thread that stores samples has ended: ${reason}.`));
      }
      this.#pending.clear();
    });
    this.#worker = worker;
    return worker;
  }
}
