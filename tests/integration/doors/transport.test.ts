import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { connect } from "node:tls";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { makeCertificate, opensslPath } from "../../support/certificate.ts";
import { eventually } from "../../support/eventually.ts";
import { needs } from "../../support/needs.ts";
import { BrowserLike, createAdministrator } from "../../support/people.ts";
import { CliProcess, makeFolder, runCli, runJson, startServe } from "../../support/run-cli.ts";
import { tryOpenSocket } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";

describe("beyond loopback", () => {
  test("the server does not start in the clear by itself, and says which three ways there are", async () => {
    const cwd = makeFolder();
    const { code, stdout, stderr } = await runCli(["serve", "--host", "0.0.0.0", "--port", "0"], { cwd });
    expect([code, stdout]).toEqual([2, ""]);
    for (const way of ["--tls-cert", "--access-trusted-proxies", "--insecure"]) expect(stderr).toContain(way);
  });

  test("the demo does not start at all", async () => {
    const { code, stderr } = await runCli(["demo", "--host", "0.0.0.0", "--insecure"], { cwd: makeFolder() });
    expect([code, stderr]).toEqual([2, expect.stringContaining("loopback only")]);
  });

  const outside = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.internal === false && each.family === "IPv4")?.address;

  needs("an address that is not loopback's", outside !== undefined)("with one", () => {
    test("--insecure speaks without TLS; behind a declared proxy only that proxy is spoken to", async () => {
      const insecure = await startServe({ args: ["--host=0.0.0.0", "--insecure"] });
      const at = (url: string) => url.replace("0.0.0.0", String(outside));
      expect((await fetch(`${at(insecure.url)}/api/v1/devices`)).status).toBe(200);

      const behind = await startServe({ args: ["--host=0.0.0.0", "--access-trusted-proxies=192.0.2.1"] });
      const direct = await fetch(`${at(behind.url)}/api/v1/devices`);
      expect([direct.status, await direct.json()]).toEqual([
        403,
        expect.objectContaining({ code: "insecure_transport" }),
      ]);
      expect(await tryOpenSocket(`${at(behind.wsUrl)}/ws/fleet`)).toMatchObject({ status: 403 });
      // The machine's own health checks and command line come by loopback.
      expect((await fetch(behind.url.replace("0.0.0.0", "127.0.0.1"))).status).toBe(200);
    });
  });
});

test("behind a declared proxy the viewer's own address is what is counted, recorded and limited", async () => {
  const settings = {
    "access.dashboards": "people",
    "access.trusted_proxies": "127.0.0.1",
    "access.origins": "https://board.example.org",
  };
  // A clock that stands still: no try comes back, and no hash takes time.
  const clock = new ManualClock(Date.now());
  const server = await startServer({ settings: { ...settings, "limits.sockets_per_address": "3" }, clock });
  const admin = await createAdministrator(server);
  const viewer = (address: string) =>
    new BrowserLike(server.url, {
      "x-forwarded-for": `198.51.100.1, ${address}`,
      "x-forwarded-proto": "https",
      "x-forwarded-host": "board.example.org",
    });
  const guess = async (address: string) => {
    const browser = viewer(address);
    browser.origin = "https://board.example.org";
    return (await browser.ask("POST", "/session", { account: address, password: "x" })).status;
  };
  // Each account of its own, so that only the address can be what stops it.
  const browser = viewer("203.0.113.1");
  browser.origin = "https://board.example.org";
  const statuses: number[] = [];
  for (let tries = 0; tries < 22; tries++) {
    statuses.push((await browser.ask("POST", "/session", { account: `a${tries}`, password: "x" })).status);
  }
  expect(statuses.slice(0, 20).every((status) => status === 401)).toBe(true);
  expect(statuses.slice(20)).toEqual([429, 429]);
  expect(await guess("203.0.113.2")).toBe(401);
  const { audit } = await admin.json<{ audit: { address: string }[] }>("GET", "/audit?action=sign_in");
  expect(audit.map(({ address }) => address)).toContain("203.0.113.1");

  const signedIn = viewer("203.0.113.3");
  signedIn.origin = "https://board.example.org";
  await signedIn.signIn("root");
  expect([...signedIn.cookies.keys()]).toEqual(["__Host-wattboard", "__Host-wattboard-browser"]);
  const open = () => tryOpenSocket(`${server.wsUrl}/ws/fleet`, { headers: signedIn.handshake });
  for (let sockets = 0; sockets < 3; sockets++) expect(await open()).not.toHaveProperty("status");
  expect(await open()).toMatchObject({ status: 429 });
  // The scheme belongs to the origin: http is another site.
  signedIn.origin = "http://board.example.org";
  expect((await signedIn.ask("GET", "/me")).status).toBe(401);
});

