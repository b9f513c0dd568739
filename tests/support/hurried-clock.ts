import type { Clock } from "@wattboard/device";

/** A device's clock that runs so many times faster: what it waits for comes sooner. The time of day is the real one. */
export function hurriedClock(times: number): Clock {
  return {
    now: () => Date.now(),
    monotonicMs: () => performance.now() * times,
    setTimeout: (callback, ms) => setTimeout(callback, ms / times),
    clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  };
}
