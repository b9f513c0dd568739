import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { startServe } from "../../support/run-cli.ts";
import { tryOpenSocket } from "../../support/sockets.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";

/** Requests as proxies pass them on, made anew from public reports: the proxy is this process, and declared. */

/** Not on loopback alone: there a name of its own has to be listed in `access.origins`. */
const behindProxy = { host: "0.0.0.0", "access.trusted_proxies": "127.0.0.1" };
const headers = {
  host: "board.example.org",
  origin: "https://board.example.org",
  "x-forwarded-for": "203.0.113.7",
  "x-forwarded-proto": "https",
};

async function open(server: TestServer, changes: Readonly<Record<string, string>> = {}): Promise<number> {
  const link = await tryOpenSocket(`${server.wsUrl}/ws/fleet`, { headers: { ...headers, ...changes } });
  return "status" in link ? link.status : 101;
}

test.each([
  ["a scheme of sockets", { "x-forwarded-proto": "wss" }],
  ["a scheme in capitals", { "x-forwarded-proto": "HTTPS" }],
  ["a Host with the default port", { host: "board.example.org:443" }],
  ["a forwarded host with the default port", { host: "10.0.0.1:8000", "x-forwarded-host": "board.example.org:443" }],
  ["an Origin with the default port", { origin: "https://board.example.org:443" }],
  ["capitals in the Host", { host: "Board.Example.ORG" }],
  ["capitals in the Origin", { origin: "HTTPS://Board.example.org" }],
  ["an IPv6 address in brackets", { host: "[2001:DB8::1]:443", origin: "https://[2001:db8::1]" }],
  ["another port", { host: "board.example.org:8443", origin: "https://board.example.org:8443" }],
])("%s is the server's own page", async (_what, changes) => {
  expect(await open(await startServer({ settings: behindProxy }), changes)).toBe(101);
});

test.each([
  ["another name", { origin: "https://evil.example.org" }],
  ["another port", { origin: "https://board.example.org:444" }],
  ["another scheme", { origin: "http://board.example.org" }],
  ["a name that only begins so", { origin: "https://board.example.org.evil.example" }],
  ["a name behind a password", { origin: "https://board.example.org@evil.example" }],
  ["no page at all", { origin: "null" }],
])("%s is another site", async (_what, changes) => {
  expect(await open(await startServer({ settings: behindProxy }), changes)).toBe(403);
});

test.each([
  ["Forwarded", 'for=203.0.113.7;proto=https;host="board.example.org"', 101],
  ["Forwarded with IPv6, a port and capitals", 'For="[2001:db8::7]:4711"; Proto=WSS; Host=board.example.org', 101],
  [
    "what a viewer wrote into it before",
    "for=1.2.3.4;proto=https;host=board.example.org, for=203.0.113.7;proto=http;host=a",
    403,
  ],
])("%s counts as it should (RFC 7239)", async (_what, text, status) => {
  const server = await startServer({ settings: behindProxy });
  const { "x-forwarded-for": _for, "x-forwarded-proto": _proto, ...rest } = headers;
  const said = { ...rest, host: "10.0.0.1:8000", forwarded: text };
  const link = await tryOpenSocket(`${server.wsUrl}/ws/fleet`, { headers: said });
  expect("status" in link ? link.status : 101).toBe(status);
});

test("a refused origin is named in the answer and in the log, with the setting that lets it in", async () => {
  const server = await startServe();
  const headers = { origin: "https://a.example" };
  const answer = await fetch(`${server.url}/api/v1/session`, { method: "POST", headers });
  expect(await answer.json()).toMatchObject({
    code: "cross_origin",
    detail: expect.stringMatching(/"https:\/\/a\.example".*access\.origins/),
  });
  expect(await tryOpenSocket(`${server.wsUrl}/ws/fleet`, { headers })).toMatchObject({ status: 403 });
  // One line for both: it is throttled.
  const lines = (await eventually(() => {
    const found = server.logs().filter(({ origin }) => origin === "https://a.example");
    expect(found).toHaveLength(1);
    return found;
  })) as { msg: string }[];
  expect(lines[0]?.msg).toContain("access.origins");
});

test("an address with a slash too many, or with letters as %41, is the door all the same", async () => {
  const server = await startServer();
  const token = server.addDevice("ems_001");
  const authorization = `Bearer ${token}`;
  for (const path of ["/ws/device/ems_001/", "//ws/device/ems_001", "/ws/device/ems%5F001", "/ws/device/ems_001?v=1"]) {
    const link = await tryOpenSocket(`${server.wsUrl}${path}`, { headers: { authorization } });
    expect([path, "status" in link ? link.status : 101]).toEqual([path, 101]);
  }
  for (const path of ["/ws/fleet/", "/ws/dashboard/ems_001/"]) {
    const link = await tryOpenSocket(`${server.wsUrl}${path}`);
    expect([path, "status" in link ? link.status : 101]).toEqual([path, 101]);
  }
});

test.each(["/ws/device/ems_001", "/ws/dashboard/ems_001", "/ws/fleet", "/update/", "/update", "/client/"])(
  "a plain request to %s is answered 426, and says what is there",
  async (path) => {
    const answer = await fetch(`${(await startServer()).url}${path}`);
    expect([answer.status, await answer.json()]).toEqual([
      426,
      expect.objectContaining({ code: "upgrade_required", detail: expect.stringContaining("WebSocket") }),
    ]);
  },
);

test("a SMART-OS device with a good token may send any Origin", async () => {
  const server = await startServer({ settings: { "smart_os.access": "token" } });
  const token = server.addDevice("sol_001");
  const origin = "https://evil.example";
  const link = await tryOpenSocket(`${server.wsUrl}/update/`, {
    headers: { authorization: `Bearer ${token}`, origin },
  });
  expect("status" in link ? link.status : 101).toBe(101);
});
