import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { fileURLToPath } from "node:url";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { chromiumPath, closeBrowser, openPage, type TestPage } from "../../support/browser.ts";
import { makeCertificate, opensslPath } from "../../support/certificate.ts";
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/free-port.ts";
import { needs } from "../../support/needs.ts";
import { nginxPath, startNginx } from "../../support/nginx.ts";
import { createAdministrator } from "../../support/people.ts";
import { CliProcess } from "../../support/run-cli.ts";
import { openDevice } from "../../support/sockets.ts";
import { startServer, type TestServer, temporaryFolder } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

/** What people are told to write. */
const guide = readFileSync(new URL("../../../docs/guide/behind-a-proxy.md", import.meta.url), "utf8");
const written = /```nginx\n([^`]+)```/.exec(guide)?.[1] ?? "";

/** The guide's configuration with these words in place of its own; each must stand there. */
function configuration(changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`The guide's block for nginx has no ${from}.`);
    return text.replaceAll(from, to);
  }, written);
}

/** Browsers take this name for this machine; the server does not take it for a loopback name. */
const hostname = "board.localhost";

interface Way {
  readonly basePath: string;
  readonly location: string;
  /** What stands behind the server's address in `proxy_pass`: a slash takes the path off. */
  readonly passedOn: string;
}

const ownName: Way = { basePath: "", location: "location / {", passedOn: ";" };
const stripped: Way = { basePath: "/energy", location: "location /energy/ {", passedOn: "/;" };
const unstripped: Way = { basePath: "/energy", location: "location /energy/ {", passedOn: ";" };

/** A server on loopback behind nginx with TLS. */
async function startBehindNginx({ basePath, location, passedOn }: Way, settings: Record<string, string> = {}) {
  const port = await freePort();
  const origin = `https://${hostname}:${port}`;
  const server = await startServer({
    settings: {
      "access.dashboards": "people",
      "access.trusted_proxies": "127.0.0.1",
      "access.origins": origin,
      base_path: basePath,
      ...settings,
    },
  });
  const folder = temporaryFolder();
  const { cert, key } = makeCertificate(folder, "localhost");
  const http = configuration({
    "listen 443 ssl": `listen 127.0.0.1:${port} ssl`,
    "location /energy/ {": location,
    "proxy_pass http://127.0.0.1:8000;": `proxy_pass ${new URL(server.url).origin}${passedOn}`,
    "/etc/ssl/example.org.pem": cert,
    "/etc/ssl/example.org.key": key,
    "proxy_read_timeout 60s": "proxy_read_timeout 3s",
  });
  await startNginx(folder, http, port);
  return {
    server,
    port,
    cert,
    /** For browsers. */
    url: origin + basePath,
    /** For programs, which do not know that `board.localhost` is this machine. */
    localUrl: `https://localhost:${port}${basePath}`,
  };
}

