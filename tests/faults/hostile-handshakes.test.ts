import { describe, expect, test } from "vitest";
import { deviceDetail, metric } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { openWitness } from "../support/healthy-device.ts";
import { handshakeRequest, RawSocket } from "../support/raw-socket.ts";
import { openDashboard, openDevice, tryOpenSocket } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

describe("paths that are no device's", () => {
  test.each([
    ["one level up", "/ws/device/../ems_001"],
    ["one level up, at the end", "/ws/device/ems_001/.."],
    ["one level up, out of the door", "/ws/device/../dashboard/ems_001"],
    ["a dot written as %2e", "/ws/device/%2e%2e/ems_001"],
    ["an empty id", "/ws/device/"],
    ["two slashes", "/ws/device//ems_001"],
    ["an id that starts with a dot", "/ws/device/.ems_001"],
    ["65 characters", `/ws/device/${"x".repeat(65)}`],
    ["4,000 characters", `/ws/device/${"x".repeat(4_000)}`],
    ["a line end written as %0a", "/ws/device/ems_001%0a"],
    ["a zero byte written as %00", "/ws/device/ems_001%00"],
    ["names that objects inherit", "/ws/device/constructor"],
  ])("%s: 403, the same as for an unknown id", async (_, path) => {
    const server = await startServer();
    const witness = await openWitness(server);
    const token = server.addDevice("ems_001");
    const raw = await RawSocket.connect(server.url);
    const headers = { authorization: `Bearer ${token}` };
    const answer = await raw.handshake(path, headers);
    const unknown = await (await RawSocket.connect(server.url)).handshake("/ws/device/unknown", headers);
    expect(answer.status).toBe(403);
    expect(answer).toEqual(unknown);
    await raw.ended();
    expect((await deviceDetail(server, "ems_001")).online).toBe(false);
    await witness.isServed();
  });

  test.each([
    ["a path that is none of the doors", "/ws/nothing"],
    ["another case", "/WS/DEVICE/ems_001"],
    ["a path without the leading folder", "/device/ems_001"],
    ["an absolute address", "http://127.0.0.1/ws/device/ems_001"],
  ])("%s: 404", async (_, path) => {
    const server = await startServer();
    const raw = await RawSocket.connect(server.url);
    const answer = await raw.handshake(path, { authorization: `Bearer ${server.addDevice("ems_001")}` });
    expect(answer.status).toBe(404);
    await raw.ended();
  });

  test("a real line end in the path never reaches a door: 400", async () => {
    const server = await startServer();
    const witness = await openWitness(server);
    const raw = await RawSocket.connect(server.url);
    raw.write(handshakeRequest("/ws/device/ems\n_001"));
    expect((await raw.answer()).status).toBe(400);
    await raw.ended();
    await witness.isServed();
  });

  test("a query behind a good id does no harm", async () => {
    const server = await startServer();
    const raw = await RawSocket.connect(server.url);
    const headers = { authorization: `Bearer ${server.addDevice("ems_001")}` };
    expect((await raw.handshake("/ws/device/ems_001?firmware=1.2", headers)).status).toBe(101);
  });
});

describe("handshakes that are none", () => {
  test.each([
    ["no key", { "sec-websocket-key": "" }, 400],
    ["a key that is none", { "sec-websocket-key": "short" }, 400],
    ["version 7", { "sec-websocket-version": "7" }, 400],
    ["two lengths of the body", { "content-length": "3\r\ncontent-length: 4" }, 400],
  ])("%s: %i, and the device stays offline", async (_, headers, status) => {
    const server = await startServer();
    const witness = await openWitness(server);
    const authorization = `Bearer ${server.addDevice("ems_001")}`;
    const raw = await RawSocket.connect(server.url);
    expect((await raw.handshake("/ws/device/ems_001", { authorization, ...headers })).status).toBe(status);
    await raw.ended();
    expect((await deviceDetail(server, "ems_001")).online).toBe(false);
    await witness.isServed();
  });

  test.each([
    ["garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hello"],
    ["half a request line", "GET\r\n\r\n"],
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["a header without a colon", "GET /livez HTTP/1.1\r\nhost: x\r\nnonsense\r\n\r\n"],
  ])("%s instead of HTTP: 400, and closed", async (_, bytes) => {
    const server = await startServer();
    const witness = await openWitness(server);
    const raw = await RawSocket.connect(server.url);
    raw.write(Buffer.from(bytes, "latin1"));
    expect((await raw.answer()).status).toBe(400);
    await raw.ended();
    await witness.isServed();
  });

  test("headers above 8 KiB: 431, and closed", async () => {
    const server = await startServer();
    const witness = await openWitness(server);
    const raw = await RawSocket.connect(server.url);
    const answer = await raw.handshake("/ws/device/ems_001", { authorization: `Bearer ${"x".repeat(9_000)}` });
    expect(answer.status).toBe(431);
    await raw.ended();
    await witness.isServed();
  });

  test("an upgrade to something else is answered as the plain request that it also is (RFC 9110 §7.8)", async () => {
    const server = await startServer();
    // What curl --http2 and Java's HttpClient send to every plain address.
    const raw = await RawSocket.connect(server.url);
    raw.write(
      "GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n",
    );
    expect(await raw.answer()).toMatchObject({ status: 200, body: '{"status":"alive"}' });
  });
});

