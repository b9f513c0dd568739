/** Where the client takes time from; tests hand in one that stands still until told. */
export interface Clock {
  /** Milliseconds since 1970 UTC; jumps when the computer's clock is set. */
  now(): number;
  /** Milliseconds since any fixed instant; never jumps. */
  monotonicMs(): number;
  setTimeout(run: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
