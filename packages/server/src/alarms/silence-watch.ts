import type { WatchedDevice } from "./watched-device.ts";

/** Devices that fall silent within this time of the first are told together, ms. */
const collectMs = 60_000;

interface SilenceServices {
  readonly isOnline: (deviceId: string) => boolean;
  /** Since when the device is offline, where that is known. */
  readonly offlineSinceMs: (deviceId: string) => number | null;
  /** These send nothing, together. */
  readonly silent: (devices: readonly WatchedDevice[], atMs: number) => void;
  /** It sends again since then. */
  readonly back: (watched: WatchedDevice, sinceMs: number, atMs: number, because: string) => void;
}

/** How long it takes until silence rings, and until it is over, ms. */
interface SilenceDelays {
  readonly forMs: number;
  readonly clearForMs: number;
}

/**
 * Which devices send nothing although samples are expected of them. What is expected follows from the step that is usual for each; one that sends
 * on change alone is silent when its link has ended. While the server could not hear, nobody is silent: that counts from when it is back.
 */
export class SilenceWatch {
  readonly #services: SilenceServices;
  /** From when on the server has heard, or would have. */
  #hearingSinceMs: number;
  /** Those that are to ring, and when the first of them was found. */
  readonly #collected = new Set<WatchedDevice>();
  #firstMs = 0;

  constructor(services: SilenceServices, hearingSinceMs: number) {
    this.#services = services;
    this.#hearingSinceMs = hearingSinceMs;
  }

  /** The server could not hear until now; everybody has until then to be heard. */
  deaf(untilMs: number): void {
    // The clock may have been set back.
    this.#hearingSinceMs = untilMs;
  }

  /** Looks at every device once; a few comparisons for each. */
  tick(devices: Iterable<WatchedDevice>, nowMs: number, delays: SilenceDelays): void {
    for (const watched of devices) {
      // From before the clock was set back.
      if (watched.heardAtMs > nowMs) watched.heardAtMs = nowMs;
      if (!watched.isExpected) this.#collected.delete(watched);
      else if (watched.isSilent) this.#lookForBack(watched, nowMs, delays);
      else if (this.#isSilent(watched, nowMs, delays)) this.#collect(watched, nowMs);
      else if (this.#collected.size > 0) this.#collected.delete(watched);
    }
    if (this.#collected.size === 0 || nowMs - this.#firstMs < collectMs) return;
    const silent = [...this.#collected];
    this.#collected.clear();
    for (const watched of silent) {
      watched.isSilent = true;
      watched.backSinceMs = Number.NaN;
    }
    this.#services.silent(silent, nowMs);
  }

  forget(watched: WatchedDevice): void {
    this.#collected.delete(watched);
  }

  #collect(watched: WatchedDevice, nowMs: number): void {
    if (this.#collected.size === 0) this.#firstMs = nowMs;
    this.#collected.add(watched);
  }

  #isSilent(watched: WatchedDevice, nowMs: number, { forMs }: SilenceDelays): boolean {
    const { heardAtMs, mayRest, deviceId } = watched;
    const fromMs = Math.max(heardAtMs, this.#hearingSinceMs);
    // Of nearly all devices this says it already.
    if (nowMs - fromMs <= forMs) return false;
    if (!mayRest) return nowMs - fromMs > forMs + watched.silenceMsMax;
    if (this.#services.isOnline(deviceId)) return false;
    return nowMs - Math.max(fromMs, this.#services.offlineSinceMs(deviceId) ?? 0) > forMs;
  }

  #lookForBack(watched: WatchedDevice, nowMs: number, { clearForMs }: SilenceDelays): void {
    const { mayRest, deviceId, backSinceMs } = watched;
    const isOnline = mayRest && this.#services.isOnline(deviceId);
    // One that rests shows by its link that it is there.
    if (isOnline && Number.isNaN(backSinceMs)) watched.backSinceMs = nowMs;
    if (Number.isNaN(watched.backSinceMs)) return;
    if (!isOnline && nowMs - watched.heardAtMs > watched.holdMs(isOnline)) watched.backSinceMs = Number.NaN;
    else if (nowMs - watched.backSinceMs >= clearForMs) this.end(watched, watched.backSinceMs, nowMs, "it sends again");
  }

  /** It is not silent any more, or nothing is expected of it. */
  end(watched: WatchedDevice, sinceMs: number, atMs: number, because: string): void {
    this.#collected.delete(watched);
    if (!watched.isSilent) return;
    watched.isSilent = false;
    watched.backSinceMs = Number.NaN;
    this.#services.back(watched, sinceMs, atMs, because);
  }
}
