import type { Clock } from "./clock.ts";
import type { DeviceCounters } from "./device.ts";
import type { DeviceOptions } from "./device-options.ts";
import type { Notices } from "./notices.ts";
import type { Sample } from "./sample.ts";

/** Calls the author's `read` at an even pace while it is started. All handlers are fields, bound once: a tick creates no closure. */
export class Sampler {
  readonly #clock: Clock;
  readonly #periodMs: number;
  readonly #read: NonNullable<DeviceOptions["read"]>;
  readonly #send: (sample: Sample) => void;
  readonly #counters: DeviceCounters;
  readonly #notices: Notices;
  #timer: unknown;
  #dueMs = 0;
  #isReading = false;

  constructor(
    clock: Clock,
    periodMs: number,
    read: NonNullable<DeviceOptions["read"]>,
    send: (sample: Sample) => void,
    counters: DeviceCounters,
    notices: Notices,
  ) {
    this.#clock = clock;
    this.#periodMs = periodMs;
    this.#read = read;
    this.#send = send;
    this.#counters = counters;
    this.#notices = notices;
  }

  /** Reads at once, and then in each period. */
  start(): void {
    this.#dueMs = this.#clock.monotonicMs();
    this.#tick();
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  readonly #tick = (): void => {
    // Anchored to the due time, so that the rate does not drift; a process that slept does not catch up.
    const nowMs = this.#clock.monotonicMs();
    this.#dueMs += this.#periodMs;
    if (this.#dueMs <= nowMs) this.#dueMs = nowMs + this.#periodMs;
    this.#timer = this.#clock.setTimeout(this.#tick, this.#dueMs - nowMs);
    if (this.#isReading) {
      this.#counters.skippedReading++;
      this.#notices.tellSometimes("warn", "read_slow", "The last read has not finished; this one is left out.");
      return;
    }
    try {
      const sample = this.#read();
      if (sample instanceof Promise) {
        this.#isReading = true;
        sample.then(this.#onRead).catch(this.#onReadFailed);
      } else this.#onRead(sample);
    } catch (error) {
      this.#onReadFailed(error);
    }
  };

  readonly #onRead = (sample: Sample | null | undefined): void => {
    this.#isReading = false;
    if (sample !== null && sample !== undefined) this.#send(sample);
  };

  readonly #onReadFailed = (error: unknown): void => {
    this.#isReading = false;
    this.#counters.readFailures++;
    this.#notices.tellSometimes("error", "read_failed", "read failed; nothing was sent.", error);
  };
}
