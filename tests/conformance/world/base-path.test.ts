import { expect, test } from "vitest";
import { loadConfig } from "wattboard";
import { makeFolder, runCli, startServe } from "../../support/run-cli.ts";
import { tryOpenSocket } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";

/** A board under a path of a proxy, which takes the path off or passes it on; both with nginx: `tests/integration/doors/behind-nginx.test.ts`. */

const behind = { settings: { base_path: "/wattboard" } };

test.each(["", "/wattboard", "//wattboard"])("everything is there behind %j", async (path) => {
  const { origin } = new URL((await startServer(behind)).url);
  const url = origin + path;
  const page = await (await fetch(`${url}/`)).text();
  const [, script = ""] = /src="([^"]+\.js)"/.exec(page) ?? [];
  expect(script).toMatch(/^\/wattboard\//);
  for (const each of [
    `${url}/livez`,
    `${url}/api/v1/devices`,
    `${url}/devices/ems_001`,
    `${url}/favicon.svg`,
    origin + script,
  ]) {
    expect([each, (await fetch(each)).status]).toEqual([each, 200]);
  }
  // From one page to all others it is the same.
  expect(await (await fetch(`${url}/devices/ems_001?a=b`)).text()).toBe(page);
});

test("the path alone is the page, with a query or without; what only begins so is nothing", async () => {
  const { url } = await startServer(behind);
  const headers = { accept: "text/html" };
  const statuses = ["", "?filter=a", "/", "/?filter=a", "x", "x/livez", "/wattboard/livez"].map(
    async (rest) => (await fetch(url + rest, { headers })).status,
  );
  expect(await Promise.all(statuses)).toEqual([200, 200, 200, 200, 404, 404, 404]);
});

test("the page's policy allows no more than without a path, and no base of its own", async () => {
  const policy = async (url: string) => (await fetch(url)).headers.get("content-security-policy");
  const { url } = await startServer(behind);
  expect(await policy(url)).toBe(await policy((await startServer()).url));
  expect(await policy(url)).toMatch("base-uri 'none'");
});

test.each([
  ["/wattboard/ws/device/ems_001", 101],
  ["/wattboard/ws/device/ems_001/", 101],
  ["//wattboard//ws/device/ems_001", 101],
  ["/wattboard/ws/device/ems%5F001?v=1", 101],
  ["/ws/device/ems_001", 101],
  ["/wattboard/ws/fleet", 101],
  ["/wattboard/wattboard/ws/fleet", 404],
  ["/wattboardws/fleet", 404],
])("a socket at %s gets %i", async (path, status) => {
  const server = await startServer(behind);
  const headers = { authorization: `Bearer ${server.addDevice("ems_001")}` };
  const link = await tryOpenSocket(new URL(server.wsUrl).origin + path, path.includes("device") ? { headers } : {});
  expect("status" in link ? link.status : 101).toBe(status);
});

test("the API's document and its page, redirects and printed links have the path", async () => {
  const server = await startServe({ args: ["--base-path=/wattboard"] });
  expect(new URL(server.url).pathname).toBe("/wattboard");
  const document = await (await fetch(`${server.url}/api/v1/openapi.json`)).json();
  expect(document).toMatchObject({ servers: [{ url: "/wattboard" }] });
  const ofSockets = await (await fetch(`${server.url}/api/v1/asyncapi.json`)).json();
  expect(ofSockets).toMatchObject({ servers: { public: { pathname: "/wattboard" } } });
  for (const docs of ["docs", "docs/"]) {
    const address = `${server.url}/api/v1/${docs}`;
    const [, script = ""] = /src="([^"]+bundle\.js)"/.exec(await (await fetch(address)).text()) ?? [];
    const found = new URL(script, address);
    expect([found.pathname, (await fetch(found)).status]).toEqual([
      "/wattboard/api/v1/docs/static/swagger-ui-bundle.js",
      200,
    ]);
  }
  const moved = await fetch(`${server.url}/api/v1/docs/static/index.html`, { redirect: "manual" });
  expect([moved.status, moved.headers.get("location")]).toEqual([302, "/wattboard/api/v1/docs/"]);
  const { stdout } = await runCli(["user", "setup-link", "--data-dir", server.dataDir]);
  expect(stdout).toContain(`${server.url}/welcome#wb_`);
  expect(server.process.stderr).toContain(`${server.url}/welcome#wb_`);
});

test.each([
  "energy",
  "/",
  "/energy/",
  "//energy",
  "/a//b",
  "/..",
  "/a/./b",
  "/a b",
  "/a?b",
  "/a%20b",
  "https://a.example/b",
])("%j is no base_path, and the message says what one is", (base_path) => {
  expect(() => loadConfig({ flags: { base_path }, env: {}, file: undefined })).toThrow(/--base-path.*such as \/energy/);
});

test.each(["/api", "/ws/board", "/devices", "/assets", "/livez", "/update"])(
  "%s is an address of the server's own: it does not start, and says so",
  async (path) => {
    const cwd = makeFolder();
    const { code, stderr } = await runCli(["serve", "--port=0", `--base-path=${path}`], { cwd });
    expect([code, stderr]).toEqual([2, expect.stringContaining(`base_path is ${path}, but`)]);
  },
);
