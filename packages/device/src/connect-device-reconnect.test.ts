import { createServer as createTcpServer } from "node:net";
import { eventually, startServer } from "@wattboard/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { becomes, deadUrl, linkOf, online, outageOf, pingOf, sample, start, token } from "./connect-device.fixture.ts";

describe("the reconnect", () => {
  test("comes after 5 s at first, then later and later, and never gives up", async () => {
    const { device, clock } = start({ url: await deadUrl() });
    const delays: number[] = [];
    for (let tries = 0; tries < 8; tries++) {
      const { code, retryInMs } = await outageOf(device);
      expect(code).toBe("unreachable");
      delays.push(retryInMs);
      clock.advance(retryInMs - 1);
      expect(device.status.state).toBe("waiting");
      clock.advance(1);
      expect(device.status.state).toBe("connecting");
    }
    expect(delays).toEqual([5_000, 5_000, 10_000, 20_000, 30_000, 30_000, 30_000, 30_000]);
  });

  test("finds a server that came back on the same address", async () => {
    const { device, clock, server } = await online({ read: () => sample });
    await server.stop();
    expect(await outageOf(device)).toMatchObject({ code: "closed", retryInMs: 5_000 });
    const revived = await startServer(server.port);
    clock.advance(5_000);
    await becomes(device, "online");
    const link = await linkOf(revived);
    await eventually(() => expect(link.texts).toHaveLength(1));
    expect(device.counters).toMatchObject({ links: 2, sent: 2 });
  });

  test("starts anew with 5 s after a link that stayed up, and not after one that did not", async () => {
    const { device, clock, server } = await online();
    const dropLink = async (index: number) => {
      (await linkOf(server, index)).socket.close(1012, "restarting");
      const { retryInMs } = await outageOf(device);
      clock.advance(retryInMs);
      await becomes(device, "online");
      return retryInMs;
    };
    expect([await dropLink(0), await dropLink(1), await dropLink(2)]).toEqual([5_000, 5_000, 10_000]);
    clock.advance(59_999);
    expect(await dropLink(3)).toBe(20_000);
    clock.advance(30_000);
    await pingOf(await linkOf(server, 4));
    clock.advance(30_000);
    expect(await dropLink(4)).toBe(5_000);
  });

  test.each([
    ["replaced", "replaced"],
    ["revoked", "revoked"],
    ["policy", "replaced"],
  ])("after 1008 %s waits 30 to 60 s", async (reason, code) => {
    const { device, link } = await online();
    link.socket.close(1008, reason);
    expect(await outageOf(device)).toMatchObject({ code, retryInMs: 45_000 });
  });

  test.each([401, 403])("after HTTP %i says what is wrong and what to do, and keeps trying slowly", async (status) => {
    const server = await startServer();
    server.answer = { status };
    const { device, clock, notices } = start({ url: server.url });
    const { code, message, retryInMs } = await outageOf(device);
    expect({ code, retryInMs }).toEqual({ code: "forbidden", retryInMs: 60_000 });
    expect(message).toContain("ems_001");
    expect(message).toContain("token");
    expect(message).toContain("wattboard device add");
    expect(message).not.toContain(token);
    expect(notices.map(({ level, code }) => [level, code])).toEqual([["error", "outage"]]);

    server.answer = undefined;
    clock.advance(60_000);
    await becomes(device, "online");
    expect(server.attempts).toBe(2);
  });

  test.each([
    [429, "20", 22_500],
    [503, "20", 22_500],
    [503, "86400", 337_500],
    [503, "Sat, 31 Jan 2026 12:00:40 GMT", 45_000],
  ])("after HTTP %i with Retry-After %s waits so long, within bounds", async (status, retryAfter, retryInMs) => {
    const server = await startServer();
    server.answer = { status, headers: { "Retry-After": retryAfter } };
    const { device } = start({ url: server.url });
    expect(await outageOf(device)).toMatchObject({ code: "busy", retryInMs });
  });

  test.each([
    [503, "busy", 5_000],
    [502, "unreachable", 5_000],
    [404, "unexpected_answer", 60_000],
    [301, "unexpected_answer", 60_000],
    [200, "unexpected_answer", 60_000],
  ])("after a bare HTTP %i is %s", async (status, code, retryInMs) => {
    const server = await startServer();
    server.answer = { status, headers: { Location: "http://192.0.2.1/" } };
    const { device } = start({ url: server.url });
    expect(await outageOf(device)).toMatchObject({ code, retryInMs });
  });

  test("gives up a handshake that never ends after 20 s", async () => {
    const server = await startServer();
    server.answer = "nothing";
    const { device, clock } = start({ url: server.url });
    await eventually(() => expect(server.attempts).toBe(1));
    clock.advance(19_999);
    expect(device.status.state).toBe("connecting");
    clock.advance(1);
    expect(await outageOf(device)).toMatchObject({ code: "unreachable" });
  });

  test("survives a server that speaks something else", async () => {
    const gibberish = createTcpServer((stream) => stream.on("error", () => {}).end("SSH-2.0-OpenSSH\r\n"));
    await new Promise<void>((resolve) => gibberish.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void gibberish.close());
    const { device } = start({ url: `http://127.0.0.1:${(gibberish.address() as { port: number }).port}` });
    expect(await outageOf(device)).toMatchObject({ code: "unreachable" });
  });

  test("survives a frame that breaks the protocol", async () => {
    const { device, link } = await online();
    link.stream.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    expect(await outageOf(device)).toMatchObject({ code: "closed", retryInMs: 5_000 });
  });
});

describe("a server that went silent", () => {
  test("is left after 60 s without a frame or a ping", async () => {
    const { device, clock, server } = await online();
    clock.advance(60_000);
    expect(await outageOf(device)).toMatchObject({ code: "silent", retryInMs: 5_000 });
    clock.advance(5_000);
    await becomes(device, "online");
    expect(server.links).toHaveLength(2);
  });

  test("is not left a moment earlier", async () => {
    const { clock, link } = await online();
    clock.advance(59_999);
    await pingOf(link);
  });

  test("is not one that pings", async () => {
    const { device, clock, link } = await online();
    clock.advance(40_000);
    await pingOf(link);
    clock.advance(59_999);
    await pingOf(link);
    clock.advance(60_000);
    await becomes(device, "waiting");
  });

  test("is not one that sends a frame, even a broken one", async () => {
    const { device, clock, link } = await online();
    clock.advance(40_000);
    link.socket.send("{}");
    await eventually(() => expect(device.counters.malformedFrames).toBe(1));
    clock.advance(59_999);
    await pingOf(link);
  });
});
