import { statSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { type Clock, systemClock } from "../../base/clock.ts";
import { Failure } from "../../base/failure.ts";
import { WorkerClient } from "../../base/worker-client.ts";
import { workerUrl } from "../../base/worker-url.ts";
import type { Registration } from "../registration.ts";
import type {
  CoverageQuery,
  CoverageSpans,
  EnergyHistory,
  EnergyQuery,
  EventsQuery,
  FleetQuery,
  FleetSeries,
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
  StoredJournal,
  StoredSample,
  StoreInfo,
  StoreRenewal,
  Strike,
  Timeline,
  TimelineQuery,
  Verified,
} from "../store.ts";
import type { BlockStoreLimits } from "./block-store.ts";
import { storeFileName } from "./schema.ts";
import type { StoreFileMethods, StoreMethods, StoreNotice, StoreSetup } from "./store-methods.ts";

/** Nearly all that it makes is short-lived; left to itself it lets three times as much lie about. */
const resourceLimits = { maxYoungGenerationSizeMb: 16 };
/** Questions that may wait at once, since they share one thread; one more is refused. */
const questionsMax = 32;
const progressEveryMs = 200;
/** Of what was met that cannot be read, until somebody listens. */
const damagesMax = 100;
/** Faults that are listed; there may be more. */
const faultsMax = 100;

/** The default store: SQLite in a worker thread, one file in the data folder. The folder's lock is held by the caller. */
export class EmbeddedStore implements Store {
  readonly description = `the embedded store, SQLite ${process.versions.sqlite}`;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #thread: WorkerClient<StoreMethods, StoreNotice>;
  #questions = 0;
  /** Met before anybody wanted to know. */
  readonly #damages: StoreDamage[] = [];
  #onDamage = (damage: StoreDamage): void => {
    if (this.#damages.length < damagesMax) this.#damages.push(damage);
  };

  private constructor(
    setup: StoreSetup,
    complain: StoreComplaint,
    clock: Clock,
    onRenewal: (renewal: StoreRenewal) => void,
  ) {
    this.#path = setup.path;
    this.#clock = clock;
    this.#thread = new WorkerClient({
      url: workerUrl(import.meta.url, "./store-worker"),
      setup: () => ({ data: setup }),
      clock,
      name: "the thread of the store",
      endedCode: "store_stopped",
      resourceLimits,
      onNotice: (notice) => {
        if ("damage" in notice) this.#onDamage(notice.damage);
        else if ("renewal" in notice) onRenewal(notice.renewal);
        else complain(notice.complaint);
      },
      onEnded: (reason) => complain(`its thread has ended, another is started: ${reason}`),
    });
  }

  /**
   * Opens `store.db` in `dataDir`, making it where there is none. Throws a `Failure`: `store_away` where it may be opened later (the disk is full,
   * or fails), else `data_damaged`, `data_newer`, `store_failed`.
   */
  static async open(
    dataDir: string,
    limits: BlockStoreLimits,
    complain: StoreComplaint = () => {},
    clock: Clock = systemClock,
    onRenewal: (renewal: StoreRenewal) => void = () => {},
  ): Promise<EmbeddedStore> {
    const setup = { path: join(dataDir, storeFileName), ...limits };
    const store = new EmbeddedStore(setup, complain, clock, onRenewal);
    await store.#thread.start();
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
    if (offset > 0) await this.#thread.callWith({ transfer: [batch.buffer] }, "append", batch);
  }

  openJournal(registration: Registration, journalId: string, epoch: number): Promise<StoredJournal> {
    return this.#thread.call("openJournal", registration, journalId, epoch);
  }

  latest(): Promise<StoredSample[]> {
    return this.#thread.call("latest");
  }

  async samples({ signal, ...query }: SamplesQuery): Promise<PointSample[]> {
    return (await this.#ask(() => this.#thread.callWith({ signal }, "samples", query))).samples;
  }

  openReadPort(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    // Where the thread is not there, the end of the port tells the reader.
    this.#thread.callWith({ transfer: [port1] }, "lend", port1).catch(() => port1.close());
    return port2;
  }

  points(registration: Registration): Promise<PointInfo[]> {
    return this.#thread.call("points", registration);
  }

  history({ signal, ...query }: HistoryQuery): Promise<History> {
    return this.#ask(() => this.#thread.callWith({ signal }, "history", query));
  }

  coverage({ signal, ...query }: CoverageQuery): Promise<CoverageSpans> {
    return this.#ask(() => this.#thread.callWith({ signal }, "coverage", query));
  }

  energy({ signal, ...query }: EnergyQuery): Promise<EnergyHistory> {
    return this.#ask(() => this.#thread.callWith({ signal }, "energy", query));
  }

  timeline({ signal, ...query }: TimelineQuery): Promise<Timeline> {
    return this.#ask(() => this.#thread.callWith({ signal }, "timeline", query));
  }

  fleetTotals({ signal, ...query }: FleetQuery): Promise<FleetSeries> {
    return this.#ask(() => this.#thread.callWith({ signal }, "fleetTotals", query));
  }

  strike(registration: Registration, made: NewStrike): Promise<Strike> {
    return this.#thread.call("strike", registration, made);
  }

  strikes(registration: Registration): Promise<Strike[]> {
    return this.#thread.call("strikes", registration);
  }

  unstrike(registration: Registration, number: number): Promise<Strike | null> {
    return this.#thread.call("unstrike", registration, number);
  }

  recordEvents(events: readonly StoredEvent[]): Promise<void> {
    return this.#thread.call("recordEvents", events);
  }

  events(query: EventsQuery): Promise<NumberedEvent[]> {
    return this.#thread.call("events", query);
  }

  info(signal?: AbortSignal): Promise<StoreInfo> {
    return this.#ask(() => this.#thread.callWith({ signal }, "info"));
  }

  /** The file's structure is looked at in a thread of its own meanwhile, which takes as long and holds up nobody. */
  async verify(progress: (share: number) => void, signal?: AbortSignal): Promise<Verified> {
    const [structure, rows] = await Promise.all([
      this.#checkStructure(signal),
      this.#ask(() => this.#thread.callWith({ signal, progress }, "verify")),
    ]);
    return { ...rows, faults: [...structure, ...rows.faults].slice(0, faultsMax) };
  }

  async repair(progress: (share: number) => void, signal?: AbortSignal): Promise<string[]> {
    const done = await this.#ask(() => this.#thread.callWith({ signal, progress }, "repair"));
    return [...done, ...(await this.#checkStructure(signal)).map((fault) => `${fault}; it stays so`)];
  }

  watchDamage(listener: (damage: StoreDamage) => void): void {
    this.#onDamage = listener;
    for (const damage of this.#damages.splice(0)) listener(damage);
  }

  forget(keys: readonly string[]): void {
    // Where the thread has just ended, the next one knows them until they are asked of again.
    if (keys.length > 0) this.#thread.call("forget", keys).catch(() => {});
  }

  /** In a thread of its own, which reads the file as it was at one moment; the copy has no free pages. */
  async backup(path: string, progress: (share: number) => void): Promise<void> {
    const tell = (): void => progress(sizeOf(path) / Math.max(1, sizeOf(this.#path)));
    const cancel = this.#clock.every(progressEveryMs, tell);
    try {
      await this.#fileThread().callOnce({}, "copy", this.#path, path);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Failure("store_failed", `The store could not be copied to ${path}: ${reason}`, error);
    } finally {
      cancel();
    }
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  /** For tests and measurements: does at once what is otherwise spread over the next minutes; what is over stands in blocks then. */
  compactAll(): Promise<void> {
    return this.#thread.call("compactAll");
  }

  /** For tests: the worker stands still, as if its disk did not answer, until the function that comes back is called. */
  stall(): () => void {
    const authorizer = new Int32Array(new SharedArrayBuffer(4));
    this.#thread.call("stall", authorizer).catch(() => {});
    return () => {
      Atomics.store(authorizer, 0, 1);
      Atomics.notify(authorizer, 0);
    };
  }

  async #checkStructure(signal?: AbortSignal): Promise<string[]> {
    try {
      return await this.#fileThread().callOnce({ signal }, "checkStructure", this.#path);
    } catch (error) {
      signal?.throwIfAborted();
      throw new Failure("store_failed", `The file ${this.#path} cannot be looked at.`, error);
    }
  }

  #fileThread(): WorkerClient<StoreFileMethods> {
    return new WorkerClient({
      url: workerUrl(import.meta.url, "./file-worker"),
      clock: this.#clock,
      name: "the thread beside the store",
      endedCode: "store_failed",
    });
  }

  /** Asks what may take long. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    if (this.#questions >= questionsMax) {
      throw new Failure("store_busy", "Too many questions wait for the store already. Ask again in a moment.");
    }
    this.#questions++;
    try {
      return await question();
    } finally {
      this.#questions--;
    }
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
