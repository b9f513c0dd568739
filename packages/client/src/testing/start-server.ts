import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { onTestFinished } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";

/** One socket, seen from the server. */
export interface ServerSocket {
  readonly path: string;
  readonly socket: WebSocket;
  send(frame: object | string | Buffer): void;
}

export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Every socket that ever opened. */
  readonly sockets: ServerSocket[];
  /** How often a handshake was tried, refused ones included. */
  attempts: number;
  /** While set, handshakes are refused with 403, or get no answer at all. */
  refuse: "forbidden" | "silently" | undefined;
  /** The paths of the sockets that are open now. */
  open(): string[];
  stop(): Promise<void>;
}

/** A plain `ws` server on a free port, which accepts everybody; it ends with the test. */
export async function startServer(port = 0): Promise<TestServer> {
  const http = createServer();
  const webSockets = new WebSocketServer({ noServer: true });
  const streams = new Set<Socket>();
  const server: TestServer = {
    url: "",
    port: 0,
    sockets: [],
    attempts: 0,
    refuse: undefined,
    open: () => server.sockets.filter(({ socket }) => socket.readyState === socket.OPEN).map(({ path }) => path),
    async stop() {
      for (const stream of streams) stream.destroy();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  http.on("connection", (stream) => {
    streams.add(stream);
    stream.on("close", () => streams.delete(stream));
  });
  http.on("upgrade", (request, stream: Socket, head) => {
    server.attempts++;
    if (server.refuse === "silently") return;
    if (server.refuse === "forbidden") {
      stream.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    webSockets.handleUpgrade(request, stream, head, (socket) => {
      socket.on("error", () => {});
      const send = (frame: object | string | Buffer) =>
        socket.send(typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
      server.sockets.push({ path: request.url ?? "", socket, send });
    });
  });
  await new Promise<void>((resolve) => http.listen(port, "127.0.0.1", resolve));
  const bound = (http.address() as AddressInfo).port;
  onTestFinished(() => server.stop());
  return Object.assign(server, { port: bound, url: `http://127.0.0.1:${bound}` });
}
