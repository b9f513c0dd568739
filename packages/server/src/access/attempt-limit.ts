import type { Clock } from "../base/clock.ts";

export interface AttemptRate {
  /** Attempts at once. */
  readonly burst: number;
  /** Then one each time this has passed, ms. */
  readonly everyMs: number;
}

/** Keys that are remembered; above it the one that was not used for longest is forgotten, and could try anew. */
const keysMax = 20_000;

/** Bounds how often something may be tried for each key, such as signing in from one address. */
export class AttemptLimit {
  readonly #clock: Clock;
  readonly #rate: AttemptRate;
  /** When each key will have its whole burst again, by the monotonic clock; in order of last use. */
  readonly #freeAtMs = new Map<string, number>();

  constructor(clock: Clock, rate: AttemptRate) {
    this.#clock = clock;
    this.#rate = rate;
  }

  /** How long the key has to wait for its next attempt, ms; 0: it may try now. */
  waitMs(key: string): number {
    const { burst, everyMs } = this.#rate;
    return Math.max(0, this.usedMs(key) - (burst - 1) * everyMs);
  }

  /** How much the key has tried of late: when it will have its whole burst again, ms from now. */
  usedMs(key: string): number {
    return Math.max(0, (this.#freeAtMs.get(key) ?? 0) - this.#clock.monotonicMs());
  }

  /** Counts an attempt. */
  take(key: string): void {
    const nowMs = this.#clock.monotonicMs();
    const freeAtMs = Math.max(nowMs, this.#freeAtMs.get(key) ?? 0) + this.#rate.everyMs;
    this.#freeAtMs.delete(key);
    const [stalest] = this.#freeAtMs.keys();
    if (this.#freeAtMs.size >= keysMax && stalest !== undefined) this.#freeAtMs.delete(stalest);
    this.#freeAtMs.set(key, freeAtMs);
  }

  /** An attempt that was counted was none. */
  giveBack(key: string): void {
    const freeAtMs = this.#freeAtMs.get(key);
    if (freeAtMs !== undefined) this.#freeAtMs.set(key, freeAtMs - this.#rate.everyMs);
  }

  /** Forgets the attempts of a key: it has shown that it may. */
  forgive(key: string): void {
    this.#freeAtMs.delete(key);
  }
}
