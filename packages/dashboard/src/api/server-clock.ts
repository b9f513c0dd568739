/**
 * The server's time, told from what it sends, so that the ages on this page do not depend on the viewer's clock. Between two
 * words of the server it runs on by the local clock, so ages keep growing while the connection is lost.
 */
export class ServerClock {
  #aheadMs: number | null = null;
  readonly #localNow: () => number;

  // `Date.now` and not a monotonic clock: some of those stand still while a laptop sleeps, and old values would look young.
  constructor(localNow: () => number = Date.now) {
    this.#localNow = localNow;
  }

  /** Takes note of a time that the server wrote just now. */
  observe(serverTimeMs: number): void {
    const aheadMs = serverTimeMs - this.#localNow();
    const known = this.#aheadMs;
    // A word that was long on its way makes the server look behind. The largest lead is nearest to the truth; it gives way
    // slowly, for drift, and at once where a clock was set.
    if (known === null || aheadMs >= known || known - aheadMs > stepMs) this.#aheadMs = aheadMs;
    else this.#aheadMs = known + (aheadMs - known) * 0.02;
  }

  /** Milliseconds since 1970 by the server's clock; by the local one as long as the server has said nothing. */
  now(): number {
    return this.#localNow() + (this.#aheadMs ?? 0);
  }
}

/** A difference above this is a clock that was set, not a slow network. */
const stepMs = 3_000;

/** The clock of the one server that this page comes from. */
export const serverClock = new ServerClock();
