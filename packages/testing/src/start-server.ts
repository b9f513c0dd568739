import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { onTestFinished } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";

/** A link as the server sees it. */
export interface ServerLink {
  readonly request: IncomingMessage;
  readonly path: string;
  readonly socket: WebSocket;
  /** The TCP connection below, to stall it. */
  readonly stream: Socket;
  /** Messages without a `type`: telemetry, as it came. */
  readonly texts: string[];
  /** Messages with one: what came of the subprotocol. */
  readonly frames: Record<string, unknown>[];
  closed: { readonly code: number; readonly reason: string } | undefined;
  send(frame: object | string | Buffer): void;
}

export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Every link that ever opened. */
  readonly links: ServerLink[];
  /** What plain requests are answered with, as JSON; how handshakes are answered says `answer`. */
  problem: object;
  /** How often a handshake was tried, refused ones included. */
  attempts: number;
  /** While set, handshakes get this HTTP answer instead of a link, or none at all. */
  answer: { readonly status: number; readonly headers?: Record<string, string> } | "nothing" | undefined;
  /** The paths of the links that are open now. */
  open(): string[];
  stop(): Promise<void>;
}

/** A plain `ws` server on a free port, which accepts everybody; it ends with the test. */
export async function startServer(port = 0): Promise<TestServer> {
  const http = createServer((_request, response) => {
    // Pages of other origins ask as well.
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.end(JSON.stringify(server.problem));
  });
  const webSockets = new WebSocketServer({ noServer: true });
  const streams = new Set<Socket>();
  const server: TestServer = {
    url: "",
    port: 0,
    links: [],
    problem: { code: "upgrade_required" },
    attempts: 0,
    answer: undefined,
    open: () => server.links.filter(({ socket }) => socket.readyState === socket.OPEN).map(({ path }) => path),
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
    const { answer } = server;
    if (answer === "nothing") return;
    if (answer !== undefined) {
      const headers = Object.entries(answer.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
      stream.end(`HTTP/1.1 ${answer.status} No\r\nContent-Length: 0\r\n${headers.join("")}\r\n`);
      return;
    }
    webSockets.handleUpgrade(request, stream, head, (socket) => {
      server.links.push(serverLink(request, stream, socket));
    });
  });
  await new Promise<void>((resolve) => http.listen(port, "127.0.0.1", resolve));
  const bound = (http.address() as AddressInfo).port;
  onTestFinished(() => server.stop());
  return Object.assign(server, { port: bound, url: `http://127.0.0.1:${bound}` });
}

function serverLink(request: IncomingMessage, stream: Socket, socket: WebSocket): ServerLink {
  const send = (frame: object | string | Buffer) =>
    socket.send(typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  const path = request.url ?? "";
  const link: ServerLink = { request, path, socket, stream, texts: [], frames: [], closed: undefined, send };
  socket.on("message", (data) => {
    const frame = JSON.parse(String(data)) as Record<string, unknown>;
    if ("type" in frame) link.frames.push(frame);
    else link.texts.push(String(data));
  });
  socket.on("error", () => {});
  socket.on("close", (code, reason) => {
    link.closed = { code, reason: reason.toString() };
  });
  return link;
}
