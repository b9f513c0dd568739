import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { deviceDetail, events, metric, readiness, storedSamples } from "../support/api.ts";
import { fill, mountDisk, unmountDisk } from "../support/disk.ts";
import { eventually } from "../support/eventually.ts";
import { runCli, runCliHere, runJson, startServe } from "../support/run-cli.ts";
import { openDashboard, openDevice } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

const disk = mountDisk("3m");
if (disk === null) console.warn("SKIPPED: a disk that is full (it needs the right to mount a tmpfs)");
afterAll(() => {
  if (disk !== null) unmountDisk(disk);
});

test.skipIf(disk === null)(
  "a disk that is full: acks stop, live goes on, health says degraded; with room again everything is stored",
  async () => {
    if (disk === null) return;
    const server = await startServer({ dataDir: disk, settings: { "limits.messages_burst": "1000000" } });
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    let power = 0;
    const send = (count: number): void => {
      for (let sent = 0; sent < count; sent++) {
        const noise = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`cell_${at}`, Math.random()]));
        device.send(sampleOf("ems_001", { solar: { power: ++power }, bms: noise }));
      }
    };
    send(10);
    await eventually(async () => expect(await metric(server, "wattboard_stored_samples_total")).toBe(10));

    const makeRoom = fill(disk);
    send(500);
    await dashboard.receive(510);
    await eventually(async () =>
      expect(await readiness(server)).toEqual({ status: "degraded", store: "the disk is full" }),
    );
    const storedWhileFull = await metric(server, "wattboard_stored_samples_total");
    expect(storedWhileFull).toBeLessThan(510);
    expect((await events(server)).map(({ kind }) => kind)).toContain("store_failing");
    expect((await deviceDetail(server, "ems_001")).latest?.telemetry.solar?.power).toBe(510);

    makeRoom();
    await eventually(async () => expect(await readiness(server)).toMatchObject({ status: "ready" }), {
      withinMs: 10_000,
    });
    await eventually(async () => {
      const stored = await storedSamples(server, "ems_001", "limit=10000");
      expect(stored.map(({ telemetry }) => telemetry.solar?.power)).toEqual(
        Array.from({ length: 510 }, (_, at) => at + 1),
      );
    });
    expect(await server.store.verify(() => {})).toEqual({ faults: [], unchecked: 0 });
  },
);

/** Ten kilobytes that stay so in the store. */
function incompressible(): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`note_${at}`, randomBytes(150).toString("base64")]));
}

