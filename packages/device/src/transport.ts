/** One connection to the server: text frames both ways. */
export interface Connection {
  /** Whether it takes frames: from `opened` until either side begins to close. */
  readonly isOpen: boolean;
  /** Whether the server answered in the subprotocol `wattboard.v1`. */
  readonly speaksSubprotocol: boolean;
  /** What was handed over and the network has not taken yet, bytes. */
  readonly waitingBytes: number;
  send(text: string): void;
  /** Begins to close; `closed` follows when the server has answered. */
  close(code: number, reason: string): void;
  /** Ends at once; `closed` follows all the same. */
  cut(): void;
}

/** What becomes of a connection. None of it comes before the transport has returned the connection. */
export interface ConnectionEvents {
  opened(): void;
  /** A frame; null where it was not text. */
  received(text: string | null): void;
  /** A sign of life that is no frame. */
  pinged(): void;
  /** The handshake was answered with this HTTP status and not with a connection; it is not closed yet. */
  refused(status: number, retryAfter: string | undefined): void;
  /** Something broke; `closed` follows. */
  failed(message: string): void;
  /** The end of every connection, once. 1006: it was lost. */
  closed(code: number, reason: string): void;
}

/** Begins to connect: the port through which everything above is tested without sockets. */
export type Transport = (events: ConnectionEvents) => Connection;
