/** What came while the event loop stood still for so long, ms, is still let through when it is read all at once; more is dropped. */
const stallMsMax = 120_000;

/**
 * A token bucket: `burst` at once, `perSecond` in the long run. A peer does not pay for the server's own stalls: while the event loop stands
 * the bucket fills beyond its burst, by as much as the rate allows in that time, for two minutes at most. What a peer does not use of that
 * within as long again is gone.
 */
export class RateLimit {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #filledAtMs: number;
  #stalledMs: number;

  /** `stalledMs`: for how long the event loop has stood still by now, all in all (`LoopLag`). */
  constructor(perSecond: number, burst: number, nowMs: number, stalledMs = 0) {
    this.#perMs = perSecond / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAtMs = nowMs;
    this.#stalledMs = stalledMs;
  }

  /** Whether one more fits now; takes it if so. */
  take(nowMs: number, stalledMs = 0): boolean {
    const stalled = (stalledMs - this.#stalledMs) * this.#perMs;
    const awake = (nowMs - this.#filledAtMs) * this.#perMs - stalled;
    const filled =
      this.#tokens > this.#burst
        ? Math.max(this.#burst, this.#tokens - awake)
        : Math.min(this.#burst, this.#tokens + awake);
    this.#tokens = Math.min(this.#burst + stallMsMax * this.#perMs, filled + stalled);
    this.#filledAtMs = nowMs;
    this.#stalledMs = stalledMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
