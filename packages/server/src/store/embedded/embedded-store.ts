import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { damagedFailure, databaseFault } from "../../base/database-file.ts";
import { Failure, type FailureCode } from "../../base/failure.ts";
import { workerUrl } from "../../base/worker-url.ts";
import type {
  EnergyQuery,
  EnergySpan,
  EventsQuery,
  FleetQuery,
  FleetTotals,
  History,
  HistoryQuery,
  NewStrike,
  NumberedEvent,
  PointInfo,
  PointSample,
  SamplesQuery,
  Store,
  StoreComplaint,
  StoreDamage,
  StoredEvent,
  StoredSample,
  StoreInfo,
  Strike,
  Timeline,
  TimelineQuery,
  Verified,
} from "../store.ts";
import type { BlockStoreLimits } from "./block-store.ts";
import type { Answer, Numbered, Question, Request, WorkerSetup } from "./messages.ts";
import { storeFileName } from "./schema.ts";

interface Pending {
  resolve(result: unknown): void;
  reject(reason: unknown): void;
  progress?(share: number): void;
}

const restartMs = 1_000;
/** Nearly all that it makes is short-lived; left to itself it lets three times as much lie about. */
const resourceLimits = { maxYoungGenerationSizeMb: 16 };
/** Questions that may wait at once, since they share one thread; one more is refused. */
const questionsMax = 32;
const progressEveryMs = 200;
/** Of what was met that cannot be read, until somebody listens. */
const damagesMax = 100;

/** The default store: SQLite in a worker thread, one file in the data folder. The folder's lock is held by the caller. */
export class EmbeddedStore implements Store {
  readonly description = `the embedded store, SQLite ${process.versions.sqlite}`;
  readonly #setup: WorkerSetup;
  readonly #complain: StoreComplaint;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #lastNumber = 0;
  #questions = 0;
  #closing = false;
  /** Met before anybody wanted to know. */
  readonly #damages: StoreDamage[] = [];
  #onDamage = (damage: StoreDamage): void => {
    if (this.#damages.length < damagesMax) this.#damages.push(damage);
  };

  private constructor(setup: WorkerSetup, complain: StoreComplaint) {
    this.#setup = setup;
    this.#complain = complain;
  }

  /**
   * Opens `store.db` in `dataDir`, making it where there is none. Throws a `Failure`: `store_away` where it may be opened later (the disk is full,
   * or fails), else `data_damaged`, `data_newer`, `store_failed`.
   */
  static async open(
    dataDir: string,
    limits: BlockStoreLimits,
    complain: StoreComplaint = () => {},
  ): Promise<EmbeddedStore> {
    const store = new EmbeddedStore({ path: join(dataDir, storeFileName), ...limits }, complain);
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
    if (offset > 0) await this.#send({ kind: "append", batch }, [batch.buffer]);
  }

  latest(): Promise<StoredSample[]> {
    return this.#send({ kind: "latest" }) as Promise<StoredSample[]>;
  }

  samples({ signal, ...query }: SamplesQuery): Promise<PointSample[]> {
    return this.#ask({ kind: "samples", query }, signal) as Promise<PointSample[]>;
  }

  openReadPort(): MessagePort {
    const worker = this.#worker;
    if (worker === null) throw new Failure("store_stopped", "The store's worker is not running.");
    const { port1: port, port2 } = new MessageChannel();
    worker.postMessage({ kind: "lend", port, number: 0 } satisfies Numbered, [port]);
    return port2;
  }

  points(deviceId: string): Promise<PointInfo[]> {
    return this.#send({ kind: "points", deviceId }) as Promise<PointInfo[]>;
  }

  history({ signal, ...query }: HistoryQuery): Promise<History> {
    return this.#ask({ kind: "history", query }, signal) as Promise<History>;
  }

  energy({ signal, ...query }: EnergyQuery): Promise<EnergySpan[]> {
    return this.#ask({ kind: "energy", query }, signal) as Promise<EnergySpan[]>;
  }

  timeline({ signal, ...query }: TimelineQuery): Promise<Timeline> {
    return this.#ask({ kind: "timeline", query }, signal) as Promise<Timeline>;
  }

