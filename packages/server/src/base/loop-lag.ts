import type { CancelTimer, Clock } from "./clock.ts";

const tickMs = 100;
/** So late a timer may be on a busy machine without being called a stall. */
const toleranceMs = 20;

/**
 * How long the event loop has stood still, all in all: while another task held it, or while the process was stopped. It is told by a timer that
 * comes late, and while the loop stands by how late it is by now: what arrived meanwhile is read before any timer runs.
 */
export class LoopLag {
  #stalledMs = 0;
  #dueMs: number;
  readonly #stop: CancelTimer;

  constructor(clock: Clock) {
    this.#dueMs = clock.monotonicMs() + tickMs;
    this.#stop = clock.every(tickMs, () => {
      const nowMs = clock.monotonicMs();
      this.#stalledMs = this.stalledMs(nowMs);
      this.#dueMs = nowMs + tickMs;
    });
  }

  /** Milliseconds since the start in which nothing could be read; only ever grows. */
  stalledMs(nowMs: number): number {
    return this.#stalledMs + Math.max(0, nowMs - this.#dueMs - toleranceMs);
  }

  stop(): void {
    this.#stop();
  }
}
