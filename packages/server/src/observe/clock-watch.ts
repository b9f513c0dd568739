import type { CancelTimer, Clock } from "../base/clock.ts";
import type { Events } from "./events.ts";

const watchMs = 1_000;
/** Less than this is the doing of NTP, which nobody notices. */
const stepMsMin = 1_000;
/** Steps that are told in an hour; a clock that jumps without end would fill the events. */
const stepsPerHourMax = 20;
const hourMs = 3_600_000;

/** Notices when the server's clock is set: once a second the wall clock is held against the monotonic one. */
export class ServerClockWatch {
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #listeners: ((stepMs: number) => void)[] = [];
  readonly #stop: CancelTimer;
  #aheadMs: number;
  #told = 0;
  #hourEndMs = 0;

  constructor(clock: Clock, events: Events) {
    this.#clock = clock;
    this.#events = events;
    this.#aheadMs = this.#readAheadMs();
    this.#stop = clock.every(watchMs, () => this.#look());
  }

  /** Has the listener told of each step from now on, ms. */
  watch(listener: (stepMs: number) => void): void {
    this.#listeners.push(listener);
  }

  stop(): void {
    this.#stop();
  }

  #readAheadMs(): number {
    return this.#clock.wallMs() - this.#clock.monotonicMs();
  }

  #look(): void {
    const aheadMs = this.#readAheadMs();
    const stepMs = aheadMs - this.#aheadMs;
    this.#aheadMs = aheadMs;
    if (Math.abs(stepMs) < stepMsMin) return;
    for (const listener of this.#listeners) listener(stepMs);
    const monotonicMs = this.#clock.monotonicMs();
    if (monotonicMs >= this.#hourEndMs) {
      this.#told = 0;
      this.#hourEndMs = monotonicMs + hourMs;
    }
    if (++this.#told > stepsPerHourMax) return;
    this.#events.report("clock_stepped", null, describeStep(stepMs, this.#clock.wallMs()));
  }
}

function describeStep(stepMs: number, wallMs: number): string {
  const seconds = (Math.abs(stepMs) / 1_000).toFixed(1);
  const how =
    stepMs > 0
      ? `was set forward by ${seconds} s, or the machine slept so long`
      : `was set back by ${seconds} s: what was stamped by it before lies in the future, and is replaced by what comes now`;
  return `The server's clock ${how}. It is ${new Date(wallMs).toISOString()} now.`;
}
