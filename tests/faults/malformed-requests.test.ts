import type { Problem } from "@wattboard/protocol";
import { beforeAll, describe, expect, test } from "vitest";
import { type RawAnswer, RawSocket } from "../support/raw-socket.ts";
import { type ServeProcess, startServe, untilFileEnds } from "../support/run-cli.ts";

/** Whatever cannot be read as a request is answered as everything else: a problem document with the security headers, and a status that fits. */

const until = untilFileEnds();

let server: ServeProcess;
beforeAll(async () => {
  server = await startServe({ until });
});

async function send(bytes: string): Promise<RawAnswer> {
  const raw = await RawSocket.connect(server.url);
  raw.write(Buffer.from(bytes, "latin1"));
  return await raw.answer();
}

function expectProblem({ status, headers, body }: RawAnswer, due: number): void {
  expect([status, body]).toEqual([due, expect.stringContaining('"code"')]);
  expect(JSON.parse(body) as Problem).toMatchObject({ status: due, detail: expect.stringMatching(/./) });
  expect(headers).toContain("content-type: application/problem+json");
  expect(headers).toContain("content-security-policy: default-src 'self'");
  expect(headers).toContain("x-content-type-options: nosniff");
}

const request = (path: string, method = "GET", more = "") =>
  `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${more}\r\n`;
const json = (body: string, type = "application/json") =>
  request("/api/v1/session", "POST", `content-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`) + body;
const upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n";
const key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

describe("a path", () => {
  test.each([
    ["of an impossible escape", "/api/v1/devices/%ff", 400],
    ["of half an escape", "/api/v1/devices/%f", 400],
    ["of an escape that is none", "/%zz", 400],
    ["of a bare percent sign", "/api/v1/devices/%", 400],
    ["of an impossible escape in a page's address", "/devices/%c0%80", 400],
    ["that is too long in one part", `/api/v1/devices/${"x".repeat(300)}`, 404],
    ["that is nothing's", "/api/v1/nothing", 404],
    ["with a control character", "/api/v1/\x01", 400],
  ])("%s", async (_, path, status) => expectProblem(await send(request(path)), status));
});

describe("a method or a body", () => {
  test.each([
    ["a method that is none", request("/", "FETCH"), 400],
    ["a method in small letters", request("/", "get"), 400],
    ["a method that no route has", request("/api/v1/devices", "PROPFIND"), 404],
    ["CONNECT", request("example.org:443", "CONNECT"), 405],
    ["no JSON", json("{"), 400],
    ["an empty body", json(""), 400],
    ["JSON of another shape", json("[]"), 400],
    ["a body of another type", json("<a/>", "text/xml"), 415],
    ["a type that is none", json("{}", "///"), 415],
    ["a body above its bound", json(`"${"x".repeat(70_000)}"`), 413],
    ["a length that is none", request("/api/v1/session", "POST", "content-length: -1\r\n"), 400],
    ["two lengths", request("/", "POST", "content-length: 1\r\ncontent-length: 2\r\n"), 400],
    ["an expectation that nobody knows", request("/", "GET", "expect: everything\r\n"), 417],
    ["no HTTP", "hello\r\n\r\n", 400],
    ["HTTP of another version", "GET / HTTP/9.9\r\nhost: 127.0.0.1\r\n\r\n", 400],
    ["headers above 8 KiB", request("/", "GET", `x: ${"y".repeat(9_000)}\r\n`), 431],
  ])("%s", async (_, bytes, status) => expectProblem(await send(bytes), status));
});

describe("the Host (RFC 9112 section 3.2)", () => {
  const hosts: [string, string][] = [
    ["missing", ""],
    ["twice", "host: 127.0.0.1\r\nHost: 127.0.0.1\r\n"],
    ["twice, and different", "host: 127.0.0.1\r\nhost: evil.example\r\n"],
    ["empty", "host:\r\n"],
    ["a list", "host: 127.0.0.1, evil.example\r\n"],
    ["with a user", "host: root@127.0.0.1\r\n"],
    ["with a path", "host: 127.0.0.1/evil\r\n"],
  ];
  test.each(hosts)("%s: 400, for a plain request and for a handshake", async (_, lines) => {
    expectProblem(await send(`GET /api/v1/points HTTP/1.1\r\n${lines}\r\n`), 400);
    expectProblem(await send(`GET /ws/fleet HTTP/1.1\r\n${lines}${upgrade}${key}\r\n`), 400);
  });

  test.each(["127.0.0.1", "127.0.0.1:8000", "localhost", "[::1]:8000", "LOCALHOST"])("%s is one", async (host) => {
    expect((await send(`GET /api/v1/points HTTP/1.1\r\nhost: ${host}\r\n\r\n`)).status).toBe(200);
  });

  test("is not needed in HTTP/1.0, which health checks speak", async () => {
    expect((await send("GET /livez HTTP/1.0\r\n\r\n")).status).toBe(200);
  });
});

describe("a handshake", () => {
  test.each([
    ["without a key", upgrade, 400],
    ["of another version", `${upgrade.replace("13", "7")}${key}`, 400],
    ["of an impossible escape in the device", `${upgrade}${key}`, 403],
  ])("%s", async (_, lines, status) => {
    const path = status === 403 ? "/ws/device/%ff" : "/ws/fleet";
    expectProblem(await send(request(path, "GET", lines)), status);
  });
});
