import type { CancelTimer, Clock } from "../base/clock.ts";
import type { Events } from "../observe/events.ts";
import type { DeviceSessions, PresenceListener } from "./device-sessions.ts";

/** A device that is back within this time was never gone, as far as people care. */
const graceMs = 10_000;
/** After a start all devices come back; who is not there after this time counts as gone. */
const startGraceMs = 60_000;
/** Changes of one device that are recorded within the window; then one event says that it comes and goes, until the window is over. */
const changesMax = 20;
const windowMs = 60 * 60_000;

interface DevicePresence {
  /** What the last event said; null where there was none. */
  recorded: "connected" | "disconnected" | null;
  offlineSinceMs: number | null;
  timer: CancelTimer | null;
  changes: number;
  windowEndMs: number;
}

/** Records when devices come and go, as events. Bounded by the number of registered devices. */
export class Presence implements PresenceListener {
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #sessions: DeviceSessions;
  readonly #presences = new Map<string, DevicePresence>();
  #isStopped = false;

  constructor(clock: Clock, events: Events, sessions: DeviceSessions) {
    this.#clock = clock;
    this.#events = events;
    this.#sessions = sessions;
  }

  /**
   * Takes up where the server before this one ended: the kind and time of a device's last presence event, and when it was last heard. A
   * device that was online then and does not come back is recorded as gone since it was last heard. One that has come or gone since this start
   * is known already.
   */
  restore(deviceId: string, kind: "connected" | "disconnected", atMs: number, lastHeardMs: number | null): void {
    if (this.#presences.has(deviceId)) return;
    const presence = this.#of(deviceId);
    presence.recorded = kind;
    presence.offlineSinceMs = kind === "disconnected" ? atMs : (lastHeardMs ?? this.#clock.wallMs());
    if (kind === "connected") this.#settleAfter(startGraceMs, deviceId, presence);
  }

  /** A device came or went. */
  presenceChanged(deviceId: string): void {
    if (this.#isStopped) return;
    const presence = this.#of(deviceId);
    const isOnline = this.#sessions.find(deviceId) !== undefined;
    presence.offlineSinceMs = isOnline ? null : this.#clock.wallMs();
    if (isOnline) this.#settle(deviceId, presence);
    else this.#settleAfter(graceMs, deviceId, presence);
  }

  /** Since when the device is offline; null while it is online, and where that is not known. */
  offlineSinceMs(deviceId: string): number | null {
    return this.#presences.get(deviceId)?.offlineSinceMs ?? null;
  }

  forget(deviceId: string): void {
    this.#presences.get(deviceId)?.timer?.();
    this.#presences.delete(deviceId);
  }

  /** From here on links end because the server does: that says nothing about the devices. */
  stop(): void {
    this.#isStopped = true;
    for (const { timer } of this.#presences.values()) timer?.();
  }

  #of(deviceId: string): DevicePresence {
    let presence = this.#presences.get(deviceId);
    if (presence === undefined) {
      presence = { recorded: null, offlineSinceMs: null, timer: null, changes: 0, windowEndMs: 0 };
      this.#presences.set(deviceId, presence);
    }
    return presence;
  }

  #settleAfter(delayMs: number, deviceId: string, presence: DevicePresence): void {
    presence.timer?.();
    presence.timer = this.#clock.after(delayMs, () => this.#settle(deviceId, presence));
  }

  /** Records what is so, where the last event says otherwise. */
  #settle(deviceId: string, presence: DevicePresence): void {
    presence.timer?.();
    presence.timer = null;
    const now = this.#sessions.find(deviceId) === undefined ? "disconnected" : "connected";
    if (presence.recorded === now) return;
    const monotonicMs = this.#clock.monotonicMs();
    if (monotonicMs >= presence.windowEndMs) {
      presence.changes = 0;
      presence.windowEndMs = monotonicMs + windowMs;
    }
    if (++presence.changes > changesMax) {
      if (presence.changes === changesMax + 1) {
        const message = `${deviceId} comes and goes: ${changesMax} times within an hour. It is recorded again when the hour is over.`;
        this.#events.report("flapping", deviceId, message);
      }
      this.#settleAfter(presence.windowEndMs - monotonicMs, deviceId, presence);
      return;
    }
    presence.recorded = now;
    const { offlineSinceMs } = presence;
    if (now === "connected") this.#events.note("connected", deviceId, `${deviceId} is online.`);
    else this.#events.note("disconnected", deviceId, `${deviceId} is offline.`, offlineSinceMs ?? undefined);
  }
}
