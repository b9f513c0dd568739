import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { ManualTurns } from "@wattboard/testing";
import { expect, test } from "vitest";
import { YieldQueue } from "../base/yield-queue.ts";
import { queueRequests } from "./request-queue.ts";

test("requests that come at once are let in one a turn, and those above the bound are answered 429", async () => {
  const turns = new ManualTurns();
  const seen: string[] = [];
  let cameCount = 0;
  const handle = queueRequests((request, response) => {
    seen.push(`${request.url}`);
    response.end("let in");
  }, new YieldQueue(2, turns.next));
  const requests = ["/a", "/b", "/c", "/d"];
  const { promise: allCame, resolve: noteAll } = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    handle(request, response);
    if (++cameCount === requests.length) noteAll();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const answers = text(socket);
  const write = (path: string, connection: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: here\r\nConnection: ${connection}\r\n\r\n`;
  socket.write(requests.map((path) => write(path, path === "/d" ? "close" : "keep-alive")).join(""));
  await allCame;
  expect(seen).toEqual(["/a"]);
  seen.push("sample");
  turns.run();
  seen.push("sample");
  turns.run();
  expect(seen).toEqual(["/a", "sample", "/b", "sample", "/c"]);
  expect((await answers).match(/HTTP\/1.1 \d+/g)).toEqual(
    ["200", "200", "200", "429"].map((code) => `HTTP/1.1 ${code}`),
  );
  await new Promise((resolve) => server.close(resolve));
});
