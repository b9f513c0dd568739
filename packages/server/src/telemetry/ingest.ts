import { isRefusal, type Refusal, type RefusalCode, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { Sample } from "../devices/sample.ts";
import { decode } from "./gatekeeper.ts";
import type { SampleSink, Source } from "./sample-sink.ts";

/** Told of frames that go no further. */
export interface DropObserver {
  dropped(device: DeviceState, refusal: Refusal): void;
}

/**
 * Where the lanes part. One frame comes in; it leaves by the sinks: to the dashboards now, to the store soon. Nothing here waits.
 */
export class Ingest {
  readonly #clock: Clock;
  readonly #sinks: readonly SampleSink[];
  readonly #observer: DropObserver;
  acceptedCount = 0;
  readonly droppedCounts = new Map<RefusalCode, number>();

  constructor(clock: Clock, sinks: readonly SampleSink[], observer: DropObserver) {
    this.#clock = clock;
    this.#sinks = sinks;
    this.#observer = observer;
  }

  /**
   * Takes one telemetry message, or drops it and gives why. `hasClock` is false where the device sent no time of its own and the message says
   * the server's.
   */
  receive(device: DeviceState, source: Source, frame: Buffer, hasClock = true): Refusal | null {
    const receivedAtMs = this.#clock.wallMs();
    if (source.fenced) return this.drop(device, refuse("fenced"));
    const decoded = decode(device, frame, receivedAtMs);
    if (isRefusal(decoded)) return this.drop(device, decoded);
    const { deviceTimeMs, values } = decoded;
    const isBelieved = hasClock && device.clockWatch.isBelieved(deviceTimeMs, receivedAtMs);
    const sample: Sample = {
      deviceId: device.deviceId,
      deviceTimeMs,
      values,
      observedAtMs: isBelieved ? deviceTimeMs : receivedAtMs,
      receivedAtMs,
      clock: isBelieved ? "device" : "server",
      epoch: source.epoch,
      seq: source.nextSeq++,
    };
    this.acceptedCount++;
    device.accepted++;
    device.offer(sample, frame);
    for (const sink of this.#sinks) sink.accept(device, sample, frame, source);
    return null;
  }

  /** Counts a frame that goes no further, and keeps the reason where people look for it. */
  drop(device: DeviceState, refusal: Refusal): Refusal {
    this.droppedCounts.set(refusal.code, (this.droppedCounts.get(refusal.code) ?? 0) + 1);
    device.noteDropped(refusal, this.#clock.wallMs());
    this.#observer.dropped(device, refusal);
    return refusal;
  }
}
