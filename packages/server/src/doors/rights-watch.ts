import { disconnects } from "@wattboard/protocol";
import type { Principal } from "../access/principal.ts";
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { Link } from "../link/link.ts";

/** A right that is taken away is gone on open sockets within this time, ms. */
const watchMs = 500;

/** Closes the links of those whose rights are no longer what they were when the link was opened. Bounded by the number of sockets. */
export class RightsWatch {
  readonly #principals = new Map<Link, Principal>();
  readonly #stop: CancelTimer;

  constructor(clock: Clock) {
    this.#stop = clock.every(watchMs, () => {
      for (const [link, principal] of this.#principals) {
        if (principal.isCurrent()) continue;
        this.#principals.delete(link);
        link.close(disconnects.rightsChanged);
      }
    });
  }

  add(link: Link, principal: Principal): void {
    this.#principals.set(link, principal);
  }

  remove(link: Link): void {
    this.#principals.delete(link);
  }

  stop(): void {
    this.#stop();
  }
}
