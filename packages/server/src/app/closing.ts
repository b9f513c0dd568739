import { type Clock, keepProcessAlive } from "../base/clock.ts";
import type { Log } from "../observe/log.ts";

/** A stop takes about as long at most, ms. */
const closeMsMax = 9_500;
/** What can tell that it was not done in time is given up to here, ms. */
const graceMsMax = 9_000;

/**
 * Says how a part ends, as soon as it is there. `close` runs after those of all later parts, and is given how long it may take, ms; what takes
 * longer is not waited for.
 */
export type Defer = (what: string, close: (graceMs: number) => unknown) => void;

/** How everything that was started ends: the newest first, all of it whatever becomes of one, under one deadline. */
export class Closing {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #parts = new AsyncDisposableStack();
  #startedAtMs = 0;
  #firstError: { readonly error: unknown } | null = null;
  #closed: Promise<void> | null = null;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  readonly defer: Defer = (what, close) => this.#parts.defer(() => this.#closePart(what, close));

  /** Rejects with the first error of a part when all have been closed; the log has every one. */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    // All timers of the clock let the process end; while samples still wait for the store it must not.
    const release = keepProcessAlive();
    this.#startedAtMs = this.#clock.monotonicMs();
    await this.#parts.disposeAsync();
    release();
    if (this.#firstError !== null) throw this.#firstError.error;
  }

  async #closePart(what: string, close: (graceMs: number) => unknown): Promise<void> {
    try {
      const closed = Promise.resolve(close(this.#leftMs(graceMsMax)));
      if (!(await this.#inTime(closed))) this.#log.error(`${what} did not close in time`);
    } catch (error) {
      this.#log.error({ err: error }, `${what} did not close`);
      this.#firstError ??= { error };
    }
  }

  #leftMs(ofMs: number): number {
    return Math.max(0, this.#startedAtMs + ofMs - this.#clock.monotonicMs());
  }

  /** Rejects as the part does; false where time is over first. */
  #inTime(closed: Promise<unknown>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(this.#leftMs(closeMsMax), () => resolve(false));
      closed.then(() => resolve(true), reject).finally(cancel);
    });
  }
}
