import { isRefusal, limits, type Refusal, type RefusalCode, refuse, type ValueFault } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import type { DeviceJournal } from "../devices/device-journal.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { FaultCount, FaultyValue } from "../devices/faulty-values.ts";
import type { Sample } from "../devices/sample.ts";
import { decode } from "./gatekeeper.ts";
import type { SampleSink, Source } from "./sample-sink.ts";

/** Told of frames that go no further, and of values that do not. */
export interface DropObserver {
  dropped(device: DeviceState, refusal: Refusal): void;
  /** These were left out of the device's messages, and that should be known. */
  leftOut(device: DeviceState, values: readonly FaultCount[]): void;
  /** The device's clock was found to be off, or right again (`device.clock.offsetMs`). */
  clockChanged(device: DeviceState): void;
}

/**
 * Where the lanes part. One frame comes in; it leaves by the sinks: to the dashboards now, to the store soon. Nothing here waits.
 */
export class Ingest {
  readonly #clock: Clock;
  readonly #sinks: readonly SampleSink[];
  readonly #observer: DropObserver;
  readonly #pass: (device: DeviceState, journal: DeviceJournal, seq: number) => void;
  acceptedCount = 0;
  /** Numbered samples that had come before. */
  duplicateCount = 0;
  readonly droppedCounts = new Map<RefusalCode, number>();
  /** Values that were left out, or kept and marked. */
  readonly faultCounts = new Map<ValueFault, number>();

  /** `pass`: these numbers of a journal are taken without a sample. */
  constructor(
    clock: Clock,
    sinks: readonly SampleSink[],
    observer: DropObserver,
    pass: (device: DeviceState, journal: DeviceJournal, seq: number) => void,
  ) {
    this.#pass = pass;
    this.#clock = clock;
    this.#sinks = sinks;
    this.#observer = observer;
  }

  /**
   * Takes one telemetry message, or drops it and gives why. `hasClock` is false where the device sent no time of its own and the message says
   * the server's. `seq` is its number in the device's journal; 0: it has none.
   */
  receive(device: DeviceState, source: Source, frame: Buffer, hasClock = true, seq = 0): Refusal | null {
    const receivedAtMs = this.#clock.wallMs();
    if (source.fenced) return this.drop(device, refuse("fenced"));
    const { journal } = source;
    if (seq > 0 && journal?.taken.has(seq)) {
      this.duplicateCount++;
      return null;
    }
    const decoded = decode(device, frame, receivedAtMs);
    if (isRefusal(decoded)) {
      // Sent again it would be refused again.
      if (seq > 0 && journal !== null) this.#pass(device, journal, seq);
      return this.drop(device, decoded);
    }
    const { deviceTimeMs, hasTime, values } = decoded;
    const isPlaced = hasClock && hasTime;
    if (isPlaced) this.#place(device, deviceTimeMs, receivedAtMs, source.epoch);
    const sample: Sample = {
      deviceId: device.deviceId,
      deviceTimeMs,
      values,
      observedAtMs: isPlaced ? device.clock.observedAtMs : receivedAtMs,
      receivedAtMs,
      clock: isPlaced ? device.clock.clock : "server",
      epoch: seq > 0 && journal !== null ? journal.epoch : source.epoch,
      seq: seq > 0 ? seq : source.nextSeq++,
      isNumbered: seq > 0,
    };
    this.acceptedCount++;
    device.accepted++;
    if (decoded.faults !== null) this.noteFaults(device, decoded.faults, receivedAtMs);
    device.offer(sample, decoded.frame, decoded.pointSet);
    for (const sink of this.#sinks) sink.accept(device, sample, decoded.frame, source);
    return null;
  }

  /** The device's clock says this just now. */
  place(device: DeviceState, deviceTimeMs: number, epoch: number): void {
    this.#place(device, deviceTimeMs, this.#clock.wallMs(), epoch);
  }

  #place(device: DeviceState, deviceTimeMs: number, receivedAtMs: number, epoch: number): void {
    const { clock } = device;
    const beforeMs = clock.offsetMs;
    clock.place(deviceTimeMs, receivedAtMs, epoch);
    if (Math.abs(clock.offsetMs - beforeMs) > limits.clockRightMsMax) this.#observer.clockChanged(device);
  }

  /** Counts values that were left out of a message or marked, and tells what should be known. */
  noteFaults(device: DeviceState, faults: readonly FaultyValue[], nowMs: number): void {
    this.countFaults(faults);
    const due = device.faultyValues.note(faults, nowMs);
    if (due.length > 0) this.#observer.leftOut(device, due);
  }

  /** As `noteFaults`, without telling: of samples of before. */
  countFaults(faults: readonly FaultyValue[]): void {
    for (const { fault } of faults) this.faultCounts.set(fault, (this.faultCounts.get(fault) ?? 0) + 1);
  }

  /** Counts a frame that goes no further, and keeps the reason where people look for it. */
  drop(device: DeviceState, refusal: Refusal): Refusal {
    this.droppedCounts.set(refusal.code, (this.droppedCounts.get(refusal.code) ?? 0) + 1);
    device.noteDropped(refusal, this.#clock.wallMs());
    this.#observer.dropped(device, refusal);
    return refusal;
  }
}
