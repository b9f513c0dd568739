import { Failure } from "../../packages/server/dist/base/failure.js";
import type { BlockStore } from "../../packages/server/dist/store/embedded/block-store.js";
import type { Registration } from "../../packages/server/dist/store/registration.js";
import { RecordReader } from "../../packages/server/dist/store/sample-record.js";
import type { StoredEvent, StoredJournal, StoreWriter } from "../../packages/server/dist/store/store.js";
import type { Chance } from "./chance.ts";
import { FailedBehindCommit, type ServerDisk } from "./server-disk.ts";
import type { ProcessClock } from "./timeline.ts";

/** How the store does just now. */
export type StoreMood = "well" | "refusing" | "stalled";

/** Told of what is committed. */
export interface CommitListener {
  /** `isAnswered`: the server hears of it, and will not offer these again. */
  committed(record: RecordReader, isAnswered: boolean): void;
}

interface Task {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const tidyEveryMs = 250;
const sliceMs = 5;

/** The store as the server has it: one question after the other, each answered a little later, as by the thread of `EmbeddedStore`. */
export class StoreProcess implements StoreWriter {
  readonly #disk: ServerDisk;
  readonly #clock: ProcessClock;
  readonly #chance: Chance;
  readonly #listener: CommitListener;
  readonly #tasks: Task[] = [];
  #isBusy = false;
  #store: BlockStore;
  mood: StoreMood = "well";
  /** The next commit happens, and then the thread ends before it has said so. */
  losesNextAnswer = false;

  constructor(disk: ServerDisk, clock: ProcessClock, chance: Chance, listener: CommitListener) {
    this.#disk = disk;
    this.#clock = clock;
    this.#chance = chance;
    this.#listener = listener;
    this.#store = disk.open(() => clock.monotonicMs());
    clock.every(tidyEveryMs, () => {
      if (this.mood !== "stalled") this.#store.compactStep(sliceMs);
    });
  }

  get blocks(): BlockStore {
    return this.#store;
  }

  append(batches: readonly Uint8Array[]): Promise<void> {
    const batch = Buffer.concat(batches);
    if (batch.length === 0) return Promise.resolve();
    return this.#ask(() => this.#commit(batch)) as Promise<void>;
  }

  openJournal({ key }: Registration, journalId: string, epoch: number): Promise<StoredJournal> {
    return this.#ask(() => this.#store.deviceJournals.open(key, journalId, epoch)) as Promise<StoredJournal>;
  }

  recordEvents(events: readonly StoredEvent[]): Promise<void> {
    return this.#ask(() => this.#store.events.record(events)) as Promise<void>;
  }

  recover(): void {
    this.mood = "well";
    this.losesNextAnswer = false;
    this.#next();
  }

  #commit(batch: Buffer): void {
    const isLost = this.losesNextAnswer;
    const tell = (isAnswered: boolean): void => {
      const record = new RecordReader(batch);
      while (record.next()) this.#listener.committed(record, isAnswered);
    };
    try {
      const journalId = this.#store.append(batch);
      this.#store.apply(batch, journalId);
    } catch (error) {
      if (error instanceof FailedBehindCommit) tell(false);
      throw error;
    }
    tell(!isLost);
    if (!isLost) return;
    this.losesNextAnswer = false;
    this.#disk.crash(false);
    this.#store = this.#disk.open(() => this.#clock.monotonicMs());
    throw new Failure("store_stopped", "The thread of the store has ended.");
  }

  #ask(run: () => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#tasks.push({ run, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#isBusy || this.mood === "stalled") return;
    const task = this.#tasks.shift();
    if (task === undefined) return;
    this.#isBusy = true;
    this.#clock.after(this.#chance.between(1, 20), () => {
      const answer = this.#answer(task);
      this.#clock.after(this.#chance.between(0, 10), () => {
        this.#isBusy = false;
        answer();
        this.#next();
      });
    });
  }

  #answer({ run, resolve, reject }: Task): () => void {
    try {
      if (this.mood === "refusing") throw new Failure("disk_full", "The disk is full.");
      const result = run();
      return () => resolve(result);
    } catch (error) {
      return () => reject(error);
    }
  }
}
