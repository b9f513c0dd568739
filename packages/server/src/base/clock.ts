import { setTimeout as setTimeoutAsync } from "node:timers/promises";

/** Stops a timer; calling it again does nothing. */
export type CancelTimer = () => void;

/** Time as the server sees it, injected so that no test has to wait. */
export interface Clock {
  /** Milliseconds since 1970 UTC; may step when the machine's clock is set. For stamps. */
  wallMs(): number;
  /** Milliseconds that only ever grow. For intervals and limits. */
  monotonicMs(): number;
  /** Runs `task` once, `delayMs` from now. Does not keep the process alive. */
  after(delayMs: number, task: () => void): CancelTimer;
  /** Runs `task` again and again. Does not keep the process alive. */
  every(periodMs: number, task: () => void): CancelTimer;
  /** Resolves `delayMs` from now, or rejects when the signal says so. Keeps the process alive: somebody waits for it. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Runs `task` in the event loop's next turn, after the sockets that have something to be read. */
  nextTurn(task: () => void): void;
}

/** Resolves in the event loop's next turn. */
export function untilNextTurn(clock: Pick<Clock, "nextTurn">): Promise<void> {
  return new Promise((resolve) => clock.nextTurn(resolve));
}

/** Keeps the process alive until the function that comes back is called. */
export function keepProcessAlive(): CancelTimer {
  const timer = setInterval(() => {}, 2 ** 30);
  return () => clearInterval(timer);
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs).unref();
    return () => clearTimeout(timer);
  },
  every(periodMs, task) {
    const timer = setInterval(task, periodMs).unref();
    return () => clearInterval(timer);
  },
  async sleep(delayMs, signal) {
    await setTimeoutAsync(delayMs, undefined, { ...(signal && { signal }) });
  },
  nextTurn: (task) => void setImmediate(task),
};
