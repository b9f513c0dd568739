import type { CancelTimer, Clock } from "../base/clock.ts";
import type { NotifyRow, NotifyStore } from "./records.ts";

/** Told how the disk does, for the log. */
export interface NotifyJournalObserver {
  failed(error: unknown): void;
  recovered(): void;
}

const retryMs = 1_000;

/**
 * Writes what has changed to the store, one commit at a time. Of a row that changes again before it is written the newest is, so that what waits
 * for a disk that is full is bounded by what there is. It is offered again every second.
 */
export class NotifyJournal {
  readonly #store: NotifyStore;
  readonly #clock: Clock;
  readonly #observer: NotifyJournalObserver;
  readonly #changed = new Map<string, NotifyRow>();
  #writing: Promise<boolean> | null = null;
  #isScheduled = false;
  #isFailing = false;
  #cancelRetry: CancelTimer | null = null;

  constructor(store: NotifyStore, clock: Clock, observer: NotifyJournalObserver) {
    this.#store = store;
    this.#clock = clock;
    this.#observer = observer;
  }

  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** What is not on the disk yet. */
  get waiting(): Iterable<NotifyRow> {
    return this.#changed.values();
  }

  save(row: NotifyRow): void {
    this.#changed.set(`${row.table} ${row.id}`, row);
    if (this.#isScheduled || this.#cancelRetry !== null) return;
    // What is decided in the same turn goes in the same commit.
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      void this.settle();
    });
  }

  /** Drops a row that nobody has been told of. */
  unsave({ table, id }: Pick<NotifyRow, "table" | "id">): void {
    this.#changed.delete(`${table} ${id}`);
  }

  /** Whether all that was saved by now is on the disk, once that is known. */
  async settle(): Promise<boolean> {
    // What is decided in one turn is one commit: whoever asks may be in the middle of it.
    await undefined;
    // What is being written does not hold what was saved since.
    if (this.#writing !== null) await this.#writing;
    if (this.#changed.size === 0) return true;
    this.#writing ??= this.#write();
    return this.#writing;
  }

  stop(): void {
    this.#cancelRetry?.();
  }

  async #write(): Promise<boolean> {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    const rows = [...this.#changed];
    this.#changed.clear();
    try {
      await this.#store.commit(rows.map(([, row]) => row));
      if (this.#isFailing) this.#observer.recovered();
      this.#isFailing = false;
      return true;
    } catch (error) {
      if (!this.#isFailing) this.#observer.failed(error);
      this.#isFailing = true;
      for (const [key, row] of rows) if (!this.#changed.has(key)) this.#changed.set(key, row);
      this.#cancelRetry ??= this.#clock.after(retryMs, () => {
        this.#cancelRetry = null;
        void this.settle();
      });
      return false;
    } finally {
      this.#writing = null;
    }
  }
}
