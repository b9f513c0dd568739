export interface TakeoverLimits {
  /** Takeovers of one device id within the window that are still believed to be one device reconnecting. */
  readonly takeoversMax: number;
  readonly takeoverWindowMs: number;
}

/** When one device was taken over lately; a few numbers a device, so it is bounded by the fleet. */
export class TakeoverHistory {
  readonly #limits: TakeoverLimits;
  readonly #atMsByDevice = new Map<string, number[]>();

  constructor(limits: TakeoverLimits) {
    this.#limits = limits;
  }

  note(deviceId: string, nowMs: number): void {
    const recent = this.#recent(deviceId, nowMs);
    recent.push(nowMs);
    this.#atMsByDevice.set(deviceId, recent);
  }

  /** Milliseconds until one more takeover is believed; 0 means now. */
  waitMs(deviceId: string, nowMs: number): number {
    const recent = this.#recent(deviceId, nowMs);
    const oldestMs = recent[recent.length - this.#limits.takeoversMax];
    return oldestMs === undefined ? 0 : oldestMs + this.#limits.takeoverWindowMs - nowMs;
  }

  forget(deviceId: string): void {
    this.#atMsByDevice.delete(deviceId);
  }

  #recent(deviceId: string, nowMs: number): number[] {
    const atMs = this.#atMsByDevice.get(deviceId) ?? [];
    return atMs.filter((each) => nowMs - each < this.#limits.takeoverWindowMs);
  }
}
