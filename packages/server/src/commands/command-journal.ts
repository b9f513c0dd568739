import type { CancelTimer, Clock } from "../base/clock.ts";
import { YieldQueue } from "../base/yield-queue.ts";
import type { CommandStore, Row } from "./command-store.ts";

/** Told how the disk does, for the log. */
export interface JournalObserver {
  failed(error: unknown): void;
  recovered(): void;
}

interface Entry {
  readonly row: Row;
  readonly onStored: (() => void) | undefined;
  readonly onRefused: ((error: unknown) => void) | undefined;
}

const retryMs = 1_000;
/** Rows in one commit; the rest goes with the next. */
const rowsPerCommit = 2_000;

/**
 * Writes what is decided to the store, in order, and says when it is safe there. One commit at a time: what comes meanwhile waits and goes
 * together, so that a thousand commands at once cost a few commits. What is stored is told row by row, each in a turn of the event loop. What
 * waits, for the disk or for its turn, is bounded by the open commands.
 */
export class CommandJournal {
  readonly #store: CommandStore;
  readonly #clock: Clock;
  readonly #observer: JournalObserver;
  readonly #yieldQueue: YieldQueue;
  #queue: Entry[] = [];
  #isWriting = false;
  #isScheduled = false;
  #isFailing = false;
  #isEnded = false;
  #cancelRetry: CancelTimer | null = null;
  #onIdle: (() => void) | null = null;
  #onLastRefusal: (() => void) | null = null;

  constructor(
    store: CommandStore,
    clock: Clock,
    observer: JournalObserver,
    yieldQueue = new YieldQueue(Number.POSITIVE_INFINITY),
  ) {
    this.#yieldQueue = yieldQueue;
    this.#store = store;
    this.#clock = clock;
    this.#observer = observer;
  }

  /** True while the store refuses what it is given: nothing new should be begun. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /**
   * Stores the row, then calls `onStored`. Where the store refuses, a row with `onRefused` is given up, and it is told; any other is offered
   * again and again.
   */
  save(row: Row, onStored?: () => void, onRefused?: (error: unknown) => void): void {
    this.#queue.push({ row, onStored, onRefused });
    if (this.#isScheduled || this.#isWriting || this.#cancelRetry !== null) return;
    // What is decided in the same turn goes in the same commit.
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#write();
    });
  }

  /** The end: resolves when nothing waits any more; false where the store did not take it within `graceMs`, or has been failing and fails once more. */
  drain(graceMs: number): Promise<boolean> {
    if (this.#isIdle) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (isDrained: boolean): void => {
        cancel();
        this.#onIdle = null;
        this.#onLastRefusal = null;
        this.#isEnded = true;
        this.#cancelRetry?.();
        resolve(isDrained);
      };
      const cancel = this.#clock.after(graceMs, () => end(false));
      this.#onIdle = () => end(true);
      if (this.#isFailing) this.#onLastRefusal = () => end(false);
      if (this.#cancelRetry === null) return;
      this.#cancelRetry();
      this.#write();
    });
  }

  get #isIdle(): boolean {
    return this.#queue.length === 0 && !this.#isWriting && this.#yieldQueue.waitingCount === 0;
  }

  #noteIdle(): void {
    if (this.#isIdle) this.#onIdle?.();
  }

  #write(): void {
    this.#cancelRetry = null;
    if (this.#isWriting) return;
    const batch = this.#queue.splice(0, rowsPerCommit);
    if (batch.length === 0) {
      this.#noteIdle();
      return;
    }
    this.#isWriting = true;
    this.#store.commit(batch.map(({ row }) => row)).then(
      () => this.#stored(batch),
      (error: unknown) => this.#refused(batch, error),
    );
  }

  #stored(batch: readonly Entry[]): void {
    this.#isWriting = false;
    if (this.#isFailing) {
      this.#isFailing = false;
      this.#observer.recovered();
    }
    // Each is a step to be told and acted on, in a turn of its own: live samples come in between.
    for (const { onStored } of batch) if (onStored !== undefined) this.#yieldQueue.pass(onStored);
    this.#yieldQueue.pass(() => this.#noteIdle());
    this.#write();
  }

  #refused(batch: readonly Entry[], error: unknown): void {
    this.#isWriting = false;
    this.#isFailing = true;
    this.#observer.failed(error);
    this.#queue = [...batch.filter(({ onRefused }) => onRefused === undefined), ...this.#queue];
    if (!this.#isEnded) this.#cancelRetry = this.#clock.after(retryMs, () => this.#write());
    this.#onLastRefusal?.();
    for (const { onRefused } of batch) onRefused?.(error);
  }
}