describe("handshakes that never end", () => {
  test.each([
    ["nothing at all", ""],
    ["half of the headers", handshakeRequest("/ws/device/ems_001").slice(0, 60)],
    ["headers without the last line", handshakeRequest("/ws/device/ems_001").slice(0, -2)],
  ])("%s: closed when the time for it is over", async (_, bytes) => {
    const server = await startServer({ settings: { "limits.handshake_ms": "200" } });
    const witness = await openWitness(server);
    const raw = await RawSocket.connect(server.url);
    raw.write(bytes);
    await witness.isServed();
    expect((await raw.answer()).status).toBe(408);
    await raw.ended();
    await witness.isServed();
  });

  test("headers that trickle in do not win time", async () => {
    const server = await startServer({ settings: { "limits.handshake_ms": "200" } });
    const witness = await openWitness(server);
    const raw = await RawSocket.connect(server.url);
    raw.write("GET /ws/device/ems_001 HTTP/1.1\r\nhost: x\r\n");
    const trickle = setInterval(() => raw.write("x-more: 1\r\n"), 10);
    try {
      expect((await raw.answer()).status).toBe(408);
      await raw.ended();
    } finally {
      clearInterval(trickle);
    }
    await witness.isServed();
  });

  test("a link that is open is not meant by that time", async () => {
    const server = await startServer({ settings: { "limits.handshake_ms": "200" } });
    const witness = await openWitness(server);
    const slow = await RawSocket.connect(server.url);
    await eventually(() => expect(slow.isEnded).toBe(true));
    // The witness opened before, and is still served when the slow one was cut.
    await witness.isServed();
  });
});

describe("sockets of one address", () => {
  test("are bounded; devices that were let in do not count, and a closed socket makes room", async () => {
    const server = await startServer({ settings: { "limits.sockets_per_address": "20" } });
    const devices = await Promise.all(
      Array.from({ length: 18 }, (_, at) => openDevice(server.wsUrl, `ems_${at}`, server.addDevice(`ems_${at}`))),
    );
    const idle: RawSocket[] = [];
    for (let opened = 0; opened < 30; opened++) idle.push(await RawSocket.connect(server.url));
    await eventually(() => expect(idle.filter(({ isEnded }) => isEnded).length).toBe(10));
    await expect(openDashboard(server.wsUrl, "ems_0")).rejects.toThrow();

    for (const raw of idle) raw.socket.destroy();
    const dashboard = await eventually(() => openDashboard(server.wsUrl, "ems_0"));
    devices[0]?.send(sampleOf("ems_0"));
    await dashboard.receive(1);
    expect(
      await metric(server, 'wattboard_handshakes_refused_total{door="any",code="too_many_sockets"}'),
    ).toBeGreaterThanOrEqual(11);
  });

  test("that were refused are not kept", async () => {
    const server = await startServer({ settings: { "limits.sockets_per_address": "20" } });
    for (let tries = 0; tries < 60; tries++) {
      const refused = await tryOpenSocket(`${server.wsUrl}/ws/device/nobody`);
      expect(refused).toMatchObject({ status: 403 });
    }
  });
});

describe("pages of other origins", () => {
  const withOrigin = (wsUrl: string, origin: string, path = "/ws/dashboard/ems_001") =>
    tryOpenSocket(`${wsUrl}${path}`, { headers: { origin } });

  test("are refused on the dashboards and on the fleet with 403", async () => {
    const server = await startServer();
    for (const path of ["/ws/dashboard/ems_001", "/ws/fleet"]) {
      expect(await withOrigin(server.wsUrl, "https://evil.example", path)).toMatchObject({ status: 403 });
      expect(await withOrigin(server.wsUrl, "null", path)).toMatchObject({ status: 403 });
      expect(await withOrigin(server.wsUrl, `http://127.0.0.1:1`, path)).toMatchObject({ status: 403 });
    }
  });

  test("cannot reach a loopback server by a name of their own that points to it", async () => {
    const server = await startServer();
    const { port } = new URL(server.url);
    const raw = await RawSocket.connect(server.url);
    const host = `rebound.example:${port}`;
    expect((await raw.handshake("/ws/dashboard/ems_001", { host, origin: `http://${host}` })).status).toBe(403);
  });

  test("are let in where they are the server's own, or listed, or no browser's at all", async () => {
    const server = await startServer({ settings: { "access.origins": "https://board.example.org" } });
    expect(await withOrigin(server.wsUrl, server.url)).toHaveProperty("webSocket");
    expect(await withOrigin(server.wsUrl, "https://board.example.org")).toHaveProperty("webSocket");
    expect(await tryOpenSocket(`${server.wsUrl}/ws/dashboard/ems_001`)).toHaveProperty("webSocket");
  });
});
