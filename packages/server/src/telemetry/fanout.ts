import type { DeviceState } from "../devices/device-state.ts";
import type { Sample } from "../devices/sample.ts";
import { textFrame } from "../link/frame.ts";
import type { SampleSink } from "./sample-sink.ts";

/** Whoever gets samples; a dashboard's link. Must not throw and must not wait. */
export interface Subscriber {
  /** `frame` has its WebSocket header already, and is shared with all other subscribers. */
  send(frame: Uint8Array): void;
}

/** Who watches which topic: a device's samples. One message is framed once, however many watch. Bounded by the number of sockets. */
export class Fanout implements SampleSink {
  readonly #subscribersByDevice = new Map<string, Set<Subscriber>>();
  deliveryCount = 0;

  subscribe(deviceId: string, subscriber: Subscriber): void {
    const subscribers = this.#subscribersByDevice.get(deviceId);
    if (subscribers === undefined) this.#subscribersByDevice.set(deviceId, new Set([subscriber]));
    else subscribers.add(subscriber);
  }

  unsubscribe(deviceId: string, subscriber: Subscriber): void {
    const subscribers = this.#subscribersByDevice.get(deviceId);
    subscribers?.delete(subscriber);
    if (subscribers?.size === 0) this.#subscribersByDevice.delete(deviceId);
  }

  /** Whether anybody watches the device: what nobody watches need not be made. */
  isWatched(deviceId: string): boolean {
    return this.#subscribersByDevice.has(deviceId);
  }

  accept({ deviceId }: DeviceState, _sample: Sample, frame: Buffer): void {
    this.publish(deviceId, frame);
  }

  /** Sends the message, byte for byte as it was received, to everyone who watches the device. */
  publish(deviceId: string, message: Uint8Array): void {
    const subscribers = this.#subscribersByDevice.get(deviceId);
    if (subscribers === undefined) return;
    const frame = textFrame(message);
    this.deliveryCount += subscribers.size;
    for (const subscriber of subscribers) subscriber.send(frame);
  }
}