needs("openssl", opensslPath !== null)("with TLS of its own", () => {
  const trusting = (cert: string) => ({ ca: readFileSync(cert), servername: "board.example.org" });

  test("devices, dashboards and the command line come in, and HSTS is sent", async () => {
    const folder = makeFolder();
    const { cert, key } = makeCertificate(folder, "board.example.org");
    const server = await startServe({ args: [`--tls-cert=${cert}`, `--tls-key=${key}`] });
    expect(server.url).toMatch(/^https:/);
    const { token } = await runJson<{ token: string }>(["device", "add", "ems_001", "--data-dir", server.dataDir]);
    const options = { ...trusting(cert), headers: { authorization: `Bearer ${token}` } };
    const device = new WebSocket(`${server.url.replace("https", "wss")}/ws/device/ems_001`, options);
    onTestFinished(() => device.terminate());
    await new Promise((resolve, reject) => {
      device.once("open", resolve);
      device.once("error", reject);
    });
    const dashboard = new WebSocket(`${server.url.replace("https", "wss")}/ws/dashboard/ems_001`, trusting(cert));
    onTestFinished(() => dashboard.terminate());
    const received = new Promise((resolve) => dashboard.once("message", (data) => resolve(String(data))));
    await new Promise((resolve) => dashboard.once("open", resolve));
    const text = JSON.stringify({ device_id: "ems_001", timestamp: new Date().toISOString(), battery: { soc: 50 } });
    device.send(text);
    expect(await received).toBe(text);
    const listed = await runJson<{ online: boolean }[]>(["device", "list", "--data-dir", server.dataDir]);
    expect(listed).toMatchObject([{ online: true }]);
  });

  test("SIGHUP reads a renewed certificate, and a broken one leaves the old in place", async () => {
    const folder = makeFolder();
    const { cert, key } = makeCertificate(folder, "board.example.org");
    const renewed = makeCertificate(folder, "renewed.example.org");
    const server = await startServe({ args: [`--tls-cert=${cert}`, `--tls-key=${key}`] });
    const present = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connect({ port: Number(new URL(server.url).port), rejectUnauthorized: false }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        });
        socket.once("error", reject);
      });
    expect(await present()).toBe("board.example.org");
    writeFileSync(cert, "broken");
    server.process.signal("SIGHUP");
    await eventually(() => expect(server.logs().some(({ level }) => level === "error")).toBe(true));
    expect(await present()).toBe("board.example.org");
    copyFileSync(renewed.cert, cert);
    copyFileSync(renewed.key, key);
    server.process.signal("SIGHUP");
    await eventually(async () => expect(await present()).toBe("renewed.example.org"));
    // The command line of this machine knows the new one.
    await runJson(["device", "list", "--data-dir", server.dataDir]);
  });

  test("files that are missing or do not belong together are told before anything is started", async () => {
    const folder = makeFolder();
    const one = makeCertificate(folder, "one.example.org");
    const other = makeCertificate(folder, "other.example.org");
    for (const [args, text] of [
      [[`--tls-cert=${one.cert}`], "TLS needs both"],
      [[`--tls-cert=${one.cert}`, `--tls-key=${folder}/none.key`], "none.key"],
      [[`--tls-cert=${one.cert}`, `--tls-key=${other.key}`], "belong together"],
    ] as const) {
      const { code, stderr } = await runCli(["serve", "--port=0", ...args], { cwd: folder });
      expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
    }
  });
});

test("the demo prints a link that signs its user in as operator, once", async () => {
  const demo = new CliProcess(["demo", "--port=0", "--devices=1", "--no-history"], { cwd: makeFolder() });
  const [, link = ""] = await demo.printed(/As operator\s+(\S+)/);
  const { origin, pathname, hash } = new URL(link);
  const browser = new BrowserLike(origin);
  // Anyone may look.
  expect(await browser.json("GET", "/me")).toMatchObject({ kind: "anonymous", role: "viewer" });
  expect(await browser.redeem(pathname + hash)).toMatchObject({ kind: "person", name: "demo", role: "operator" });
  const again = await new BrowserLike(origin).ask("POST", "/one-time-links/redeem", { token: hash.slice(1) });
  expect(again.status).toBe(404);
  expect((await browser.ask("GET", "/people")).status).toBe(403);
});