  fleetTotals({ signal, ...query }: FleetQuery): Promise<FleetTotals> {
    return this.#ask({ kind: "fleetTotals", query }, signal) as Promise<FleetTotals>;
  }

  strike(strike: NewStrike): Promise<Strike> {
    return this.#send({ kind: "strike", strike }) as Promise<Strike>;
  }

  strikes(deviceId: string): Promise<Strike[]> {
    return this.#send({ kind: "strikes", deviceId }) as Promise<Strike[]>;
  }

  unstrike(deviceId: string, strikeNumber: number): Promise<Strike | null> {
    return this.#send({ kind: "unstrike", deviceId, strikeNumber }) as Promise<Strike | null>;
  }

  async recordEvents(events: readonly StoredEvent[]): Promise<void> {
    await this.#send({ kind: "recordEvents", events });
  }

  events(query: EventsQuery): Promise<NumberedEvent[]> {
    return this.#send({ kind: "events", query }) as Promise<NumberedEvent[]>;
  }

  info(signal?: AbortSignal): Promise<StoreInfo> {
    return this.#ask({ kind: "info" }, signal) as Promise<StoreInfo>;
  }

  /** The file's structure is looked at in a thread of its own meanwhile, which takes as long and holds up nobody. */
  async verify(progress: (share: number) => void, signal?: AbortSignal): Promise<Verified> {
    const [structure, rows] = await Promise.all([
      this.#checkStructure(signal),
      this.#ask({ kind: "verify" }, signal, progress) as Promise<Verified>,
    ]);
    return { ...rows, faults: [...structure, ...rows.faults].slice(0, faultsMax) };
  }

