import type { Clock } from "./clock.ts";

/**
 * `CONNECTING`: a try is under way. `OPEN`: frames come as the server sends them. `CLOSED`: there is no connection just now; unless
 * it was closed here, the next try follows by itself.
 */
export type StreamStatus = "CONNECTING" | "OPEN" | "CLOSED";

/** What went wrong, as a value; the stream goes on. */
export interface StreamError {
  /**
   * `unreachable`: a try did not open, and the server does not say why. `refused`: it does. `lost`: an open connection ended. `malformed_frame`: a
   * frame is not what the stream promises, and was left out.
   */
  readonly code: "unreachable" | "refused" | "lost" | "malformed_frame";
  /** What went wrong and, where something can be done, what. */
  readonly message: string;
  /** With `refused`: which of the server's refusals, such as `forbidden`, `cross_origin` or `unknown_device`. */
  readonly refusal?: string;
}

/** What all streams take. */
export interface StreamOptions {
  /** The server's base address, with its path where it has one: http, https, ws or wss. Default: the page's own origin; outside of pages `http://127.0.0.1:8000`. */
  readonly url?: string | undefined;
  /** Told each change of `status`. */
  readonly onStatus?: (status: StreamStatus) => void;
  /** Told what went wrong. Without it nobody is. */
  readonly onError?: (error: StreamError) => void;
  /** An API token, for programs in Node: `wattboard api-token add`. A page's WebSocket cannot send it, and throws. */
  readonly token?: string | undefined;
  /**
   * Gets a ticket for each connection, for pages of other sites: from a server of yours that has an API token, and asks `POST /api/v1/tickets` for
   * one. `deviceId`: whose samples it is for; null: the fleet.
   */
  readonly ticket?: ((deviceId: string | null) => Promise<string>) | undefined;
  /** Makes the socket, to go through a proxy; `protocols` must be offered as subprotocols. Default: the global `WebSocket`, in Node `ws` if need be. */
  readonly createSocket?: ((address: string, ...protocols: string[]) => WebSocket) | undefined;
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
