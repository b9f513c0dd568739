import { type Refusal, type RefusalCode, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { Sample } from "../devices/sample.ts";
import type { Fanout } from "./fanout.ts";
import { decode, isRefusal } from "./gatekeeper.ts";
import type { StoreQueue } from "./store-queue.ts";

/** Where a frame comes from, as ingest sees it: one stay of a device on one link. */
export interface Source {
  readonly epoch: number;
  nextSeq: number;
  /** True once a newer session has taken over, or the token was revoked. */
  readonly fenced: boolean;
}

export interface IngestObserver {
  /** A device's latest sample, or what was refused of it, has changed. */
  deviceChanged(deviceId: string): void;
  dropped(device: DeviceState, refusal: Refusal): void;
}

/**
 * Where the lanes part. One frame comes in; it leaves to the dashboards now and to the store soon. Nothing here waits.
 */
export class Ingest {
  readonly #clock: Clock;
  readonly #fanout: Fanout;
  readonly #journal: StoreQueue;
  readonly #observer: IngestObserver;
  acceptedCount = 0;
  readonly droppedCounts = new Map<RefusalCode, number>();

  constructor(clock: Clock, fanout: Fanout, journal: StoreQueue, observer: IngestObserver) {
    this.#clock = clock;
    this.#fanout = fanout;
    this.#journal = journal;
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
    const reading: Sample = {
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

    // Hot lane.
    this.#fanout.publish(device.deviceId, frame);
    if (device.offer(reading, frame)) this.#observer.deviceChanged(device.deviceId);
    // Cold lane.
    this.#journal.append(device, reading, frame);
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
