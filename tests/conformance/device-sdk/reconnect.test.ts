// When a device comes again after its link has ended, by the close code or the answer to its handshake (docs/reference/wire.md, "Close codes").

import { eventually } from "@wattboard/testing";
import { expect, test } from "vitest";
import { startScriptedServer } from "./scripted-server.ts";
import { forEachSdk, type SdkEvent, type SdkProcess } from "./sdk-process.ts";

async function outageOf(device: SdkProcess): Promise<SdkEvent> {
  return await eventually(() => {
    const found = device.of("status").find(({ state }) => state === "waiting");
    if (found === undefined) throw new Error(`no outage: ${JSON.stringify(device.events)}`);
    return found;
  });
}

forEachSdk("coming again", (sdk) => {
  test.each([
    ["taken over", 4300, "replaced", "replaced", 30, 60],
    ["taken over, by a plain code", 1008, "replaced", "replaced", 30, 60],
    ["revoked", 4301, "revoked", "revoked", 30, 60],
    ["for a reason of a later version that says: later", 4321, "", "closed", 30, 60],
    ["for a reason of a later version that says: never", 4777, "", "closed", 48, 72],
    ["for a reason that says: soon", 4009, "", "closed", 1, 9],
    ["since the server restarts", 1012, "restarting", "closed", 1, 9],
  ])("%s: waits as the close code says", async (_, code, reason, outage, fromS, toS) => {
    const server = await startScriptedServer();
    const device = sdk.start({ url: server.url, journal: "memory" });
    const link = await server.link(0);
    await link.hello();
    link.close(code, reason);
    const told = await outageOf(device);
    expect(told.code).toBe(outage);
    expect(told.retryInS).toBeGreaterThanOrEqual(fromS);
    expect(told.retryInS).toBeLessThanOrEqual(toS);
  });

  test.each([
    ["503 with Retry-After", 503, { "Retry-After": "20" }, "busy", 20, 25],
    ["429 with Retry-After", 429, { "Retry-After": "7" }, "busy", 7, 8.75],
    ["a Retry-After of a day", 503, { "Retry-After": "86400" }, "busy", 300, 375],
    ["503 without", 503, {}, "busy", 1, 9],
    ["403", 403, {}, "forbidden", 48, 72],
    ["404", 404, {}, "unexpected_answer", 48, 72],
    [
      "a redirect, which would carry the token to somebody else",
      302,
      { Location: "ws://127.0.0.1:9/" },
      "unexpected_answer",
      48,
      72,
    ],
    ["502", 502, {}, "unreachable", 1, 9],
  ])("answered with %s: waits as long", async (_, status, headers, outage, fromS, toS) => {
    const server = await startScriptedServer();
    server.answer = { status, headers };
    const device = sdk.start({ url: server.url, journal: "memory" });
    const told = await outageOf(device);
    expect(told.code).toBe(outage);
    expect(told.retryInS).toBeGreaterThanOrEqual(fromS);
    expect(told.retryInS).toBeLessThanOrEqual(toS);
    expect(server.attempts).toBe(1);
  });

  test("comes again after a link that was cut, also in the middle of its hello, and goes on", async () => {
    const server = await startScriptedServer();
    const device = sdk.start({ url: server.url, journal: "memory" });
    (await server.link(0)).cut();
    const link = await server.link(1);
    await link.hello();
    await device.send(1, 2);
    await eventually(() => expect(link.samples.map(({ n }) => n)).toEqual([1, 2]));
  });

  test("a server that is silent, and does not even answer a ping, is left for a new link", async () => {
    const server = await startScriptedServer({ answersPings: false });
    const device = sdk.start({ url: server.url, journal: "memory" });
    await server.link(0);
    await eventually(async () => expect((await outageOf(device)).code).toBe("silent"), { withinMs: 30_000 });
    await server.link(1);
  });

  test("an orderly stop closes with 1000", async () => {
    const server = await startScriptedServer();
    const device = sdk.start({ url: server.url, journal: "memory" });
    const link = await server.link(0);
    await link.hello();
    await device.stop();
    await eventually(() => expect(link.closed?.code).toBe(1000));
  });
});
