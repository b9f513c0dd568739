import type { DeviceState } from "../../devices/device-state.ts";
import type { Sample } from "../../devices/sample.ts";
import { textFrame } from "../../link/frame.ts";
import type { MayView } from "../../telemetry/fleet-feed.ts";
import type { SampleSink, Source } from "../../telemetry/sample-sink.ts";
import type { Subscriber } from "../../telemetry/subscriber.ts";
import { fieldsOf } from "./dataset.ts";
import { smartOsFrame } from "./message.ts";

/** Every update to every web client that may see the device, as it comes; framed once for all. Bounded by the number of sockets. */
export class ClientFeed implements SampleSink {
  /** Null: the client sees all devices. */
  readonly #clients = new Map<Subscriber, MayView | null>();
  deliveryCount = 0;

  subscribe(client: Subscriber, mayView: MayView | null): void {
    this.#clients.set(client, mayView);
  }

  unsubscribe(client: Subscriber): void {
    this.#clients.delete(client);
  }

  /** An update that a web client can read as the device sent it: it goes out byte for byte. */
  publishAsSent(deviceId: string, frame: Uint8Array): void {
    if (this.#clients.size > 0) this.#send(deviceId, textFrame(frame));
  }

  /** An update in other words: of an INIT, or of a Python dict that a browser could not read. */
  publish(deviceId: string, header: string, fields: object): void {
    if (this.#clients.size > 0) this.#send(deviceId, smartOsFrame("UPDT", `${header}:${JSON.stringify(fields)}`));
  }

  /** The newest sample of a device of the other dialect; the door of this one publishes what its devices send as they sent it. */
  accept(device: DeviceState, _sample: Sample, _frame: Buffer, { dialect }: Source): void {
    if (dialect === "native") this.#publishLatest(device);
  }

  #publishLatest(device: DeviceState): void {
    // Asked for only where somebody listens: see DeviceState.
    if (this.#clients.size === 0) return;
    const { latest } = device;
    if (latest !== null) this.#send(device.deviceId, updateOf(latest));
  }

  #send(deviceId: string, frame: Buffer): void {
    for (const [client, mayView] of this.#clients) {
      if (mayView !== null && !mayView(deviceId)) continue;
      this.deliveryCount++;
      client.send(frame);
    }
  }
}

/** A sample of either dialect as an update. Its place on its link stands for the message id. */
export function updateOf({ deviceId, seq, values }: Sample): Buffer {
  const messageId = String(seq % 10_000).padStart(4, "0");
  return smartOsFrame("UPDT", `${messageId}:${deviceId}:${JSON.stringify(fieldsOf(values))}`);
}
