/**
 * Every way in which Wattboard says no to a peer, as a value. `status` is the HTTP status where the refusal answers a request;
 * a refusal without one drops a telemetry message, which is counted under its code, and leaves the link alive.
 */
export const refusals = {
  // Telemetry messages (gatekeeper, link)
  invalid_json: { message: "The frame is not one JSON object." },
  invalid_schema: { message: "A required field is missing, or a value has the wrong type or range." },
  wrong_device: { message: "device_id is not the one that this link is authenticated for." },
  invalid_timestamp: { message: "timestamp is not an RFC 3339 date and time with an offset." },
  no_section: { message: "At least one of system_status, battery, grid, solar, load, inverter is needed." },
  invalid_name: { message: "A section or field name is not 1 to 64 letters, digits or underscores, first a letter." },
  nested_value: { message: "A value is an object or array; fields hold numbers, texts, booleans or null." },
  text_too_long: { message: "A text value has more than 256 characters." },
  too_many_points: { message: "The device would have more than 64 points outside the catalogue." },
  rate_limited: { message: "The link sends faster than its rate limit." },
  fenced: { message: "The link was replaced by a newer one; what it still sends is dropped." },
  // Handshakes and requests
  forbidden: { status: 403, message: "Forbidden." },
  unauthorized: { status: 401, message: "A bearer token is needed: Authorization: Bearer <token>." },
  not_permitted: { status: 403, message: "The token is valid, but its role does not permit this." },
  not_found: { status: 404, message: "There is no such thing at this address." },
  unknown_device: { status: 404, message: "No device with this id is registered." },
  device_exists: { status: 409, message: "A device with this id is registered already." },
  token_name_exists: { status: 409, message: "An API token with this name exists already." },
  invalid_request: { status: 400, message: "The request does not fit its schema." },
  invalid_cursor: {
    status: 400,
    message: "The cursor is not one that this address gave. Ask without it for the first page.",
  },
  unknown_point: { status: 400, message: "The device has no such point." },
  too_much: { status: 400, message: "That is more than one answer may take." },
  contested: {
    status: 429,
    message: "Two devices share this token: takeovers come too fast, so the connected one stays.",
  },
  too_many_sockets: { status: 429, message: "Too many sockets from this address." },
  internal: { status: 500, message: "The server failed at this request. Its log says why." },
  stopping: { status: 503, message: "The server is stopping. Try again in a few seconds." },
  store_busy: { status: 503, message: "Too many questions wait for the store. Ask again in a moment." },
  too_slow: {
    status: 504,
    message: "The answer took too long. Ask for a shorter span, fewer points or fewer devices.",
  },
  store_unavailable: { status: 503, message: "The store does not answer just now. Live delivery goes on." },
} as const satisfies Record<string, { readonly status?: number; readonly message: string }>;

export type RefusalCode = keyof typeof refusals;

/** A peer's mistake: what the table says, and what was seen this time. */
export interface Refusal {
  readonly code: RefusalCode;
  /** What, where, and what to do; safe to show to the peer and to log. */
  readonly message: string;
}

/** A refusal with the table's message, or with `detail` added to it. */
export function refuse(code: RefusalCode, detail?: string): Refusal {
  const { message } = refusals[code];
  return { code, message: detail === undefined ? message : `${message} ${detail}` };
}
