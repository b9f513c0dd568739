import type { EventBody } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import type { Log } from "./log.ts";

export type EventKind =
  | "contested"
  | "token_changed"
  | "store_failing"
  | "store_recovered"
  | "samples_unstored"
  | "commands_failing"
  | "commands_recovered";

const eventsMax = 1_000;

/** What a person should know of. The newest thousand since the start, oldest dropped; each is a log line as well. */
export class Events {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #events: EventBody[] = [];

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  report(kind: EventKind, deviceId: string | null, message: string): void {
    this.#events.push({ at: new Date(this.#clock.wallMs()).toISOString(), kind, device_id: deviceId, message });
    if (this.#events.length > eventsMax) this.#events.shift();
    this.#log.warn({ event: kind, ...(deviceId !== null && { device_id: deviceId }) }, message);
  }

  /** Newest first. */
  list(limit: number): EventBody[] {
    return this.#events.slice(-limit).reverse();
  }
}
