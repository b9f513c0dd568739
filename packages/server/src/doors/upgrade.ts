import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { limits, type Refusal, refusals, refuse, subprotocol } from "@wattboard/protocol";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { answerRaw } from "../http/problem.ts";

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
  const server = new WebSocketServer(options);
  server.on("wsClientError", (error, socket, request) =>
    refuseHandshake(
      { request, socket: socket as Socket, head: Buffer.alloc(0) },
      refuse("invalid_request", `${error.message}.`),
      { "Sec-WebSocket-Version": "13" },
    ),
  );
  return server;
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
  answerRaw(socket, "status" in listed ? listed.status : 400, refusal, headers);
}
