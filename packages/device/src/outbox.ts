import { limits } from "@wattboard/protocol";
import type { Clock } from "./clock.ts";
import type { Delivery } from "./delivery.ts";
import type { DeviceCounters } from "./device.ts";
import { numbered, type SampleJournal } from "./journal.ts";
import type { Notices } from "./notices.ts";
import type { Sample } from "./sample.ts";
import type { Connection } from "./transport.ts";

/** With more than this waiting in the connection, samples are not sent: they would only be old when they arrive. */
const waitingBytesMax = 256 * 1024;
/** A sample that is sent later stands in a frame of backfill, with its number. */
const backfillBytes = 64;

/** Where samples are kept until the server has stored them. */
export interface Keeping {
  readonly journal: SampleJournal;
  readonly delivery: Delivery;
}

/** Where samples go out, each as one message. What the link does not take at once stays in the journal; without one it is dropped, and counted. */
export class Outbox {
  readonly #deviceId: string;
  readonly #clock: Clock;
  readonly #link: { readonly connection: Connection | undefined };
  readonly #counters: DeviceCounters;
  readonly #notices: Notices;
  readonly #keeping: Keeping | null;

  constructor(
    deviceId: string,
    clock: Clock,
    link: { readonly connection: Connection | undefined },
    counters: DeviceCounters,
    notices: Notices,
    keeping: Keeping | null,
  ) {
    this.#deviceId = deviceId;
    this.#clock = clock;
    this.#link = link;
    this.#counters = counters;
    this.#notices = notices;
    this.#keeping = keeping;
  }

  send(sample: Sample): boolean {
    const { connection } = this.#link;
    const keeping = connection === undefined || this.#keeping?.delivery.numbers(connection) ? this.#keeping : null;
    const isCongested = connection !== undefined && connection.waitingBytes > waitingBytesMax;
    if (keeping === null && connection === undefined) {
      this.#counters.skippedOffline++;
      return false;
    }
    if (keeping === null && isCongested) {
      this.#counters.skippedCongested++;
      const message = "The link does not take samples as fast as they come; some are dropped.";
      this.#notices.tellSometimes("warn", "congested", message);
      return false;
    }
    const text = this.#textOf(sample);
    if (text === null) return false;
    if (keeping === null) connection?.send(text);
    else {
      const seq = keeping.journal.append(text);
      if (connection === undefined || isCongested) {
        keeping.delivery.kept();
        return true;
      }
      connection.send(numbered(seq, text));
      keeping.delivery.sent(seq);
    }
    this.#counters.sent++;
    return true;
  }

  /** The sample as a message; null if it is too large for one. */
  #textOf(sample: Sample): string | null {
    const message = { device_id: this.#deviceId, timestamp: new Date(this.#clock.now()).toISOString(), ...sample };
    // A sample copied from another device's message must not speak for that one, nor for another sample.
    const text = JSON.stringify({ ...message, device_id: this.#deviceId, seq: undefined });
    const bytesMax = limits.frameBytesMax - (this.#keeping === null ? 0 : backfillBytes);
    if (text.length <= bytesMax && Buffer.byteLength(text) <= bytesMax) return text;
    this.#counters.skippedTooBig++;
    this.#notices.tellSometimes("error", "sample_too_big", `A sample has more than ${bytesMax} bytes; dropped.`);
    return null;
  }
}