async function signIn(page: TestPage): Promise<void> {
  await page.getByLabel("Name or e-mail address").fill("root");
  await page.getByLabel("Password").fill("a long enough one");
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Opens a socket through nginx, and counts the server's pings on it. */
async function openThrough(localUrl: string, path: string, token: string, cert: string) {
  const address = `${localUrl.replace("https", "wss")}${path}`;
  const webSocket = new WebSocket(address, { ca: readFileSync(cert), headers: { authorization: `Bearer ${token}` } });
  onTestFinished(() => webSocket.terminate());
  const link = { webSocket, pings: 0 };
  webSocket.on("ping", () => link.pings++);
  await new Promise((resolve, reject) => {
    webSocket.once("open", resolve);
    webSocket.once("error", reject);
  });
  return link;
}

async function makeApiToken(server: TestServer): Promise<string> {
  const admin = await createAdministrator(server);
  const { token } = await admin.json<{ token: string }>("POST", "/api-tokens", { name: "all", role: "admin" });
  return token;
}

needs("nginx and openssl", nginxPath !== null && opensslPath !== null)("programs behind nginx with TLS", () => {
  test.each([
    ["takes off", stripped],
    ["passes on", unstripped],
  ])("a device and the command line come in under a path that nginx %s", async (_what, way) => {
    const { server, localUrl, cert } = await startBehindNginx(way);
    const WATTBOARD_TOKEN = await makeApiToken(server);
    const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: cert, WATTBOARD_URL: localUrl, DEVICE_ID: "ems_001" };
    const device = spawn(process.execPath, [fileURLToPath(new URL("../../../examples/device.mjs", import.meta.url))], {
      env: { ...env, WATTBOARD_JOURNALS: temporaryFolder(), API_TOKEN: server.addDevice("ems_001") },
      stdio: "ignore",
    });
    onTestFinished(() => {
      device.kill("SIGKILL");
    });
    const list = async () => {
      const args = ["device", "list", "--url", localUrl, "--json"];
      const { code, stdout, stderr } = await new CliProcess(args, {
        env: { WATTBOARD_TOKEN, NODE_EXTRA_CA_CERTS: cert },
      }).exit();
      expect([code, stderr]).toEqual([0, ""]);
      return JSON.parse(stdout);
    };
    await eventually(async () => expect(await list()).toMatchObject([{ online: true }]), { withinMs: 15_000 });
  });

  test("sockets on which nothing is sent outlive nginx's patience, since the server pings sooner", async () => {
    const { server, localUrl, cert } = await startBehindNginx(stripped, { "heartbeat.ping_ms": "1000" });
    const device = await openThrough(localUrl, "/ws/device/ems_001", server.addDevice("ems_001"), cert);
    const dashboard = await openThrough(localUrl, "/ws/dashboard/ems_001", await makeApiToken(server), cert);
    // nginx waits for 3 s.
    await eventually(() => expect(Math.min(device.pings, dashboard.pings)).toBeGreaterThan(4), { withinMs: 15_000 });
    expect([device, dashboard].map(({ webSocket }) => webSocket.readyState)).toEqual([1, 1]);
    const text = JSON.stringify(sampleOf("ems_001"));
    const received = new Promise((resolve) => dashboard.webSocket.once("message", (data) => resolve(String(data))));
    device.webSocket.send(text);
    expect(await received).toBe(text);
  });

  test("who comes through it counts by their own address, whatever they say of themselves", async () => {
    const { server, localUrl, cert } = await startBehindNginx(unstripped);
    const admin = await createAdministrator(server);
    const headers = {
      "content-type": "application/json",
      "x-forwarded-for": "203.0.113.7",
      forwarded: "for=203.0.113.8",
    };
    const options = { method: "POST", headers, ca: readFileSync(cert), localAddress: "127.0.0.2" };
    const status = await new Promise((resolve, reject) => {
      const asked = request(`${localUrl}/api/v1/session`, options, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      asked.on("error", reject);
      asked.end(JSON.stringify({ account: "nobody", password: "x" }));
    });
    expect(status).toBe(401);
    const { audit } = await admin.json<{ audit: { address: string; outcome: string }[] }>(
      "GET",
      "/audit?action=sign_in",
    );
    expect(audit.find(({ outcome }) => outcome !== "done")?.address).toBe("127.0.0.2");
  });
});

needs("nginx, openssl and chromium", nginxPath !== null && opensslPath !== null && chromiumPath !== null)(
  "behind nginx with TLS",
  () => {
    afterAll(closeBrowser);

    test.each([
      ["a name of its own", ownName],
      ["a path that nginx takes off", stripped],
      ["a path that nginx passes on", unstripped],
    ])("the page is there under %s: links, sign-in, fleet, a device live, a reload", async (_what, way) => {
      const { server, url } = await startBehindNginx(way);
      const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
      device.send(sampleOf("ems_001"));

      const admin = await openPage(url + (server.setupLink?.path ?? ""), { ignoreHTTPSErrors: true });
      await admin.getByLabel("Name").fill("root");
      await admin.getByLabel("New password").fill("a long enough one");
      await admin.getByLabel("The same once more").fill("a long enough one");
      await admin.getByRole("button", { name: "Create" }).click();
      await admin.getByText("85 %").first().waitFor();
      expect(admin.url()).toBe(`${url}/`);
      await admin
        .getByRole("link", { name: /ems_001/ })
        .first()
        .click();
      await admin.getByText("85.0 %").first().waitFor();
      expect(admin.url()).toBe(`${url}/devices/ems_001`);
      await admin.getByText("Live", { exact: true }).first().waitFor();
      device.send(sampleOf("ems_001", { battery: { soc: 42, power: -300 } }));
      await admin.getByText("42.0 %").first().waitFor();
      await admin.reload();
      await admin.getByText("42.0 %").first().waitFor();

      await admin.getByRole("button", { name: "Share" }).click();
      await admin.getByLabel("For whom, or what for").fill("the neighbour");
      await admin.getByRole("button", { name: "Make a link" }).click();
      const shared = await admin.getByLabel("Share link").inputValue();
      expect(shared).toMatch(`${url}/share#wb_`);
      const guest = await openPage(shared, { ignoreHTTPSErrors: true });
      await guest.getByText("42.0 %").first().waitFor();

      const cookies = await admin.context().cookies();
      expect(cookies.map(({ name, secure, path }) => [name, secure, path]).sort()).toEqual([
        ["__Host-wattboard", true, "/"],
        ["__Host-wattboard-browser", true, "/"],
      ]);
      expect(admin.complaints).toEqual([]);

      const other = await openPage(`${url}/devices/ems_001`, { ignoreHTTPSErrors: true });
      // The one of the menu leads on to the fleet.
      await other.getByRole("main").getByRole("link", { name: "Sign in" }).click();
      await signIn(other);
      await other.getByText("42.0 %").first().waitFor();
      expect(other.url()).toBe(`${url}/devices/ems_001`);
    });
  },
);
