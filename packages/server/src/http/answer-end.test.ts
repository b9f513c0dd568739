import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { eventually } from "@wattboard/testing";
import { expect, onTestFinished, test } from "vitest";
import { onAnswerEnd } from "./answer-end.ts";

test("many may wait for the end of an answer, sent or broken off, over one listener; each is told once", async () => {
  const ends: string[] = [];
  const listeners: number[] = [];
  const server = createServer((request, response: ServerResponse) => {
    const own = response.listenerCount("close");
    for (const name of ["slot", "bytes", "rights"]) onAnswerEnd(response, () => ends.push(`${request.url} ${name}`));
    listeners.push(response.listenerCount("close") - own);
    if (request.url === "/sent") response.end("all of it");
    else response.write("a part of it");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  for (const path of ["/sent", "/left"]) {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.write(`GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    await once(socket, "data");
    socket.destroy();
  }
  await eventually(async () => expect(ends).toHaveLength(6));
  expect(ends).toEqual(["/sent slot", "/sent bytes", "/sent rights", "/left slot", "/left bytes", "/left rights"]);
  expect(listeners).toEqual([1, 1]);
});
