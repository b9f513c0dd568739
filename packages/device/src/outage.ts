/** Why there is no link, as a value. `message` says what to do about it where the author can do something. */
export interface Outage {
  readonly code: OutageCode;
  readonly message: string;
  /** How long the server asked to wait (Retry-After), as it said it. */
  readonly retryAfterMs?: number;
}

export type OutageCode =
  /** No connection, or no answer to the handshake in time. */
  | "unreachable"
  /** HTTP 401 or 403: unknown id, or wrong or revoked token; the server does not tell which. */
  | "forbidden"
  /** HTTP 429 or 503: the server asks to come back later. */
  | "busy"
  /** Any other HTTP answer: something else listens at this address. */
  | "unexpected_answer"
  /** A newer connection with this device's id took over. */
  | "replaced"
  /** The token was revoked or rotated, or the device removed, while connected. */
  | "revoked"
  /** Nothing was heard from the server for a minute, not even its ping. */
  | "silent"
  /** The link ended in any other way. */
  | "closed";
