import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { textFrame } from "./frame.ts";

test.each([0, 1, 125, 126, 65_535, 65_536, 100_000])(
  "a frame of %i bytes is read by ws as it was written",
  async (length) => {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    onTestFinished(() => server.close());
    await once(server, "listening");
    const payload = "ä".repeat(length / 2) + "x".repeat(length % 2);
    server.on("connection", (_webSocket, request) => request.socket.write(textFrame(Buffer.from(payload))));
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}`);
    onTestFinished(() => client.terminate());
    const [data, isBinary] = await once(client, "message");
    expect(isBinary).toBe(false);
    expect(String(data)).toBe(payload);
  },
);
