/** A clock for `@wattboard/client` and `@wattboard/device` that stands still until `advance`, and knows which timers wait. */
export class ManualSdkClock {
  #nowMs = Date.parse("2026-01-31T12:00:00Z");
  readonly #timers = new Map<object, { readonly run: () => void; readonly dueMs: number }>();

  /** What the wall clock shows beyond the time that passed: somebody set it. */
  wallMs = 0;

  now(): number {
    return this.#nowMs + this.wallMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimeout(run: () => void, delayMs: number): unknown {
    const timer = {};
    this.#timers.set(timer, { run, dueMs: this.#nowMs + Math.max(0, delayMs) });
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as object);
  }

  get waiting(): number {
    return this.#timers.size;
  }

  /** Lets time pass; timers run in the order in which they are due, each at its own time. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const [next] = [...this.#timers]
        .filter(([, { dueMs }]) => dueMs <= untilMs)
        .sort(([, a], [, b]) => a.dueMs - b.dueMs);
      if (next === undefined) break;
      const [timer, { run, dueMs }] = next;
      this.#timers.delete(timer);
      this.#nowMs = Math.max(this.#nowMs, dueMs);
      run();
    }
    this.#nowMs = untilMs;
  }

  /** Lets time pass until the next timer has run. */
  advanceToNext(): void {
    this.advance(Math.min(...[...this.#timers.values()].map(({ dueMs }) => dueMs)) - this.#nowMs);
  }

  /** Lets time pass as a process that slept sees it: all that is due runs late, at once. */
  sleep(ms: number): void {
    this.#nowMs += ms;
    this.advance(0);
  }
}
