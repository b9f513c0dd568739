import type { CancelTimer, Clock } from "../base/clock.ts";

/** Whoever sends backfill, and is told how fast it may. */
export interface Backfiller {
  readonly fenced: boolean;
  readonly notify: ((frame: object) => void) | null;
}

export interface BackfillLimits {
  /** Backfilled samples a second, of all devices together. */
  readonly perSecond: number;
  /** Of one device. */
  readonly perDevice: number;
}

const everyMs = 1_000;
/** Who has sent none for so long takes no share, ms. */
const activeMs = 5_000;
/** A share that changes by less than this factor is not told, and who is faster by less is not refused. */
const toldFactor = 1.25;

interface Share {
  /** What the device was told last. */
  told: number;
  seenAtMs: number;
  /** Samples that it may still send now. */
  left: number;
}

/** Shares what the server takes of old samples among the devices that have some; none while the queue to the store is more than half full. */
export class BackfillPace {
  readonly #clock: Clock;
  readonly #limits: BackfillLimits;
  readonly #isQueueFull: () => boolean;
  readonly #stop: CancelTimer;
  readonly #shares = new Map<Backfiller, Share>();

  constructor(clock: Clock, limits: BackfillLimits, isQueueFull: () => boolean) {
    this.#clock = clock;
    this.#limits = limits;
    this.#isQueueFull = isQueueFull;
    this.#stop = clock.every(everyMs, () => this.#share());
  }

  stop(): void {
    this.#stop();
  }

  /** How many devices send backfill. */
  get activeCount(): number {
    return this.#shares.size;
  }

  /** What a device begins with, samples a second. Where it has something to send, or must wait until it may, it takes a share. */
  begin(device: Backfiller, isBehind = true): number {
    if (!isBehind && !this.#isQueueFull()) return this.#presentShare();
    // Whoever says hello again has no more for it.
    const known = this.#shares.get(device);
    if (known !== undefined) return known.told;
    const share = { told: 0, seenAtMs: this.#clock.monotonicMs(), left: 0 };
    this.#shares.set(device, share);
    share.told = this.#presentShare();
    share.left = 2 * share.told;
    return share.told;
  }

  /** Whether the device may send so many samples now: a little more than it was told, and two seconds' worth at once. */
  take(device: Backfiller, samples: number): boolean {
    const share = this.#shares.get(device);
    if (share === undefined) {
      // It was silent for long, or did not say that it had something to send.
      device.notify?.({ type: "pace", backfill: this.begin(device) });
      return this.take(device, samples);
    }
    share.seenAtMs = this.#clock.monotonicMs();
    if (share.left <= 0) return false;
    share.left -= samples;
    return true;
  }

  #presentShare(): number {
    if (this.#isQueueFull()) return 0;
    const { perSecond, perDevice } = this.#limits;
    return Math.min(perDevice, Math.max(1, Math.floor(perSecond / Math.max(1, this.#shares.size))));
  }

  #share(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [device, { seenAtMs, told }] of this.#shares) {
      // Who was told to wait is silent for that reason.
      if (device.fenced || (told > 0 && nowMs - seenAtMs > activeMs)) this.#shares.delete(device);
    }
    const now = this.#presentShare();
    for (const [device, share] of this.#shares) {
      share.left = Math.min(2 * now, share.left + toldFactor * now);
      const isSame = now <= share.told * toldFactor && share.told <= now * toldFactor;
      if (isSame) continue;
      share.told = now;
      share.seenAtMs = nowMs;
      device.notify?.({ type: "pace", backfill: now });
    }
  }
}
