import { limits } from "@wattboard/protocol";
import type { Clock } from "./clock.ts";
import type { DeviceCounters } from "./device.ts";
import type { Notices } from "./notices.ts";
import type { Sample } from "./sample.ts";
import type { Connection } from "./transport.ts";

/** With more than this waiting in the connection, samples are dropped: they would only be old when they arrive. */
const waitingBytesMax = 256 * 1024;

/** Where samples go out, each as one message. What the link does not take at once is dropped, and counted. */
export class Outbox {
  readonly #deviceId: string;
  readonly #clock: Clock;
  readonly #link: { readonly connection: Connection | undefined };
  readonly #counters: DeviceCounters;
  readonly #notices: Notices;

  constructor(
    deviceId: string,
    clock: Clock,
    link: { readonly connection: Connection | undefined },
    counters: DeviceCounters,
    notices: Notices,
  ) {
    this.#deviceId = deviceId;
    this.#clock = clock;
    this.#link = link;
    this.#counters = counters;
    this.#notices = notices;
  }

  send(sample: Sample): boolean {
    const { connection } = this.#link;
    if (connection === undefined) {
      this.#counters.skippedOffline++;
      return false;
    }
    if (connection.waitingBytes > waitingBytesMax) {
      this.#counters.skippedCongested++;
      const message = "The link does not take samples as fast as they come; some are dropped.";
      this.#notices.tellSometimes("warn", "congested", message);
      return false;
    }
    const message = { device_id: this.#deviceId, timestamp: new Date(this.#clock.now()).toISOString(), ...sample };
    // A sample copied from another device's message must not speak for that one.
    message.device_id = this.#deviceId;
    const text = JSON.stringify(message);
    if (text.length > limits.frameBytesMax || Buffer.byteLength(text) > limits.frameBytesMax) {
      this.#counters.skippedTooBig++;
      const message = `A sample has more than ${limits.frameBytesMax} bytes; dropped.`;
      this.#notices.tellSometimes("error", "sample_too_big", message);
      return false;
    }
    connection.send(text);
    this.#counters.sent++;
    return true;
  }
}
