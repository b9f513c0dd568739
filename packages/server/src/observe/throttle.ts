import type { Clock } from "../base/clock.ts";

const keysMax = 10_000;

/** Lets one of a kind through per period and counts the rest, so that a noisy peer cannot fill the log. */
export class Throttle {
  readonly #clock: Clock;
  readonly #periodMs: number;
  readonly #byKey = new Map<string, { untilMs: number; suppressed: number }>();

  constructor(clock: Clock, periodMs: number) {
    this.#clock = clock;
    this.#periodMs = periodMs;
  }

  /** The number held back since the last one for this key, or null where this one is held back too. */
  pass(key: string): number | null {
    const nowMs = this.#clock.monotonicMs();
    const entry = this.#byKey.get(key);
    if (entry !== undefined && nowMs < entry.untilMs) {
      entry.suppressed++;
      return null;
    }
    // Too many keys: forgetting them all lets at most one line more through for each.
    if (entry === undefined && this.#byKey.size >= keysMax) this.#byKey.clear();
    this.#byKey.set(key, { untilMs: nowMs + this.#periodMs, suppressed: 0 });
    return entry?.suppressed ?? 0;
  }
}
