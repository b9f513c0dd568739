import type { CancelTimer, Clock } from "../base/clock.ts";

/** A link as the heartbeat sees it. */
export interface Beating {
  /** Looks after itself: pings now and then, and ends when its peer stays silent. */
  beat(nowMs: number): void;
}

/** One timer for all links: once a second each is asked to look after itself. Bounded by the number of sockets. */
export class Heartbeat {
  readonly #links = new Set<Beating>();
  readonly #stop: CancelTimer;

  constructor(clock: Clock) {
    this.#stop = clock.every(1_000, () => {
      const nowMs = clock.monotonicMs();
      for (const link of this.#links) link.beat(nowMs);
    });
  }

  add(link: Beating): void {
    this.#links.add(link);
  }

  remove(link: Beating): void {
    this.#links.delete(link);
  }

  stop(): void {
    this.#stop();
    this.#links.clear();
  }
}
