import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { metric, storedSamples } from "../../support/api.ts";
import { eventually, inTime } from "../../support/eventually.ts";
import {
  makeFolder,
  runCli,
  type ServeProcess,
  startServe,
  untilFileEnds,
  wattboardBin,
} from "../../support/run-cli.ts";
import { openDashboard, openDevice, openSocket, tryOpenSocket } from "../../support/sockets.ts";
import { sampleOf } from "../../support/telemetry.ts";

const until = untilFileEnds();

let server: ServeProcess;
beforeAll(async () => {
  server = await startServe({ until });
});

async function getJson(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(server.url + path);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("health", () => {
  test("a server that runs is alive and ready", async () => {
    expect(await getJson("/livez")).toEqual({ status: 200, body: { status: "alive" } });
    expect(await getJson("/readyz")).toEqual({ status: 200, body: { status: "ready", store: "ok" } });
  });

  test("while the store fails it is degraded, still live, and says so; then it stores what waited", async () => {
    const token = await server.addDevice("patient");
    const device = await openDevice(server.wsUrl, "patient", token);
    const dashboard = await openDashboard(server.wsUrl, "patient");
    // Another program that writes to the store's file: SQLite gives it to nobody else.
    const intruder = new DatabaseSync(join(server.dataDir, "store.db"), { timeout: inTime(5_000) });
    onTestFinished(() => intruder.close());
    intruder.exec("BEGIN IMMEDIATE");
    device.send(sampleOf("patient"));
    await dashboard.receive(1);
    await eventually(async () => {
      expect(await getJson("/readyz")).toEqual({
        status: 200,
        body: { status: "degraded", store: "the store's file is locked by another program" },
      });
    });
    expect((await getJson("/livez")).status).toBe(200);
    intruder.exec("ROLLBACK");
    await eventually(async () => expect((await getJson("/readyz")).body).toEqual({ status: "ready", store: "ok" }));
    expect(await storedSamples(server, "patient")).toHaveLength(1);
    const events = server.logs().map(({ event }) => event);
    expect(events.filter((event) => event === "store_failing" || event === "store_recovered")).toEqual([
      "store_failing",
      "store_recovered",
    ]);
  });
});

describe("metrics", () => {
  test("are Prometheus text that counts samples by result and connections by role, and never name a device", async () => {
    const token = await server.addDevice("metered");
    const device = await openDevice(server.wsUrl, "metered", token);
    await openDashboard(server.wsUrl, "metered");
    await openSocket(`${server.wsUrl}/ws/fleet`);
    const [accepted, invalid, wrongDevice] = await Promise.all(
      ["accepted", "invalid_json", "wrong_device"].map((result) =>
        metric(server, `wattboard_samples_total{result="${result}"}`),
      ),
    );
    device.send("{");
    device.send(sampleOf("somebody_else"));
    device.send(sampleOf("metered"));
    await tryOpenSocket(`${server.wsUrl}/ws/device/metered`);

    const text = await eventually(async () => {
      const response = await fetch(`${server.url}/metrics`);
      expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
      const body = await response.text();
      expect(body).toContain(`wattboard_samples_total{result="accepted"} ${(accepted ?? 0) + 1}\n`);
      return body;
    });
    expect(text).toContain(`wattboard_samples_total{result="invalid_json"} ${(invalid ?? 0) + 1}\n`);
    expect(text).toContain(`wattboard_samples_total{result="wrong_device"} ${(wrongDevice ?? 0) + 1}\n`);
    for (const role of ["device", "dashboard", "fleet"]) {
      expect(text).toMatch(new RegExp(`^wattboard_connections\\{role="${role}"\\} [1-9]\\d*$`, "m"));
    }
    expect(text).toMatch(/^wattboard_handshakes_refused_total\{door="device",code="forbidden"\} [1-9]/m);

    const sample =
      /^([a-z_:][a-z0-9_:]*)(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? (-?[0-9.e+-]+|NaN|[+-]Inf)$/i;
    const lines = text.split("\n").filter((line) => line !== "");
    for (const line of lines)
      expect(line).toMatch(line.startsWith("#") ? /^# (HELP|TYPE) [a-z_:][a-z0-9_:]* \S/i : sample);
    const series = lines.filter((line) => !line.startsWith("#")).map((line) => line.slice(0, line.lastIndexOf(" ")));
    expect(new Set(series).size).toBe(series.length);
    expect(text).not.toContain("metered");
    expect(text).not.toContain("somebody_else");
    // What walks every open socket would hold up live samples at each scrape.
    expect(text).toContain("nodejs_eventloop_lag_max_seconds");
    expect(text).not.toMatch(/nodejs_active_|process_open_fds/);
  });
});

describe("the log", () => {
  test("is JSON lines with ids, and holds no secret after a session in which everything was tried", async () => {
    const own = await startServe({ args: ["--log-level=debug", "--access-dashboards=people"] });
    const token = await own.addDevice("ems_001");
    const given = "sBrIr9wSkn@d*]@z6";
    const input = given;
    await runCli(["device", "add", "ems_002", "--token-file", "-", "--data-dir", own.dataDir], { input });
    const wrong = "wb_thisIsAWrongTokenButSomebodyMayHaveTypedItFromARealOne";
    const secrets = [token, token.slice(3, -6), given, wrong, "cookie-secret", "basic-secret", "password-secret"];

    const device = await openDevice(own.wsUrl, "ems_001", token);
    const second = await openDevice(own.wsUrl, "ems_002", given);
    second.send(sampleOf("ems_002"));
    device.send(`{"token":"${wrong}","authorization":"Bearer ${given}"`);
    device.send(sampleOf("ems_001", { password: "password-secret" }));
    const replacing = await openDevice(own.wsUrl, "ems_001", token);
    expect((await device.closed).code).toBe(1008);
    replacing.webSocket.close();
    const headers = { authorization: `Bearer ${wrong}`, cookie: "session=cookie-secret" };
    for (const path of [
      "/ws/device/ems_001",
      `/ws/device/ems_001?token=${wrong}`,
      "/ws/dashboard/ems_001",
      "/ws/fleet",
    ]) {
      expect(await tryOpenSocket(own.wsUrl + path, { headers })).toMatchObject({ status: 403 });
      expect(await tryOpenSocket(own.wsUrl + path)).toMatchObject({ status: 403 });
    }
    const basic = `Basic ${Buffer.from("admin:basic-secret").toString("base64")}`;
    secrets.push(basic.slice(6));
    for (const authorization of [`Bearer ${wrong}`, basic, wrong]) {
      const request = { headers: { ...headers, authorization, "content-type": "application/json" } };
      await fetch(`${own.url}/api/v1/devices?token=${wrong}`, request);
      await fetch(`${own.url}/api/v1/${wrong}`, request);
      await fetch(`${own.url}/api/v1/devices`, { ...request, method: "POST", body: JSON.stringify({ token: given }) });
      await fetch(`${own.url}/api/v1/devices`, { ...request, method: "POST", body: `{"token":"${wrong}` });
    }
    await runCli(["device", "rotate", "ems_001", "--token-file", "-", "--data-dir", own.dataDir], {
      input: `${wrong}x`,
    });
    await runCli(["device", "revoke", "ems_002", "--data-dir", own.dataDir]);
    secrets.push(
      (await runCli(["api-token", "add", "a", "--role", "viewer", "--data-dir", own.dataDir])).stdout.trim().slice(-52),
    );
    const { code, stdout, stderr } = await own.stop();

    expect(code).toBe(0);
    // The link of a first start is for a person, beside the log.
    expect(stderr).toMatch(/^\nNobody can administer.*\/welcome#wb_\w+\n\nA new one: [^\n]+\n\n$/s);
    for (const secret of secrets) expect(stdout).not.toContain(secret);
    const logs = own.logs();
    for (const line of logs) {
      expect(line).toMatchObject({
        level: expect.stringMatching(/^(debug|info|warn|error)$/),
        msg: expect.any(String),
      });
      expect(Date.parse(String(line.time))).toBeGreaterThan(Date.now() - 60_000);
    }
    const about = (msg: string) => logs.filter((line) => line.msg.startsWith(msg));
    expect(about("device connected")).toMatchObject([
      { device_id: "ems_001", epoch: expect.any(Number), address: "127.0.0.1" },
      { device_id: "ems_002", epoch: expect.any(Number) },
      { device_id: "ems_001", epoch: expect.any(Number), replaced: expect.any(Number) },
    ]);
    expect(about("device disconnected")).toContainEqual(
      expect.objectContaining({ device_id: "ems_002", code: 1008, epoch: about("device connected")[1]?.epoch }),
    );
    expect(about("message dropped")).toMatchObject([{ device_id: "ems_001", code: "invalid_json" }]);
    expect(about("device refused")[0]).toMatchObject({ device_id: "ems_001", code: "forbidden" });
    expect(logs.at(-1)?.msg).toBe("stopped");
  });
});

describe.skipIf(!existsSync(join(wattboardBin, "../../public/index.html")))("the page", () => {
  test("is served with a policy that lets in nothing from elsewhere, at its own addresses too", async () => {
    const page = await fetch(server.url);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    expect(page.headers.get("cache-control")).toBe("no-cache");
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("object-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    const html = await page.text();
    // Nothing that the policy would refuse: no script or style in the page itself.
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>\s*\S|<style|\son\w+=|\sstyle=/);
    for (const [, asset = ""] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      expect([asset, (await fetch(server.url + asset)).status]).toEqual([asset, 200]);
    }
    const deep = await fetch(`${server.url}/devices/ems_001`);
    expect([deep.status, await deep.text()]).toEqual([200, html]);
  });
});

test("what is not there is a 404 with a problem document, and no file outside the page is reached", async () => {
  for (const path of ["/api/v1/nothing", "/api/v2/devices", "/nothing", "/..%2fpackage.json", "/%2e%2e/package.json"]) {
    const response = await fetch(server.url + path);
    expect([path, response.status]).toEqual([path, 404]);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    expect(await response.json()).toMatchObject({ status: 404, code: "not_found", detail: expect.any(String) });
  }
});

describe("a start that cannot be", () => {
  /** One message of what and what to do, exit code 1, and no stack. */
  async function fails(args: readonly string[], ...words: string[]): Promise<void> {
    const { code, stdout, stderr } = await runCli(["serve", "--limits-sockets", "1000", ...args]);
    expect([code, stdout]).toEqual([1, ""]);
    for (const word of words) expect(stderr).toContain(word);
    expect(stderr).toMatch(/^[^\n]+\n$/);
  }

  test("says that the port is taken, and leaves the folder to others", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    const folder = makeFolder();
    await fails(["--port", `${port}`, "--data-dir", folder], `Port ${port} on 127.0.0.1 is taken.`, "--port");
    expect((await runCli(["device", "add", "--create-folder", "a", "--data-dir", folder])).code).toBe(0);
    await fails(
      ["--host", "192.0.2.1", "--insecure", "--data-dir", folder],
      "Cannot listen on 192.0.2.1:8000",
      "--host",
    );
  });

  test("says that another server has the data folder, and leaves that one alone", async () => {
    await fails(
      ["--port=0", "--data-dir", server.dataDir],
      `${server.dataDir} is in use by another Wattboard`,
      "--data-dir",
    );
    expect((await getJson("/readyz")).status).toBe(200);
    expect((await runCli(["device", "list", "--data-dir", server.dataDir])).code).toBe(0);
  });

  test("says that the data folder cannot be written, or is not what it should be", async () => {
    const folder = makeFolder();
    const file = join(folder, "file");
    writeFileSync(file, "");
    await fails(
      ["--port=0", "--data-dir", join(file, "data")],
      `${join(file, "data")} cannot be used`,
      "may write there",
    );
    await fails(["--port=0", "--data-dir", file], `${file} cannot be used`);

    const broken = join(folder, "broken");
    mkdirSync(broken);
    writeFileSync(join(broken, "access.db"), "this is no database, however long one looks at it".repeat(20));
    await fails(["--port=0", "--data-dir", broken], `${join(broken, "access.db")} is damaged`, "not a database");

    const noStore = join(folder, "no-store");
    mkdirSync(join(noStore, "store.db"), { recursive: true });
    await fails(["--port=0", "--data-dir", noStore], join(noStore, "store.db"), "cannot be opened");
  });
});
