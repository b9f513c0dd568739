import { onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { eventually } from "./eventually.ts";

/** How a socket ended. */
interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A plain WebSocket that remembers what came in; closed with the test. */
export interface TestSocket {
  readonly webSocket: WebSocket;
  /** Text frames in order of arrival. */
  readonly received: string[];
  readonly closed: Promise<Closed>;
  send(message: object | string): void;
  /** Resolves when at least `count` frames have come in. */
  receive(count: number): Promise<string[]>;
}

/** The answer to a handshake that was refused. */
export interface RefusedHandshake {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface SocketOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: string[];
}

/** Opens a socket; throws where the server refuses it. */
export async function openSocket(url: string, options: SocketOptions = {}): Promise<TestSocket> {
  const opened = await tryOpenSocket(url, options);
  if ("status" in opened) throw new Error(`refused with ${opened.status}: ${opened.body}`);
  return opened;
}

/** Opens a socket, or gives what the server answered instead. */
export function tryOpenSocket(
  url: string,
  { headers = {}, protocols = [] }: SocketOptions = {},
): Promise<TestSocket | RefusedHandshake> {
  const webSocket = new WebSocket(url, protocols, { headers, perMessageDeflate: false });
  onTestFinished(() => webSocket.terminate());
  const received: string[] = [];
  webSocket.on("message", (data) => received.push(String(data)));
  webSocket.on("error", () => {});
  const closed = new Promise<Closed>((resolve) => {
    webSocket.once("close", (code, reason) => resolve({ code, reason: String(reason) }));
  });
  return new Promise((resolve, reject) => {
    webSocket.once("open", () =>
      resolve({
        webSocket,
        received,
        closed,
        send: (message) => webSocket.send(typeof message === "string" ? message : JSON.stringify(message)),
        receive: (count) =>
          eventually(() => {
            if (received.length < count) throw new Error(`${received.length} of ${count} frames have come in`);
            return received;
          }),
      }),
    );
    webSocket.once("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    webSocket.once("error", reject);
  });
}

/** A device as the seeds describe it: a bearer token in the header, and nothing else. */
export function openDevice(wsUrl: string, deviceId: string, token: string): Promise<TestSocket> {
  return openSocket(`${wsUrl}/ws/device/${deviceId}`, { headers: { authorization: `Bearer ${token}` } });
}

export function openDashboard(wsUrl: string, deviceId: string): Promise<TestSocket> {
  return openSocket(`${wsUrl}/ws/dashboard/${deviceId}`);
}
