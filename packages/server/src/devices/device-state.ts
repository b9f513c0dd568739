import { limits, type Rating, type Refusal, type RefusalCode } from "@wattboard/protocol";
import { ExtraPoints } from "./extra-points.ts";
import { FaultyValues } from "./faulty-values.ts";
import type { Sample, Values } from "./sample.ts";

/** A receipt so far behind the one before it says that the server's clock was set back, and not only adjusted. */
const setBackMsMin = 1_000;

/** What the switchboard holds in memory of one device: its latest sample, what was refused, and what its clock does. */
export class DeviceState {
  readonly deviceId: string;
  /** The id as the journal writes it. */
  readonly idBytes: Buffer;
  /**
   * The latest sample, where somebody has asked for it. Of most devices nobody asks, and what is held of each from one sample to the next is
   * what a collection of young garbage has to copy: with thousands of devices, for longer than a live sample should wait.
   */
  #latest: Sample | null = null;
  #isAskedFor = false;
  /** What ingest has stamped on it, and how it came; written over by the next, so that no sample costs an allocation that lasts. */
  #observedAtMs = Number.NEGATIVE_INFINITY;
  #receivedAtMs = 0;
  #deviceTimeMs = 0;
  #clock: Sample["clock"] = "device";
  #epoch = 0;
  #seq = 0;
  #frame = Buffer.alloc(0);
  #frameBytes = 0;
  accepted = 0;
  readonly dropped = new Map<RefusalCode, number>();
  lastRefusal: { readonly refusal: Refusal; readonly atMs: number } | null = null;
  readonly clockWatch = new ClockWatch();
  readonly extraPoints: ExtraPoints;
  /** What was left out of its messages, or marked. */
  readonly faultyValues = new FaultyValues();
  /** What its properties say of its size. */
  rating: Rating | null = null;

  constructor(deviceId: string, extraPointsMax: number = limits.extraPointsMax) {
    this.deviceId = deviceId;
    this.extraPoints = new ExtraPoints(extraPointsMax);
    this.idBytes = Buffer.from(deviceId, "latin1");
  }

  /**
   * Makes `reading` the latest unless a newer one, by measured time, is known: late samples never become live. One that lies ahead of now is
   * none: it was stamped while the server's clock was ahead, and whatever comes now is newer. Copies the frame.
   */
  offer(reading: Sample, frame: Uint8Array): boolean {
    const { receivedAtMs } = reading;
    const isAhead =
      this.#receivedAtMs - receivedAtMs > setBackMsMin || this.#observedAtMs - receivedAtMs > limits.clockSkewMsMax;
    if (reading.observedAtMs < this.#observedAtMs && !isAhead) return false;
    this.#observedAtMs = reading.observedAtMs;
    this.#receivedAtMs = reading.receivedAtMs;
    this.#deviceTimeMs = reading.deviceTimeMs;
    this.#clock = reading.clock;
    this.#epoch = reading.epoch;
    this.#seq = reading.seq;
    if (frame.length > this.#frame.length) this.#frame = Buffer.allocUnsafeSlow(Math.ceil(frame.length * 1.25));
    this.#frame.set(frame);
    this.#frameBytes = frame.length;
    // Who has asked for the last one will ask for this one.
    this.#latest = this.#isAskedFor ? reading : null;
    this.#isAskedFor = false;
    return true;
  }

  /** Whether the sample is the one that was offered last and taken. */
  isNewest({ epoch, seq }: Sample): boolean {
    return this.#epoch === epoch && this.#seq === seq && this.#frameBytes > 0;
  }

  /** The latest sample, or null before the first; the same object until the next one comes. */
  get latest(): Sample | null {
    if (this.#frameBytes === 0) return null;
    this.#isAskedFor = true;
    this.#latest ??= {
      deviceId: this.deviceId,
      deviceTimeMs: this.#deviceTimeMs,
      // The gatekeeper made its values in the same way.
      values: JSON.parse(this.#frame.toString("utf8", 0, this.#frameBytes)) as Values,
      observedAtMs: this.#observedAtMs,
      receivedAtMs: this.#receivedAtMs,
      clock: this.#clock,
      epoch: this.#epoch,
      seq: this.#seq,
    };
    return this.#latest;
  }

  /** The latest sample as the device sent it, or null. A view that holds until the next sample. */
  get latestFrame(): Buffer | null {
    return this.#frameBytes === 0 ? null : this.#frame.subarray(0, this.#frameBytes);
  }

  noteDropped(refusal: Refusal, atMs: number): void {
    this.dropped.set(refusal.code, (this.dropped.get(refusal.code) ?? 0) + 1);
    this.lastRefusal = { refusal, atMs };
  }
}

/** Tells whether a device's clock can be believed (DESIGN §3.6). */
export class ClockWatch {
  #deviceTimeMs = Number.NaN;
  #sinceMs = 0;

  /** False where the clock is too far off, or has shown this very instant for too long. */
  isBelieved(deviceTimeMs: number, receivedAtMs: number): boolean {
    if (deviceTimeMs !== this.#deviceTimeMs) {
      this.#deviceTimeMs = deviceTimeMs;
      this.#sinceMs = receivedAtMs;
    } else if (receivedAtMs - this.#sinceMs > limits.clockStillMsMax) {
      return false;
    }
    return Math.abs(deviceTimeMs - receivedAtMs) <= limits.clockSkewMsMax;
  }
}
