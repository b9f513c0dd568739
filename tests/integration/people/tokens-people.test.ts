import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { runJson, type ServeProcess, startServe, untilFileEnds } from "../../support/run-cli.ts";
import { tryOpenSocket } from "../../support/sockets.ts";

const until = untilFileEnds();
const origin = "https://board.example.org";

let server: ServeProcess;
let deviceToken: string;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  server = await startServe({ until, args: ["--access-dashboards=people", `--access-origins=${origin}`] });
  const at = ["--data-dir", server.dataDir];
  deviceToken = (await runJson<{ token: string }>(["device", "add", "--create-folder", "ems_001", ...at], { until }))
    .token;
  for (const role of ["viewer", "operator", "admin"]) {
    const args = ["api-token", "add", "--create-folder", role, "--role", role, ...at];
    tokens[role] = (await runJson<{ token: string }>(args, { until })).token;
  }
});

/** The status of a dashboard's handshake; 101 where it is let in. */
async function look(path: string, token?: string, headers: Record<string, string> = {}): Promise<number> {
  const all = { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  const answer = await tryOpenSocket(server.wsUrl + path, { headers: all });
  return "status" in answer ? answer.status : 101;
}

function ask(method: string, path: string, token?: string, body?: object): Promise<Response> {
  return fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

describe("where dashboards are for people", () => {
  test.each(["/ws/dashboard/ems_001", "/ws/fleet"])(
    "%s lets in who bears a token with any role, and nobody else",
    async (path) => {
      for (const role of ["viewer", "operator", "admin"])
        expect([role, await look(path, tokens[role])]).toEqual([role, 101]);
      expect(await look(path)).toBe(403);
      expect(await look(path, `${tokens.viewer}x`)).toBe(403);
      expect(await look(path, deviceToken)).toBe(403);
      // Addresses end up in logs and histories: a token there does not count.
      expect(await look(`${path}?token=${tokens.viewer}`)).toBe(403);
    },
  );

  test.each(["/devices", "/devices/ems_001", "/devices/ems_001/samples", "/events"])(
    "GET /api/v1%s needs a token",
    async (path) => {
      expect((await ask("GET", path, tokens.viewer)).status).toBe(200);
      for (const token of [undefined, `${tokens.viewer}x`, deviceToken]) {
        const refused = await ask("GET", path, token);
        expect(refused.status).toBe(401);
        expect(refused.headers.get("www-authenticate")).toBe("Bearer");
        expect(refused.headers.get("content-type")).toContain("application/problem+json");
        expect(await refused.json()).toMatchObject({ status: 401, code: "unauthorized" });
      }
    },
  );

  test("whoever may look may change nothing, and not even see who else may look", async () => {
    const changes: [string, string, object?][] = [
      ["POST", "/devices", { device_id: "new" }],
      ["POST", "/devices/ems_001/rotate", {}],
      ["POST", "/devices/ems_001/revoke"],
      ["DELETE", "/devices/ems_001"],
      ["GET", "/api-tokens"],
      ["POST", "/api-tokens", { name: "new", role: "admin" }],
      ["DELETE", "/api-tokens/viewer"],
    ];
    for (const [method, path, body] of changes) {
      for (const role of ["viewer", "operator"]) {
        const refused = await ask(method, path, tokens[role], body);
        expect([method, path, refused.status]).toEqual([method, path, 403]);
        expect(await refused.json()).toMatchObject({ code: "not_permitted" });
      }
      expect([method, path, (await ask(method, path, undefined, body)).status]).toEqual([method, path, 401]);
      expect([method, path, (await ask(method, path, deviceToken, body)).status]).toEqual([method, path, 401]);
    }
    const { devices } = (await (await ask("GET", "/devices", tokens.viewer)).json()) as { devices: object[] };
    expect(devices).toMatchObject([{ device_id: "ems_001", active: true }]);
    expect((await ask("POST", "/devices", tokens.admin, { device_id: "new" })).status).toBe(201);
    expect((await ask("DELETE", "/devices/new", tokens.admin)).status).toBe(200);
  });

  test("a page of another site gets no socket even with a token; this server's own and the listed ones do", async () => {
    const { host, port } = new URL(server.url);
    for (const path of ["/ws/dashboard/ems_001", "/ws/fleet"]) {
      const from = (page: string, headers = {}) => look(path, tokens.viewer, { origin: page, ...headers });
      expect(await from(`http://${host}`)).toBe(101);
      expect(await from(origin)).toBe(101);
      for (const page of [
        "https://evil.example",
        `${origin}.evil.example`,
        "null",
        `http://127.0.0.1:${Number(port) + 1}`,
      ]) {
        expect([page, await from(page)]).toEqual([page, 403]);
      }
      // DNS rebinding: a name of the attacker's that points here is not this server.
      expect(await from(`http://evil.example:${port}`, { host: `evil.example:${port}` })).toBe(403);
    }
  });

  test("a token is good until it expires, and until it is removed", async () => {
    const at = ["--data-dir", server.dataDir];
    const brief = await runJson<{ token: string }>([
      "api-token",
      "add",
      "brief",
      "--role",
      "admin",
      "--expires",
      "1s",
      ...at,
    ]);
    await eventually(async () => expect((await ask("GET", "/devices", brief.token)).status).toBe(401));
    expect(await look("/ws/fleet", brief.token)).toBe(403);

    const { token } = (await (
      await ask("POST", "/api-tokens", tokens.admin, { name: "gone", role: "viewer" })
    ).json()) as {
      token: string;
    };
    expect(await look("/ws/fleet", token)).toBe(101);
    expect((await ask("DELETE", "/api-tokens/gone", tokens.admin)).status).toBe(200);
    expect(await look("/ws/fleet", token)).toBe(403);
  });

  test("a time of validity that says nothing makes no token that is valid for ever", async () => {
    for (const ttl_ms of [0, "", false, null, -1, 999]) {
      const answer = await ask("POST", "/api-tokens", tokens.admin, { name: "ever", role: "viewer", ttl_ms });
      expect([ttl_ms, answer.status]).toEqual([ttl_ms, 400]);
    }
  });

  test("health stays open, and names no device", async () => {
    for (const path of ["/livez", "/readyz"]) {
      const answer = await fetch(server.url + path);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(await answer.text()).not.toContain("ems_001");
    }
  });
});

test("where dashboards are public anyone may look, but a wrong token is still wrong, and changes need an admin", async () => {
  const open = await startServe();
  const get = (headers = {}) => fetch(`${open.url}/api/v1/devices`, { headers });
  expect((await get()).status).toBe(200);
  expect((await get({ authorization: "Bearer wrong" })).status).toBe(401);
  const answer = await tryOpenSocket(`${open.wsUrl}/ws/fleet`);
  expect(answer).not.toHaveProperty("status");
  const foreign = await tryOpenSocket(`${open.wsUrl}/ws/fleet`, { headers: { origin: "https://evil.example" } });
  expect(foreign).toMatchObject({ status: 403 });
  expect((await fetch(`${open.url}/api/v1/devices/x`, { method: "DELETE" })).status).toBe(401);
});
