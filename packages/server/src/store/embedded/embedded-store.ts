import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { Failure } from "../../base/failure.ts";
import { workerUrl } from "../../base/worker-url.ts";
import type { SampleQuery, Store, StoredSample } from "../store.ts";
import type { JournalFileLimits } from "./journal-file.ts";
import type { Answer, Numbered, Request, WorkerSetup } from "./messages.ts";

interface Pending {
  resolve(result: StoredSample[] | null): void;
  reject(failure: Failure): void;
}

const restartMs = 1_000;
/** Questions that may wait at once, since commits wait behind them; one more is refused. */
const queriesMax = 4;

/** The default store: SQLite in a worker thread, one file in the data folder. The folder's lock is held by the caller. */
export class EmbeddedStore implements Store {
  readonly #setup: WorkerSetup;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #lastNumber = 0;
  #queries = 0;
  #closing = false;

  private constructor(setup: WorkerSetup) {
    this.#setup = setup;
  }

  /** Opens `store.db` in `dataDir`, making it where there is none. Throws a `Failure` with code `store_failed`. */
  static async open(dataDir: string, limits: JournalFileLimits): Promise<EmbeddedStore> {
    const store = new EmbeddedStore({ path: join(dataDir, "store.db"), ...limits });
    await store.#start();
    return store;
  }

  async append(batches: readonly Uint8Array[]): Promise<void> {
    // The caller keeps its batches, to offer them again should this fail; one copy is cheaper than asking for them back.
    const batch = new Uint8Array(batches.reduce((sum, { length }) => sum + length, 0));
    let offset = 0;
    for (const each of batches) {
      batch.set(each, offset);
      offset += each.length;
    }
    await this.#ask({ kind: "append", batch }, [batch.buffer]);
  }

  async latest(): Promise<StoredSample[]> {
    return (await this.#ask({ kind: "latest" })) ?? [];
  }

  async samples(query: SampleQuery): Promise<StoredSample[]> {
    if (this.#queries >= queriesMax)
      throw new Failure("store_failed", "Too many questions wait for the store already.");
    this.#queries++;
    try {
      return (await this.#ask({ kind: "samples", query })) ?? [];
    } finally {
      this.#queries--;
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    const worker = this.#worker;
    if (worker === null) return;
    worker.ref();
    const exited = once(worker, "exit");
    await this.#ask({ kind: "close" });
    await exited;
  }

  /** For tests: the worker stands still, as if its disk did not answer, until the function that comes back is called. */
  stall(): () => void {
    const gate = new Int32Array(new SharedArrayBuffer(4));
    this.#ask({ kind: "stall", gate }).catch(() => {});
    return () => {
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
    };
  }

  async #start(): Promise<void> {
    const worker = new Worker(workerUrl(import.meta.url, "./worker"), { workerData: this.#setup });
    try {
      await Promise.race([
        once(worker, "message"),
        once(worker, "exit").then(() => Promise.reject(new Error("The store's worker ended while starting."))),
      ]);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Failure("store_failed", `The store at ${this.#setup.path} cannot be opened: ${reason}`, error);
    }
    worker.on("message", (answer: Answer) => this.#settle(answer));
    worker.unref();
    worker.on("error", () => {});
    worker.once("exit", () => this.#lost());
    this.#worker = worker;
  }

  #ask(request: Request, transfer: ArrayBuffer[] = []): Promise<StoredSample[] | null> {
    const worker = this.#worker;
    if (worker === null) return Promise.reject(new Failure("store_stopped", "The store's worker is not running."));
    const number = ++this.#lastNumber;
    return new Promise((resolve, reject) => {
      // The thread keeps the process alive while an answer is awaited.
      if (this.#pending.size === 0) worker.ref();
      this.#pending.set(number, { resolve, reject });
      worker.postMessage({ ...request, number } satisfies Numbered, transfer);
    });
  }

  #settle(answer: Answer): void {
    const pending = this.#pending.get(answer.number);
    this.#pending.delete(answer.number);
    if (this.#pending.size === 0 && !this.#closing) this.#worker?.unref();
    if (answer.ok) pending?.resolve(answer.result);
    else {
      const reason = answer.error instanceof Error ? answer.error.message : String(answer.error);
      pending?.reject(new Failure("store_failed", `The store failed: ${reason}`, answer.error));
    }
  }

  /** The worker has died: who waits is told, and a new one is started until one stays. Nothing acked is lost, it was committed. */
  #lost(): void {
    this.#worker = null;
    for (const pending of this.#pending.values()) {
      pending.reject(new Failure("store_stopped", "The store's worker has ended."));
    }
    this.#pending.clear();
    if (this.#closing) return;
    setTimeout(() => {
      if (!this.#closing) this.#start().catch(() => this.#lost());
    }, restartMs).unref();
  }
}
