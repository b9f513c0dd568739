import { limits } from "./limits.ts";

/** Offsets that differ by less, ms, are the same: a time in whole seconds, and a link that is now slower, now faster. */
const sameOffsetMs = 1_500;
/** An offset that was the same over so many samples and so long, ms, is the clock's, and no delay. */
const constantSamples = 3;
const constantMs = 5_000;
/** How much of what an offset differs from the learned one is learned with each sample: clocks drift. */
const learnedShare = 0.05;

/**
 * Places a device's samples in time (DESIGN §3.6), and learns how far its clock is off. A clock that is ahead shows that at once, since nothing
 * was measured in the future. One that is behind looks like a sample that comes late; it is the clock where the offset stays the same, and a
 * backlog, filed where it was measured, where it shrinks. `place` writes into the fields, so that no sample costs an allocation.
 */
export class DeviceClock {
  /** When the sample was measured, as filed: never later than its receipt. */
  observedAtMs = 0;
  /** `server` where that is not the device's own time. */
  clock: "device" | "server" = "device";
  /** How far the clock is ahead of the server's, ms; below zero where it is behind; 0 where it is right, or not known. */
  offsetMs = 0;
  #epoch = -1;
  #deviceTimeMs = Number.NaN;
  #sinceMs = 0;
  /** The offset that may turn out to be constant, since when, and over how many samples. */
  #runOffsetMs = Number.NaN;
  #runSinceMs = 0;
  #runSamples = 0;

  /** `epoch` is that of the link: on a new one an offset has to show itself anew, but for the one that is known. */
  place(deviceTimeMs: number, receivedAtMs: number, epoch: number): void {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#runSamples = 0;
      this.#deviceTimeMs = Number.NaN;
    }
    const offsetMs = deviceTimeMs - receivedAtMs;
    const isStill = this.#standsStill(deviceTimeMs, receivedAtMs);
    if (isStill || !(Math.abs(offsetMs) <= limits.backlogMsMax)) this.#file(receivedAtMs, receivedAtMs, "server");
    else if (Math.abs(offsetMs) <= limits.clockRightMsMax) {
      this.#learn(0);
      this.#file(deviceTimeMs, receivedAtMs, "device");
    } else this.#placeByOffset(deviceTimeMs, receivedAtMs, offsetMs);
  }

  /** The server's clock was set by so much, ms: the device's is as right or wrong as before. */
  serverStepped(stepMs: number): void {
    this.offsetMs -= stepMs;
    this.#runSamples = 0;
  }

  #placeByOffset(deviceTimeMs: number, receivedAtMs: number, offsetMs: number): void {
    const beyondMs = offsetMs - this.offsetMs;
    if (Math.abs(beyondMs) <= limits.clockRightMsMax && this.offsetMs !== 0) {
      this.offsetMs += beyondMs * learnedShare;
      this.#runSamples = 0;
    } else if (offsetMs > 0 && beyondMs > 0) this.#learn(offsetMs);
    else if (this.#isConstant(offsetMs, receivedAtMs)) this.#learn(offsetMs);
    // What shrinks is no offset: what was taken for one was the age of a backlog.
    else if (beyondMs > 0) this.offsetMs = 0;
    this.#file(deviceTimeMs - this.offsetMs, receivedAtMs, this.offsetMs === 0 ? "device" : "server");
  }

  #file(observedAtMs: number, receivedAtMs: number, clock: "device" | "server"): void {
    this.observedAtMs = Math.min(observedAtMs, receivedAtMs);
    this.clock = clock;
  }

  #learn(offsetMs: number): void {
    this.offsetMs = offsetMs;
    this.#runSamples = 0;
  }

  #isConstant(offsetMs: number, receivedAtMs: number): boolean {
    if (this.#runSamples === 0 || Math.abs(offsetMs - this.#runOffsetMs) > sameOffsetMs) {
      this.#runOffsetMs = offsetMs;
      this.#runSinceMs = receivedAtMs;
      this.#runSamples = 1;
      return false;
    }
    this.#runSamples++;
    return this.#runSamples >= constantSamples && receivedAtMs - this.#runSinceMs >= constantMs;
  }

  /** Whether the clock has shown this very instant for too long. */
  #standsStill(deviceTimeMs: number, receivedAtMs: number): boolean {
    if (deviceTimeMs === this.#deviceTimeMs) return receivedAtMs - this.#sinceMs > limits.clockStillMsMax;
    this.#deviceTimeMs = deviceTimeMs;
    this.#sinceMs = receivedAtMs;
    return false;
  }
}
