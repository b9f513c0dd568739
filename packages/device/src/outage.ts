import { type Disconnect, disconnects, reconnectAfter } from "@wattboard/protocol";
import { parseRetryAfter } from "./parse-retry-after.ts";

/** Why there is no link, as a value. `message` says what to do about it where the author can do something. */
export interface Outage {
  readonly code: OutageCode;
  readonly message: string;
  /** How long the server asked to wait (Retry-After), as it said it. */
  readonly retryAfterMs?: number;
  /** When the close code says to come again. */
  readonly reconnect?: Disconnect["reconnect"];
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

interface HttpAnswer {
  readonly host: string;
  readonly deviceId: string;
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly nowMs: number;
}

/** Why the server's answer to a handshake, an HTTP status, is no link. */
export function outageOfAnswer({ host, deviceId, status, retryAfter, nowMs }: HttpAnswer): Outage {
  if (status === 401 || status === 403) {
    const message =
      `${host} refused device ${deviceId} (HTTP ${status}): the id is not registered, or the token is wrong or revoked. ` +
      `Check DEVICE_ID and API_TOKEN; \`wattboard device add ${deviceId}\` on the server registers the device and prints its ` +
      `token, \`wattboard device rotate ${deviceId}\` prints a new one.`;
    return { code: "forbidden", message };
  }
  if (status === 429 || status === 503) {
    const retryAfterMs = parseRetryAfter(retryAfter, nowMs);
    const why = status === 429 ? "too many connections, or two devices that share this token" : "it is not ready";
    const message = `${host} asks to come back later (HTTP ${status}): ${why}.`;
    return { code: "busy", message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }
  if (status >= 500) return { code: "unreachable", message: `${host} answers HTTP ${status}.` };
  return {
    code: "unexpected_answer",
    message: `${host} answers HTTP ${status}: is this the address of a Wattboard?`,
  };
}

/** Why a link ended, by its close code. */
export function outageOfClose(closeCode: number, reason: string): Outage {
  const { replaced, revoked, tokenRenewed } = disconnects;
  const reconnect = reconnectAfter(closeCode);
  // Without the subprotocol one code stands for all, and the reason tells which.
  const isPlain = closeCode === replaced.code;
  if (closeCode === revoked.v1Code || (isPlain && reason === revoked.reason)) {
    return { code: "revoked", message: "The server revoked this device's token, or removed the device." };
  }
  if (closeCode === replaced.v1Code || (isPlain && (reason === "" || reason === replaced.reason))) {
    const message = "A newer connection of this device took over: does another device use its token?";
    return { code: "replaced", message };
  }
  if (closeCode === tokenRenewed.v1Code) {
    return { code: "closed", message: "The device comes again with its new token.", reconnect: "soon" };
  }
  if (isPlain || reconnect !== null) {
    const message = `The server ended the link for a breach of its rules: ${reason || closeCode}.`;
    return { code: "closed", message, reconnect: reconnect ?? "later" };
  }
  if (closeCode === 1006) return { code: "closed", message: "The connection was lost." };
  return { code: "closed", message: `The server ended the link (${closeCode}${reason === "" ? "" : ` ${reason}`}).` };
}
