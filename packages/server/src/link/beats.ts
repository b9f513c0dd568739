import type { BeatFrame } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { isoTime } from "../base/iso-time.ts";
import { textFrame } from "./frame.ts";
import type { Beating } from "./heartbeat.ts";

/** Whoever is sent beats. */
interface Listener {
  send(frame: Uint8Array): void;
}

/** A beat comes every so many seconds. */
const groupCount = 10;

/**
 * Tells those who speak the subprotocol that the server is there: a browser shows its page no pings, so that a dead link looks like a silent device.
 * A tenth of them in each second, so that no turn of the event loop writes to all. Bounded by the number of sockets.
 */
export class Beats implements Beating {
  readonly #clock: Clock;
  readonly #groups = Array.from({ length: groupCount }, () => new Set<Listener>());
  #joined = 0;
  #seconds = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whoever comes next is in the next group, so that those who come all at once are not sent to all at once. */
  add(listener: Listener): void {
    this.#groups[this.#joined++ % groupCount]?.add(listener);
  }

  remove(listener: Listener): void {
    for (const group of this.#groups) group.delete(listener);
  }

  beat(): void {
    const group = this.#groups[this.#seconds++ % groupCount];
    if (group === undefined || group.size === 0) return;
    const beat: BeatFrame = { type: "beat", server_time: isoTime(this.#clock.wallMs()) };
    const frame = textFrame(Buffer.from(JSON.stringify(beat)));
    for (const listener of group) listener.send(frame);
  }
}
