import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { limits, type Refusal, refusals, subprotocol } from "@wattboard/protocol";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";

/** Fragments of one message; clients that split telemetry at all use two or three. More closes the link with 1008. */
const fragmentsMax = 32;
/** Pieces in which one message may trickle in from the network. More closes the link with 1008. */
const chunksMax = 1_024;

/**
 * The WebSocket engine with every limit set: no compression (it costs 300 KB a socket and all of the speed), no list of clients (the
 * registry is the one truth), one subprotocol for those who offer it. `frameATurn`: of each link one message is read in a turn of the event
 * loop, so that a thousand tiny ones in one piece cannot hold up others; for doors that do not need more.
 */
export function createWebSocketServer({ frameATurn = false } = {}): WebSocketServer {
  const options: ServerOptions & { maxPendingAutoPongs: number } = {
    noServer: true,
    maxPayload: limits.frameBytesMax,
    maxFragments: fragmentsMax,
    maxBufferedChunks: chunksMax,
    // A peer that floods pings and does not read the pongs: ws ends it when this many wait.
    maxPendingAutoPongs: 60,
    perMessageDeflate: false,
    allowSynchronousEvents: !frameATurn,
    clientTracking: false,
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
  };
  return new WebSocketServer(options);
}

/** A handshake that has not been answered yet. */
export interface Handshake {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
}

/** Completes the handshake; `onOpen` is called before this returns, unless the request was no proper handshake (400, by `ws`). */
export function acceptHandshake(
  webSocketServer: WebSocketServer,
  { request, socket, head }: Handshake,
  onOpen: (webSocket: WebSocket) => void,
): void {
  webSocketServer.handleUpgrade(request, socket, head, onOpen);
}

/** Answers the handshake with an HTTP status and closes: the peer never gets a WebSocket. */
export function refuseHandshake(
  { socket }: Handshake,
  refusal: Refusal,
  headers: Readonly<Record<string, string>> = {},
): void {
  const listed = refusals[refusal.code];
  const status = "status" in listed ? listed.status : 400;
  const body = JSON.stringify({
    type: "about:blank",
    title: STATUS_CODES[status],
    status,
    detail: refusal.message,
    code: refusal.code,
  });
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Connection: close",
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  // A peer that does not read its refusal must not keep the socket.
  socket.once("finish", () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
