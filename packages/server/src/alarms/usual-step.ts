import { instantMs } from "../store/algebra/steps.ts";

/** By so much of itself the estimate follows each step: a single long one hardly moves it. */
const followedShare = 0.1;

/**
 * The step from one sample to the next that is usual for a device, about the median, without keeping any: so that silence is told by what the
 * device does, by the same rule as coverage (ADR 66). What comes within five seconds is one instant.
 */
export class UsualStep {
  /** NaN while only one instant is known. */
  usualMs = Number.NaN;
  #instantMs = Number.NaN;

  /** A sample came. */
  note(atMs: number): void {
    const stepMs = atMs - this.#instantMs;
    if (stepMs < instantMs && stepMs >= 0) return;
    this.#instantMs = atMs;
    if (!(stepMs > 0)) return;
    if (Number.isNaN(this.usualMs)) this.usualMs = stepMs;
    else if (stepMs > this.usualMs) this.usualMs = Math.min(stepMs, this.usualMs * (1 + followedShare));
    else this.usualMs = Math.max(stepMs, this.usualMs * (1 - followedShare));
  }
}
