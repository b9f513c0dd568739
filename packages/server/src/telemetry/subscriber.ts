/** Whoever gets frames; a dashboard's link. Must not throw and must not wait. */
export interface Subscriber {
  /** `frame` has its WebSocket header already, and is shared with all other subscribers. */
  send(frame: Uint8Array): void;
}
