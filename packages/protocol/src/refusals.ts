/**
 * Every way in which Wattboard says no to a peer, as a value. `status` is the HTTP status where the refusal answers a request;
 * a refusal without one drops a telemetry message, which is counted under its code; the link lives on unless the message says otherwise.
 */
export const refusals = {
  // Telemetry messages (gatekeeper, link)
  invalid_json: { message: "The frame is not one JSON object." },
  nothing_usable: { message: "Nothing in the message can be kept." },
  invalid_schema: { message: "A required field is missing, or a value has the wrong type or range." },
  wrong_device: { message: "device_id is not the one that this link is authenticated for." },
  invalid_timestamp: { message: "timestamp is not an RFC 3339 date and time with an offset." },
  no_section: { message: "At least one of system_status, battery, grid, solar, load, inverter is needed." },
  invalid_name: { message: "A section or field name is not 1 to 64 letters, digits or underscores, first a letter." },
  too_many_points: { message: "The device would have more points outside the catalogue than it may (limits.points)." },
  rate_limited: { message: "The link sends faster than its rate limit." },
  fenced: { message: "The link was replaced by a newer one; what it still sends is dropped." },
  invalid_frame: {
    message:
      "A frame of the subprotocol wattboard.v1 is none of hello, command_result, peers, backfill, gap, token_stored.",
  },
  peers_not_allowed: {
    message:
      "The device may not see others: that takes access.peers, and a property peers that an administrator gives.",
  },
  invalid_smart_os: { message: "The frame is no message of SMART-OS: {type, message: MMMM:SSSS:{…}}." },
  // What ends a device's link
  frame_too_large: { message: "A message is larger than 16 KiB: the link ends with 1009." },
  invalid_utf8: { message: "A text frame is not UTF-8: the link ends with 1007." },
  binary_frame: { message: "A frame is binary, and telemetry is text: the link ends with 1003." },
  protocol_error: {
    message: "A frame breaks the rules of RFC 6455 (not masked, reserved bits, a bad length): the link ends with 1002.",
  },
  too_many_pieces: { message: "A message comes in too many fragments or pieces: the link ends with 1008." },
  too_many_frames: { message: "The link sends far more frames than it may, pings included: it ends with 1008." },
  // Handshakes and requests
  forbidden: { status: 403, message: "Forbidden." },
  unauthorized: { status: 401, message: "Sign in, or send an API token: Authorization: Bearer <token>." },
  not_permitted: { status: 403, message: "You are known here, but your role does not permit this." },
  cross_origin: {
    status: 403,
    message: "The request comes from a page of another site. A name of this server's own is listed in access.origins.",
  },
  ticket_not_valid: {
    status: 403,
    message: "The ticket is used up or expired, or for another address: each is for one connection, within 30 s.",
  },
  too_many_tickets: { status: 429, message: "Too many tickets within 30 s." },
  upgrade_required: {
    status: 426,
    message: "This is the address of a WebSocket: open it with ws:// or wss://, not with a plain request.",
  },
  token_in_url: {
    status: 403,
    message:
      "The address holds a secret, and addresses end up in logs: take it back, and send it as Authorization: Bearer <token>.",
  },
  insecure_transport: {
    status: 403,
    message: "Beyond loopback this server speaks TLS only, or through a proxy listed in access.trusted_proxies.",
  },
  wrong_credentials: { status: 401, message: "The name or the password is wrong." },
  too_many_attempts: { status: 429, message: "Too many attempts." },
  link_not_valid: {
    status: 404,
    message: "The link is used up, expired or revoked. Ask whoever gave it to you for a new one.",
  },
  not_found: { status: 404, message: "There is no such thing at this address." },
  unknown_device: { status: 404, message: "No device with this id is registered." },
  device_exists: { status: 409, message: "A device with this id is registered already." },
  device_claimed: {
    status: 409,
    message: "Somebody has claimed the device. They or an administrator have to give it up first.",
  },
  claim_not_valid: {
    status: 404,
    message: "There is no box with this code: it was mistyped or used up, or there is a newer label.",
  },
  rotation_unfinished: {
    status: 409,
    message: "The device has not come with its last tokens yet. Rotate it with an overlap of 0, or revoke its token.",
  },
  person_exists: { status: 409, message: "There is somebody with this name or e-mail address already." },
  last_administrator: {
    status: 409,
    message: "Nobody else could administer the server. Make somebody else administrator first.",
  },
  token_name_exists: { status: 409, message: "An API token with this name exists already." },
  invalid_request: { status: 400, message: "The request does not fit its schema." },
  invalid_cursor: {
    status: 400,
    message: "The cursor is not one that this address gave. Ask without it for the first page.",
  },
  unknown_point: { status: 400, message: "The device has no such point." },
  range_too_large: { status: 400, message: "That is more than one answer may take." },
  unsupported_command: { status: 422, message: "The device cannot be told so." },
  command_exists: { status: 409, message: "The device has another command with this command_id." },
  too_many_commands: { status: 429, message: "The device has 16 commands that have not ended." },
  too_many_requests: { status: 429, message: "Too many commands in a short time." },
  fleet_commands_full: { status: 429, message: "Too many fleet commands are under way." },
  fleet_command_ended: { status: 409, message: "The fleet command has ended already." },
  too_many_rules: { status: 409, message: "There are as many rules of one's own as there may be (100)." },
  rule_built_in: { status: 409, message: "The rule is built in: it can be switched off, and not removed." },
  alarm_cleared: { status: 409, message: "The alarm is over already." },
  alarms_unavailable: { status: 503, message: "Alarms cannot be stored just now, so no rule is changed." },
  commands_unavailable: { status: 503, message: "Commands cannot be stored just now, so none is taken." },
  audit_unavailable: {
    status: 503,
    message: "The audit cannot be written just now, and what cannot be recorded is not done.",
  },
  contested: {
    status: 429,
    message: "Two devices share this token: takeovers come too fast, so the connected one stays.",
  },
  busy: { status: 429, message: "As many of these as may run at once are running already. Try again in a moment." },
  too_many_sockets: { status: 429, message: "Too many sockets from this address." },
  server_full: {
    status: 503,
    message: "The server has as many sockets open as it may. Try again later; whoever runs it finds why in its events.",
  },
  too_many_connects: {
    status: 503,
    message: "Many devices connect at once. Come back after the time that Retry-After says.",
  },
  internal: { status: 500, message: "The server failed at this request. Its log says why." },
  stopping: { status: 503, message: "The server is stopping. Try again in a few seconds." },
  store_busy: { status: 503, message: "Too many questions wait for the store. Ask again in a moment." },
  too_many_answers: {
    status: 429,
    message: "Too much of what you have asked for is still being made, or has not been read. Read it, then ask again.",
  },
  answers_busy: { status: 503, message: "Too many answers are under way. Ask again in a moment." },
  timeout: {
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

/**
 * Tells a refusal from what would have been given instead. By its shape, since a refusal crosses threads and JSON, which leave neither a
 * class nor a symbol of it: its code is one of the table.
 */
export function isRefusal(value: unknown): value is Refusal {
  if (typeof value !== "object" || value === null || !("code" in value)) return false;
  return typeof value.code === "string" && Object.hasOwn(refusals, value.code);
}