test.skipIf(disk === null).each(["SIGKILL", "SIGTERM"] as const)(
  "a server that was ended by %s starts on a disk that is full: live goes on, tokens can be taken back for good, and later all is stored",
  async (signal) => {
    if (disk === null) return;
    const dataDir = join(disk, signal);
    const { token: admin } = await runJson<{ token: string }>([
      "api-token",
      "add",
      "--create-folder",
      "script",
      "--role",
      "admin",
      "--data-dir",
      dataDir,
    ]);
    let url = "";
    const start = async () => {
      const serve = await startServe({ dataDir });
      ({ url } = serve);
      return serve;
    };
    const ask = async (method: string, path: string, body?: object) => {
      const response = await fetch(`${url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${admin}`, ...(body && { "content-type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    };
    const isActive = async () => (await ask("GET", "/devices/ems_002")).body.active;

    const first = await start();
    const [token1, token2] = await Promise.all(
      ["ems_001", "ems_002"].map(async (id) => (await ask("POST", "/devices", { device_id: id })).body.token as string),
    );
    await ask("POST", "/api-tokens", { name: "stolen", role: "viewer" });
    const before = await openDevice(first.wsUrl, "ems_001", token1 ?? "");
    before.send(sampleOf("ems_001", { solar: { power: 1 } }));
    await eventually(async () => expect(await metric(first, "wattboard_stored_samples_total")).toBe(1));
    first.process.signal(signal);
    await first.process.exit();

    const makeRoom = fill(disk);
    const second = await start();
    const device = await openDevice(second.wsUrl, "ems_001", token1 ?? "");
    const revoked = await openDevice(second.wsUrl, "ems_002", token2 ?? "");
    const dashboard = await openDashboard(second.wsUrl, "ems_001");
    for (let power = 2; power <= 20; power++) device.send(sampleOf("ems_001", { solar: { power } }));
    await dashboard.receive(19);
    // What a server that was killed has left of its log has room for a little.
    await eventually(async () => {
      device.send(sampleOf("ems_001", { solar: { power: 20 }, site: incompressible() }));
      expect(await readiness(second)).toMatchObject({ status: "degraded" });
    });
    expect(JSON.stringify(await readiness(second))).not.toContain(dataDir);

    expect((await ask("POST", "/devices/ems_002/revoke")).status).toBe(200);
    expect((await ask("DELETE", "/api-tokens/stolen")).status).toBe(200);
    await revoked.closed;
    // What gives rights still needs the record.
    expect((await ask("POST", "/devices/ems_002/rotate", {})).body).toMatchObject({ code: "audit_unavailable" });
    second.process.signal("SIGKILL");
    await second.process.exit();

    const third = await start();
    expect(await isActive()).toBe(false);
    expect((await ask("GET", "/api-tokens")).body.api_tokens).toMatchObject([{ name: "script" }]);
    // The command line of this machine finds the server, too.
    expect(await runCli(["device", "list", "--data-dir", dataDir])).toMatchObject({ code: 0, stderr: "" });
    const again = await openDevice(third.wsUrl, "ems_001", token1 ?? "");
    again.send(sampleOf("ems_001", { solar: { power: 21 } }));
    makeRoom();
    await eventually(async () => expect(await readiness(third)).toEqual({ status: "ready", store: "ok" }), {
      withinMs: 15_000,
    });
    await eventually(async () => {
      const powers = (await storedSamples(third, "ems_001", "limit=10000")).map(
        ({ telemetry }) => telemetry.solar?.power,
      );
      expect([powers[0], powers.at(-1)]).toEqual([1, 21]);
    });
    await eventually(
      async () => {
        for (const action of ["device.revoke", "api_token.remove"]) {
          expect((await ask("GET", `/audit?action=${action}`)).body.audit).toMatchObject([
            { who: "token script", outcome: "done", detail: { done_at: expect.any(String) } },
          ]);
        }
      },
      { withinMs: 15_000 },
    );
    expect((await ask("GET", "/audit/verify")).body).toMatchObject({ whole: true });
    // What was taken back then does not touch what is given since.
    expect((await ask("POST", "/devices/ems_002/rotate", {})).status).toBe(200);
    third.process.signal("SIGKILL");
    await third.process.exit();
    await start();
    expect(await isActive()).toBe(true);
  },
  180_000,
);

test.skipIf(disk === null)(
  "without a server, tokens are taken back for good on a full disk, nothing is given, and the record is made up for",
  async () => {
    if (disk === null) return;
    const dataDir = join(disk, "offline");
    const run = (line: string) => runCliHere([...line.split(" "), "--data-dir", dataDir], { cwd: disk });
    for (const line of [
      "device add ems_001 --create-folder",
      "device add ems_002",
      "api-token add script --role viewer",
    ]) {
      expect(await run(line)).toMatchObject({ code: 0 });
    }
    const makeRoom = fill(disk);
    let given = await run("device rotate ems_002 --overlap 0s");
    // What is left of a log has room for a little.
    for (let tries = 0; given.code === 0 && tries < 200; tries++)
      given = await run("device rotate ems_002 --overlap 0s");
    expect(given).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Make room on the disk of the data folder."),
    });
    expect(await run("device revoke ems_001")).toMatchObject({ code: 0, stderr: "" });
    expect(await run("api-token remove script")).toMatchObject({ code: 0, stderr: "" });
    expect((await run("device list")).stdout).toMatch(/ems_001 .* revoked/);
    makeRoom();
    expect((await run("device list")).stdout).toMatch(/ems_001 .* revoked/);
    expect((await run("api-token list")).stdout).toContain("No API tokens yet.");
    const { stdout } = await run("audit export --format ndjson");
    const rows = stdout
      .trim()
      .split("\n")
      .map((row) => JSON.parse(row) as { action: string; detail: object });
    for (const action of ["device.revoke", "api_token.remove"]) {
      expect(rows.filter((row) => row.action === action)).toMatchObject([
        { who: "local", outcome: "done", detail: { done_at: expect.any(String) } },
      ]);
    }
  },
  180_000,
);
