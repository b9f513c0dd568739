import { type Disconnect, disconnects } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { DeviceSession, type Dialect, type SessionLink } from "./device-session.ts";
import { TakeoverHistory, type TakeoverLimits } from "./takeover-history.ts";

/** Who wants to know when a device comes or goes. */
export interface PresenceListener {
  presenceChanged(deviceId: string): void;
}

/**
 * Which device is on which link. One device, one connection ("Ghost Protocol"): a newer link replaces the older one in one synchronous
 * step, so that there is no moment with two and no moment with none. No lock is needed, because nothing here awaits.
 */
export class DeviceSessions {
  readonly #sessions = new Map<string, DeviceSession>();
  readonly #takeovers: TakeoverHistory;
  readonly #clock: Clock;
  readonly #listeners: PresenceListener[] = [];
  #lastEpoch: number;
  takeoverCount = 0;

  constructor(clock: Clock, limits: TakeoverLimits) {
    this.#clock = clock;
    this.#takeovers = new TakeoverHistory(limits);
    // Epochs must grow across restarts without a file: a thousandth of a millisecond each, from the time of the start.
    this.#lastEpoch = clock.wallMs() * 1_000;
  }

  /** Has it told when a device comes or goes, from now on. */
  watch(listener: PresenceListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Clone containment: how long a new link for this device has to wait, ms; 0 means that it may come in. Two clones that fight would take
   * over from each other for ever; after a few rounds the incumbent stays. It is asked for a sign of life, in case it is dead.
   */
  contestedMs(deviceId: string): number {
    const incumbent = this.#sessions.get(deviceId);
    if (incumbent === undefined) return 0;
    const waitMs = this.#takeovers.waitMs(deviceId, this.#clock.monotonicMs());
    if (waitMs > 0) incumbent.link.probe();
    return waitMs;
  }

  /** Registers a new session. The one before, if any, is fenced and closed with 1008 `replaced` before this returns. */
  takeOver(
    deviceId: string,
    link: SessionLink,
    dialect: Dialect = "native",
  ): { readonly session: DeviceSession; readonly replaced: DeviceSession | undefined } {
    const session = new DeviceSession(deviceId, this.nextEpoch(), this.#clock.wallMs(), link, dialect);
    const replaced = this.#sessions.get(deviceId);
    this.#sessions.set(deviceId, session);
    if (replaced !== undefined) {
      this.takeoverCount++;
      this.#takeovers.note(deviceId, this.#clock.monotonicMs());
      replaced.end(disconnects.replaced);
    }
    this.#tell(deviceId);
    return { session, replaced };
  }

  /** Called when a session's socket is gone. Only the current session's end changes anything: a late close of an old one does not. */
  release(session: DeviceSession): void {
    session.fenced = true;
    if (this.#sessions.get(session.deviceId) !== session) return;
    this.#sessions.delete(session.deviceId);
    this.#tell(session.deviceId);
  }

  /** Ends the device's session, if it has one, and forgets its takeovers: its token was changed. */
  disconnect(deviceId: string, disconnect: Disconnect): void {
    this.#takeovers.forget(deviceId);
    const session = this.#sessions.get(deviceId);
    if (session === undefined) return;
    session.end(disconnect);
    this.release(session);
  }

  /** Greater than all before, across restarts too. */
  nextEpoch(): number {
    return ++this.#lastEpoch;
  }

  find(deviceId: string): DeviceSession | undefined {
    return this.#sessions.get(deviceId);
  }

  get size(): number {
    return this.#sessions.size;
  }

  #tell(deviceId: string): void {
    for (const listener of this.#listeners) listener.presenceChanged(deviceId);
  }
}
