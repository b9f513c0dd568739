import { subprotocol } from "@wattboard/protocol";
import { WebSocket } from "ws";
import type { Connection, ConnectionEvents, Transport } from "./transport.ts";

/** A command is some hundred bytes; a frame above this ends the link. */
const frameBytesMax = 64 * 1024;

/** Connects to the device door at `address` by a WebSocket, with the token of the moment in the header. */
export function webSocketTransport(address: URL, token: () => string): Transport {
  return (events) => new WebSocketConnection(address, token(), events);
}

class WebSocketConnection implements Connection {
  readonly #socket: WebSocket;

  constructor(address: URL, token: string, events: ConnectionEvents) {
    const socket = new WebSocket(address, subprotocol, {
      headers: { authorization: `Bearer ${token}` },
      maxPayload: frameBytesMax,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    socket.on("open", events.opened);
    socket.on("message", (data, isBinary) => events.received(isBinary ? null : String(data)));
    socket.on("ping", events.pinged);
    socket.on("unexpected-response", (_request, { statusCode = 0, headers }) =>
      events.refused(statusCode, headers["retry-after"]),
    );
    // Where several addresses were tried (IPv4, IPv6), Node's error has a code and no text.
    socket.on("error", (error: Error & { code?: string }) =>
      events.failed(error.message || error.code || "The connection failed."),
    );
    socket.on("close", (code, reason) => events.closed(code, reason.toString()));
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  get speaksSubprotocol(): boolean {
    return this.#socket.protocol === subprotocol;
  }

  get waitingBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  cut(): void {
    this.#socket.terminate();
  }
}
