import { type Disconnect, disconnects, limits } from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../../base/clock.ts";

interface Closable {
  close(disconnect: Disconnect): void;
}

/**
 * Links at a door that lets in by the first message and not by the handshake. Who is not let in goes after ten seconds: a socket that answers
 * pings would else stay for ever. Above the bound the oldest goes, and not the newest: who may come in needs one message for it, so a flood
 * of others cannot keep it out.
 */
export class UnadmittedLinks {
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #deadlines = new Map<Closable, CancelTimer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(link: Closable): void {
    const [oldest] = this.#deadlines.keys();
    if (oldest !== undefined && this.#deadlines.size >= limits.unadmittedLinksMax) this.#turnAway(oldest);
    this.#deadlines.set(
      link,
      this.#clock.after(limits.admissionMsMax, () => this.#turnAway(link)),
    );
  }

  /** It was let in, or is gone. */
  remove(link: Closable): void {
    this.#deadlines.get(link)?.();
    this.#deadlines.delete(link);
  }

  #turnAway(link: Closable): void {
    this.remove(link);
    link.close(disconnects.notLetIn);
  }
}
