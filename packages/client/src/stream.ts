import type { Clock } from "./clock.ts";

/**
 * `CONNECTING`: a try is under way. `OPEN`: frames come as the server sends them. `CLOSED`: there is no connection just now; unless
 * it was closed here, the next try follows by itself.
 */
export type StreamStatus = "CONNECTING" | "OPEN" | "CLOSED";

/** What went wrong, as a value; the stream goes on. */
export interface StreamError {
  /**
   * `unreachable`: a try did not open. The server may be down, the device unknown, or you may not be allowed to see it: browsers do not
   * tell which. `lost`: an open connection ended. `malformed_frame`: a frame is not what the stream promises, and was left out.
   */
  readonly code: "unreachable" | "lost" | "malformed_frame";
  readonly message: string;
}

/** What all streams take. */
export interface StreamOptions {
  /** The server's base address, with its path where it has one: http, https, ws or wss. Default: the page's own origin; outside of pages `http://127.0.0.1:8000`. */
  readonly url?: string | undefined;
  /** Told each change of `status`. */
  readonly onStatus?: (status: StreamStatus) => void;
  /** Told what went wrong. Without it nobody is. */
  readonly onError?: (error: StreamError) => void;
  /**
   * Makes the socket, for a Node program that must send a header or go through a proxy. `protocol`, where it is given, must be offered as the
   * subprotocol. Default: the global `WebSocket`.
   */
  readonly createSocket?: (address: string, protocol?: string) => WebSocket;
  /** For tests. */
  readonly clock?: Clock;
  /** For tests: 0 ≤ random() < 1, spreads the retries. */
  readonly random?: () => number;
}

/** A live stream. It reconnects by itself, for ever, until it is closed. */
export interface Stream {
  readonly status: StreamStatus;
  /** Ends the stream: `onStatus("CLOSED")`, and then no callback any more. May be called twice. */
  close(): void;
}
