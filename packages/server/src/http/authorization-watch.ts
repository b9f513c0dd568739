import { type Disconnect, disconnects } from "@wattboard/protocol";
import type { Principal } from "../access/principal.ts";
import type { CancelTimer, Clock } from "../base/clock.ts";

/** A right that is taken away is gone on open sockets within this time, ms. */
const watchMs = 500;

/** A link, or an answer that is being sent. */
interface Watched {
  close(why: Disconnect): void;
}

/** Closes what was opened by those whose rights are no longer what they were then. Bounded by the number of sockets. */
export class AuthorizationWatch {
  readonly #principals = new Map<Watched, Principal>();
  readonly #stop: CancelTimer;

  constructor(clock: Clock) {
    this.#stop = clock.every(watchMs, () => {
      for (const [watched, principal] of this.#principals) {
        if (principal.isCurrent()) continue;
        this.#principals.delete(watched);
        watched.close(disconnects.rightsChanged);
      }
    });
  }

  add(watched: Watched, principal: Principal): void {
    this.#principals.set(watched, principal);
  }

  remove(watched: Watched): void {
    this.#principals.delete(watched);
  }

  stop(): void {
    this.#stop();
  }
}
