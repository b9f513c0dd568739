import type { Clock } from "../base/clock.ts";
import { RateLimit } from "../base/rate-limit.ts";

/** Who is told to come back is told a time of up to so many seconds, so that not all come at once again. */
const retryAfterSMax = 10;

/** How many devices may connect a second: a fleet that lost its link all at once must not keep the event loop from those that are back. */
export class ConnectRate {
  readonly #clock: Clock;
  readonly #rate: RateLimit;
  refusedCount = 0;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#rate = new RateLimit(perSecond, 2 * perSecond, clock.monotonicMs());
  }

  /** In how many seconds the device should come again; 0: it may connect now. */
  retryAfterS(): number {
    if (this.#rate.take(this.#clock.monotonicMs())) return 0;
    return 1 + (this.refusedCount++ % retryAfterSMax);
  }
}