  async repair(progress: (share: number) => void, signal?: AbortSignal): Promise<string[]> {
    const done = (await this.#ask({ kind: "repair" }, signal, progress)) as string[];
    return [...done, ...(await this.#checkStructure(signal)).map((fault) => `${fault}; it stays so`)];
  }

  watchDamage(listener: (damage: StoreDamage) => void): void {
    this.#onDamage = listener;
    for (const damage of this.#damages.splice(0)) listener(damage);
  }

  forget(deviceIds: readonly string[]): void {
    // Where the thread has just ended, the next one knows them until they are asked of again.
    if (deviceIds.length > 0) this.#send({ kind: "forget", deviceIds }).catch(() => {});
  }

  /** In a thread of its own, which reads the file as it was at one moment; the copy has no free pages. */
  async backup(path: string, progress: (share: number) => void): Promise<void> {
    const setup = { from: this.#setup.path, to: path };
    const worker = new Worker(workerUrl(import.meta.url, "./backup-worker"), { workerData: setup });
    const timer = setInterval(() => progress(sizeOf(path) / Math.max(1, sizeOf(this.#setup.path))), progressEveryMs);
    try {
      const [code] = (await once(worker, "exit")) as [number];
      if (code !== 0) throw new Error(`its thread ended with code ${code}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Failure("store_failed", `The store could not be copied to ${path}: ${reason}`, error);
    } finally {
      clearInterval(timer);
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    const worker = this.#worker;
    if (worker === null) return;
    worker.ref();
    const exited = once(worker, "exit");
    await this.#send({ kind: "close" });
    await exited;
  }

  /** For tests and measurements: does at once what is otherwise spread over the next minutes; what is over stands in blocks then. */
  async compactAll(): Promise<void> {
    await this.#send({ kind: "settle" });
  }

  /** For tests: the worker stands still, as if its disk did not answer, until the function that comes back is called. */
  stall(): () => void {
    const authorizer = new Int32Array(new SharedArrayBuffer(4));
    this.#send({ kind: "stall", authorizer }).catch(() => {});
    return () => {
      Atomics.store(authorizer, 0, 1);
      Atomics.notify(authorizer, 0);
    };
  }

  async #start(): Promise<void> {
    const worker = new Worker(workerUrl(import.meta.url, "./worker"), { workerData: this.#setup, resourceLimits });
    // What is met while opening comes before the word that it is open.
    const opened = new Promise<void>((resolve) => {
      worker.on("message", (answer: Answer) =>
        "ok" in answer && answer.number === 0 ? resolve() : this.#settle(answer),
      );
    });
    try {
      await Promise.race([
        opened,
        once(worker, "error").then(([error]) => Promise.reject(error)),
        once(worker, "exit").then(() => Promise.reject(new Error("The store's worker ended while starting."))),
      ]);
    } catch (error) {
      throw openingFailure(this.#setup.path, error);
    }
    worker.unref();
    worker.on("error", ({ message }) => this.#complain(`its thread has ended, another is started: ${message}`));
    worker.once("exit", () => this.#lost());
    this.#worker = worker;
  }

  async #checkStructure(signal?: AbortSignal): Promise<string[]> {
    const worker = new Worker(workerUrl(import.meta.url, "./structure-worker"), { workerData: this.#setup.path });
    try {
      const [faults] = (await once(worker, "message", { ...(signal && { signal }) })) as [string[]];
      return faults;
    } catch (error) {
      signal?.throwIfAborted();
      throw new Failure("store_failed", `The file ${this.#setup.path} cannot be looked at.`, error);
    } finally {
      await worker.terminate();
    }
  }

  /** Sends a question: one that may take long, and that its signal ends. */
  async #ask(question: Question, signal?: AbortSignal, progress?: (share: number) => void): Promise<unknown> {
    signal?.throwIfAborted();
    if (this.#questions >= questionsMax) {
      throw new Failure("store_busy", "Too many questions wait for the store already. Ask again in a moment.");
    }
    this.#questions++;
    const number = this.#lastNumber + 1;
    const abandon = (): void => {
      this.#worker?.postMessage({ kind: "abandon", abandoned: number, number: 0 } satisfies Numbered);
      const pending = this.#take(number);
      pending?.reject(signal?.reason);
    };
    signal?.addEventListener("abort", abandon, { once: true });
    try {
      return await this.#send(question, [], progress);
    } finally {
      signal?.removeEventListener("abort", abandon);
      this.#questions--;
    }
  }

  #send(request: Request, transfer: ArrayBuffer[] = [], progress?: (share: number) => void): Promise<unknown> {
    const worker = this.#worker;
    if (worker === null) return Promise.reject(new Failure("store_stopped", "The store's worker is not running."));
    const number = ++this.#lastNumber;
    return new Promise((resolve, reject) => {
      // The thread keeps the process alive while an answer is awaited.
      if (this.#pending.size === 0) worker.ref();
      this.#pending.set(number, { resolve, reject, ...(progress !== undefined && { progress }) });
      worker.postMessage({ ...request, number } satisfies Numbered, transfer);
    });
  }

  #settle(answer: Answer): void {
    if ("damage" in answer) {
      this.#onDamage(answer.damage);
      return;
    }
    if ("complaint" in answer) {
      this.#complain(answer.complaint);
      return;
    }
    if ("share" in answer) {
      this.#pending.get(answer.number)?.progress?.(answer.share);
      return;
    }
    const pending = this.#take(answer.number);
    if (answer.ok) pending?.resolve(answer.result);
    else {
      const reason = answer.error instanceof Error ? answer.error.message : String(answer.error);
      pending?.reject(new Failure(answer.code, `The store failed: ${reason}`, answer.error));
    }
  }

  #take(number: number): Pending | undefined {
    const pending = this.#pending.get(number);
    this.#pending.delete(number);
    if (this.#pending.size === 0 && !this.#closing) this.#worker?.unref();
    return pending;
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

/** Faults that are listed; there may be more. */
const faultsMax = 100;

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The thread's own error, which keeps its code on this way. */
function openingFailure(path: string, error: unknown): Failure {
  const fault = databaseFault(error);
  if (fault === "damaged") return damagedFailure(path, error);
  const { message, code } = error as { readonly message: string; readonly code?: FailureCode };
  if (code === "data_newer" || code === "data_damaged") return new Failure(code, message, error);
  return new Failure(
    fault === null ? "store_failed" : "store_away",
    `The store at ${path} cannot be opened: ${message}`,
    error,
  );
}
