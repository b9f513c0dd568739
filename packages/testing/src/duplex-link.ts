/** What a link tells who opened it: the events of the device's `Transport`. */
interface LinkEvents {
  opened(): void;
  received(text: string | null): void;
  pinged(): void;
  refused(status: number, retryAfter: string | undefined): void;
  failed(message: string): void;
  closed(code: number, reason: string): void;
}

/**
 * A link without sockets, with both of its ends in the test's hand: the device's is the `Connection` of its transport, the server's are the
 * methods below. Nothing happens by itself, and what a method does has happened when it returns.
 */
export class DuplexLink {
  isOpen = false;
  speaksSubprotocol = true;
  /** Set by the test: what the network has not taken yet. */
  waitingBytes = 0;
  /** What the device has sent, oldest first. */
  readonly sent: string[] = [];
  /** How the device began to close. */
  closing: { readonly code: number; readonly reason: string } | undefined;
  readonly #events: LinkEvents;
  #hasEnded = false;

  constructor(events: LinkEvents) {
    this.#events = events;
  }

  // The device's end.

  send(text: string): void {
    if (!this.isOpen) throw new Error("It is not open.");
    this.sent.push(text);
  }

  close(code: number, reason: string): void {
    this.isOpen = false;
    this.closing ??= { code, reason };
  }

  cut(): void {
    this.end(1006, "");
  }

  // The server's end.

  accept(): void {
    this.isOpen = true;
    this.#events.opened();
  }

  refuse(status: number, retryAfter?: string): void {
    this.#events.refused(status, retryAfter);
  }

  push(frame: object | string | null): void {
    this.#events.received(typeof frame === "object" && frame !== null ? JSON.stringify(frame) : frame);
  }

  ping(): void {
    this.#events.pinged();
  }

  /** The end, from whichever side. */
  end(code = 1006, reason = ""): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.isOpen = false;
    this.#events.closed(code, reason);
  }
}

/** A transport whose links are {@link DuplexLink}s, in the order in which they were tried. */
export function duplexTransport(): {
  readonly transport: (events: LinkEvents) => DuplexLink;
  readonly links: DuplexLink[];
} {
  const links: DuplexLink[] = [];
  const transport = (events: LinkEvents) => {
    const link = new DuplexLink(events);
    links.push(link);
    return link;
  };
  return { transport, links };
}
