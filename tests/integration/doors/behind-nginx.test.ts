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
import { startServer, temporaryFolder } from "../../support/start-server.ts";
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
      await admin.getByRole("button", { name: "Make the link" }).click();
      const shared = await admin.getByText(`${url}/share#wb_`).first().textContent();
      const guest = await openPage(shared ?? "", { ignoreHTTPSErrors: true });
      await guest.getByText("42.0 %").first().waitFor();

      const cookies = await admin.context().cookies();
      expect(cookies.map(({ name, secure, path }) => [name, secure, path]).sort()).toEqual([
        ["__Host-wattboard", true, "/"],
        ["__Host-wattboard-browser", true, "/"],
      ]);
      expect([...admin.complaints, ...guest.complaints]).toEqual([]);

      const other = await openPage(`${url}/devices/ems_001`, { ignoreHTTPSErrors: true });
      await other.getByRole("link", { name: "Sign in" }).last().click();
      await signIn(other);
      await other.getByText("42.0 %").first().waitFor();
      expect(other.url()).toBe(`${url}/devices/ems_001`);
    });
  },
);
