import type { Clock } from "../base/clock.ts";

/** A device that nobody has registered, and that has asked to come in. */
export interface WaitingDevice {
  readonly serial: string;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  readonly messages: number;
  /** Where it asked from last. */
  readonly address: string;
}

/** Above this the one that was silent longest is forgotten; it comes back with its next message. */
const waitingMax = 1_000;

/** Serial numbers that an administrator has refused; above it the one refused first may ask again. */
const refusedMax = 1_000;

/** Serial numbers that came in by the SMART-OS door and are not registered. In memory only: who still wants to come in says so again. */
export class WaitingDevices {
  readonly #clock: Clock;
  /** In order of their last message. */
  readonly #waiting = new Map<string, WaitingDevice>();
  readonly #refused = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(serial: string, address: string): void {
    if (this.#refused.has(serial)) return;
    const nowMs = this.#clock.wallMs();
    const before = this.#waiting.get(serial);
    this.#waiting.delete(serial);
    this.#waiting.set(serial, {
      serial,
      firstSeenAtMs: before?.firstSeenAtMs ?? nowMs,
      lastSeenAtMs: nowMs,
      messages: (before?.messages ?? 0) + 1,
      address,
    });
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > waitingMax && oldest !== undefined) this.#waiting.delete(oldest);
  }

  /** Lists it no more, however often it asks, until the server is started anew. */
  refuse(serial: string): void {
    this.#waiting.delete(serial);
    this.#refused.add(serial);
    const [oldest] = this.#refused;
    if (this.#refused.size > refusedMax && oldest !== undefined) this.#refused.delete(oldest);
  }

  has(serial: string): boolean {
    return this.#waiting.has(serial);
  }

  forget(serial: string): void {
    this.#waiting.delete(serial);
  }

  /** The last to ask first. */
  list(): WaitingDevice[] {
    return [...this.#waiting.values()].reverse();
  }
}
