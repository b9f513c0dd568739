/** How long a rule has to hold before it rings, and to be over before that is cleared, ms. */
export interface Delays {
  readonly forMs: number;
  readonly clearForMs: number;
}

/**
 * How one rule stands for one device, or for one thing of the server: whether it rings, and since when what would change that has held without
 * a break. Whoever feeds it says how long a sample speaks for the time after it; what lies behind a longer pause begins anew, since nobody
 * knows what was between. The same for what is live and for what is tried on the past, so it has no clock of its own.
 */
export class Onset {
  isRinging = false;
  /** Since when it has held, while it rings; since when it has been over, once it has ended. */
  heldSinceMs = Number.NaN;
  /** Since when what would change it has held; NaN: it does not. */
  sinceMs = Number.NaN;
  /** When that was seen last. */
  seenMs = Number.NaN;

  /** Whether time alone may change it. */
  get isPending(): boolean {
    return !Number.isNaN(this.sinceMs);
  }

  /** When it changes, if nothing says otherwise until then. */
  dueMs(delays: Delays): number {
    return this.sinceMs + (this.isRinging ? delays.clearForMs : delays.forMs);
  }

  /** Time has come to `atMs`. Gives when it began or ceased to ring, or NaN where it did neither; `isRinging` tells which. */
  settle(atMs: number, holdMs: number, delays: Delays): number {
    if (Number.isNaN(this.sinceMs)) return Number.NaN;
    const dueMs = this.dueMs(delays);
    const spokenForMs = this.seenMs + holdMs;
    if (dueMs <= atMs && dueMs <= spokenForMs) {
      this.isRinging = !this.isRinging;
      this.heldSinceMs = this.sinceMs;
      this.sinceMs = Number.NaN;
      return dueMs;
    }
    if (atMs > spokenForMs) this.sinceMs = Number.NaN;
    return Number.NaN;
  }

  /** At `atMs` what would change it was seen to hold, or not to hold. Behind `settle`, with which it ends; gives the same. */
  see(holds: boolean, atMs: number, holdMs: number, delays: Delays): number {
    if (!holds) {
      this.sinceMs = Number.NaN;
      return Number.NaN;
    }
    if (Number.isNaN(this.sinceMs)) this.sinceMs = atMs;
    this.seenMs = atMs;
    return this.settle(atMs, holdMs, delays);
  }

  /** The clock that its times are of was set by so much. */
  shift(byMs: number): void {
    this.sinceMs += byMs;
    this.seenMs += byMs;
  }
}
