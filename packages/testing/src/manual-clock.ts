type CancelTimer = () => void;

interface Timer {
  dueMs: number;
  readonly periodMs: number | null;
  readonly task: () => void;
}

/** A clock for the server that stands still until a test moves it. Timers run in the order in which they are due. */
export class ManualClock {
  #nowMs = 0;
  #startMs: number;
  readonly #timers = new Set<Timer>();

  constructor(startMs = Date.UTC(2026, 0, 31, 12)) {
    this.#startMs = startMs;
  }

  wallMs(): number {
    return this.#startMs + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): CancelTimer {
    return this.#add({ dueMs: this.#nowMs + delayMs, periodMs: null, task });
  }

  every(periodMs: number, task: () => void): CancelTimer {
    return this.#add({ dueMs: this.#nowMs + periodMs, periodMs, task });
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.after(delayMs, resolve);
    });
  }

  /** The event loop turns, though time stands still. */
  nextTurn(task: () => void): void {
    setImmediate(task);
  }

  /** Somebody sets the wall clock, by so much; timers and intervals do not notice. */
  stepWall(byMs: number): void {
    this.#startMs += byMs;
  }

  /** Time goes on while the event loop stands: what falls due meanwhile runs late, with the next `advance`. */
  stall(byMs: number): void {
    this.#nowMs += byMs;
  }

  /** Moves time on and runs what falls due on the way. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      if (next.periodMs === null) this.#timers.delete(next);
      // As those of Node: one that comes late is not made up for.
      else next.dueMs = this.#nowMs + next.periodMs;
      next.task();
    }
    this.#nowMs = untilMs;
  }

  #add(timer: Timer): CancelTimer {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  #next(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= untilMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}
