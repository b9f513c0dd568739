import { expect, test } from "vitest";
import { RawSocket } from "../../support/raw-socket.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";

const people = { "access.dashboards": "people" };

async function statusOf({ url }: TestServer, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  return (await fetch(`${url}/metrics`, { headers })).status;
}

const bearer = (added: object) => ({ authorization: `Bearer ${(added as { token: string }).token}` });

test("where people sign in, the metrics need an API token for all devices", async () => {
  const server = await startServer({ settings: people });
  const { apiTokens } = server;
  expect(await statusOf(server)).toBe(401);
  expect(await statusOf(server, bearer(apiTokens.add("prometheus", "viewer", null)))).toBe(200);
  expect(await statusOf(server, bearer(apiTokens.add("owner", "operator", null, ["ems_001"])))).toBe(403);
  expect(await statusOf(server, { authorization: "Bearer made-up" })).toBe(401);
});

test("where dashboards are public, so are they", async () => {
  expect(await statusOf(await startServer())).toBe(200);
});

test("listed addresses need no token; what a proxy that nobody declared passes on does not come from one", async () => {
  const server = await startServer({ settings: { ...people, "access.metrics_from": "127.0.0.0/8,::1" } });
  expect(await statusOf(server)).toBe(200);
  expect(await statusOf(server, { "x-forwarded-for": "203.0.113.7" })).toBe(401);
  expect(await statusOf(server, { forwarded: "for=203.0.113.7" })).toBe(401);
  const elsewhere = await startServer({ settings: { ...people, "access.metrics_from": "10.0.0.9" } });
  expect(await statusOf(elsewhere)).toBe(401);
});

test("through a declared proxy the address is that for which it asks", async () => {
  const settings = { ...people, "access.trusted_proxies": "127.0.0.1", "access.metrics_from": "10.0.0.9" };
  const server = await startServer({ settings });
  expect(await statusOf(server, { "x-forwarded-for": "10.0.0.9" })).toBe(200);
  expect(await statusOf(server, { "x-forwarded-for": "203.0.113.7" })).toBe(401);
  expect(await statusOf(server)).toBe(401);
  const raw = await RawSocket.connect(server.url);
  raw.write("GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nx-forwarded-for: 203.0.113.7\r\n\r\n");
  expect(await raw.answer()).toMatchObject({ status: 200, body: '{"status":"ready","store":"ok"}' });
});
