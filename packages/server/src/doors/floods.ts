import type { Clock } from "../base/clock.ts";
import type { FrameLimit } from "../link/link.ts";
import type { Events } from "../observe/events.ts";
import type { Log } from "../observe/log.ts";
import { Throttle } from "../observe/throttle.ts";
import type { DoorName } from "./door-name.ts";

/** Who floods again within this time goes on with it. */
const againMs = 5 * 60_000;
const eventMs = 60 * 60_000;

/** Who floods: a device that has been let in, or an address. */
export interface Flooder {
  readonly door: DoorName;
  readonly deviceId: string | null;
  readonly address: string;
}

/** Tells of links that send far above their rate: in a count, in the log now and then, and where it lasts in an event an hour. */
export class Floods {
  readonly #log: Log;
  readonly #events: Events;
  readonly #recent: Throttle;
  readonly #told: Throttle;
  /** By door. */
  readonly counts = new Map<DoorName, number>();

  constructor(clock: Clock, log: Log, events: Events) {
    this.#log = log;
    this.#events = events;
    this.#recent = new Throttle(clock, againMs);
    this.#told = new Throttle(clock, eventMs);
  }

  note({ door, deviceId, address }: Flooder, consequence: FrameLimit["above"]): void {
    this.counts.set(door, (this.counts.get(door) ?? 0) + 1);
    const key = `${door} ${deviceId ?? address}`;
    const suppressed = this.#recent.pass(key);
    if (suppressed !== null) {
      this.#log.warn(
        { door, address, ...(deviceId !== null && { device_id: deviceId }), suppressed },
        consequence === "pause"
          ? "far too many messages: the device is not read for a while"
          : "far too many frames: closed",
      );
      return;
    }
    if (this.#told.pass(key) === null) return;
    // Who may read events need not know others' addresses: those stand in the log.
    const who = deviceId ?? `A client at the ${door} door`;
    this.#events.report(
      "flooding",
      deviceId,
      `${who} sends far more than its rate, again and again; others are not affected.`,
    );
  }
}
