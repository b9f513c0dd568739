/** Where the doors are. */
export const paths = {
  device: "/ws/device/",
  dashboard: "/ws/dashboard/",
  fleet: "/ws/fleet",
  api: "/api/v1",
} as const;

/** Offered in `Sec-WebSocket-Protocol` by who wants more than the plain doors give. */
export const subprotocol = "wattboard.v1";

/** Before a ticket, which is offered as a subprotocol beside the other: a browser's WebSocket sends no other header that a page may choose. */
export const ticketProtocol = "ticket.";

/** The address on which a server listens unless told otherwise. */
export const defaultUrl = "http://127.0.0.1:8000";

/**
 * A WebSocket address of a server: takes its base address with any of the schemes http, https, ws, wss.
 * `webSocketUrl("https://example.org", "/ws/fleet")` is `wss://example.org/ws/fleet`.
 */
export function webSocketUrl(base: string, path: string): string {
  return base.replace(/^http/, "ws").replace(/\/$/, "") + path;
}
