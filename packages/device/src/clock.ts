/** Where the SDK takes time from; tests hand in one that stands still until told. */
export interface Clock {
  /** Milliseconds since 1970 UTC; stamps samples. Jumps when the device's clock is set. */
  now(): number;
  /** Milliseconds since any fixed instant; measures silence and rate. Never jumps: a Pi without a battery clock wakes up in 1970. */
  monotonicMs(): number;
  setTimeout(run: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
