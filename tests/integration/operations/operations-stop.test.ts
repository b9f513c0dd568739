import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { lockAccessFile } from "../../../packages/server/dist/access/access-file.js";
import { metric, storedSamples } from "../../support/api.ts";
import { eventually, inTime } from "../../support/eventually.ts";
import { RawSocket } from "../../support/raw-socket.ts";
import { CliProcess, makeFolder, runCli, runJson, startServe } from "../../support/run-cli.ts";
import { openDashboard, openDevice, openSocket, type TestSocket, tryOpenSocket } from "../../support/sockets.ts";
import { sampleOf } from "../../support/telemetry.ts";

/** Samples are handed to the store after a minute: whatever is stored before is stored by the stop. */
const lazyStore = "--store-flush-ms=60000";

/** Holds the store's file as another program would, so that the server cannot write to it until the test lets go. */
function lockStore(dataDir: string): () => void {
  const intruder = new DatabaseSync(join(dataDir, "store.db"), { timeout: inTime(5_000) });
  onTestFinished(() => intruder.close());
  intruder.exec("BEGIN IMMEDIATE");
  return () => intruder.exec("ROLLBACK");
}

/** The numbers that were sent as `solar.power`, as they lie in the store of a server started anew on the folder. */
async function storedNumbers(dataDir: string, deviceIds: readonly string[]): Promise<number[][]> {
  const server = await startServe({ dataDir });
  return await Promise.all(
    deviceIds.map(async (id) =>
      numbersOf((await storedSamples(server, id, "limit=10000")).map(({ telemetry }) => telemetry)),
    ),
  );
}

function numbersOf(telemetry: readonly unknown[]): number[] {
  return (telemetry as { solar: { power: number } }[]).map(({ solar }) => solar.power).sort((a, b) => a - b);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

test("SIGTERM under load closes every socket with 1012 and ends with 0, and all that was accepted is stored, once", async () => {
  const server = await startServe({ args: [lazyStore, "--limits-messages-burst=100000"] });
  const ids = ["a", "b", "c", "d"];
  const devices: TestSocket[] = [];
  const dashboards: TestSocket[] = [];
  for (const id of ids) {
    devices.push(await openDevice(server.wsUrl, id, await server.addDevice(id)));
    dashboards.push(await openDashboard(server.wsUrl, id));
  }
  const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
  let sent = 0;
  const pump = setInterval(() => {
    // Sent into the closing sockets too: what is accepted until the very end counts.
    for (let n = 0; n < 10; n++, sent++) {
      for (const [index, device] of devices.entries()) {
        if (device.webSocket.readyState === device.webSocket.OPEN)
          device.send(sampleOf(ids[index] ?? "", { solar: { power: sent } }));
      }
    }
  }, 5);
  onTestFinished(() => clearInterval(pump));
  await Promise.all(dashboards.map((dashboard) => dashboard.receive(300)));
  expect(await metric(server, "wattboard_stored_samples_total")).toBe(0);

  const { code } = await server.stop();
  clearInterval(pump);
  expect(code).toBe(0);
  for (const { closed } of [...devices, ...dashboards, fleet]) {
    expect(await closed).toEqual({ code: 1012, reason: "restarting" });
  }
  expect(existsSync(join(server.dataDir, "control.json"))).toBe(false);

  for (const [index, stored] of (await storedNumbers(server.dataDir, ids)).entries()) {
    // Once each, without a gap, and at least what was shown.
    expect(stored).toEqual(upTo(stored.length));
    expect(stored.length).toBeGreaterThanOrEqual(dashboards[index]?.received.length ?? 0);
  }
});

test("while it drains it says so, lets nobody in, and waits no longer than it must for a peer that does not answer", async () => {
  const server = await startServe();
  const dead = await RawSocket.connect(server.url);
  expect((await dead.handshake("/ws/fleet")).status).toBe(101);
  server.process.signal("SIGTERM");
  expect(await dead.closeFrame()).toEqual({ code: 1012, reason: "restarting" });
  const ready = await fetch(`${server.url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([503, { status: "stopping", store: "ok" }]);
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  const late = await tryOpenSocket(`${server.wsUrl}/ws/fleet`);
  expect(late).toMatchObject({ status: 503, headers: { "retry-after": "5" } });
  expect((await server.process.exit(4_000)).code).toBe(0);
});

test("Ctrl-C is the same, also where the terminal and npm both pass it on: the store may take its time", async () => {
  const server = await startServe({ args: [lazyStore] });
  const device = await openDevice(server.wsUrl, "ems_001", await server.addDevice("ems_001"));
  const dashboard = await openDashboard(server.wsUrl, "ems_001");
  for (const number of upTo(50)) device.send(sampleOf("ems_001", { solar: { power: number } }));
  await dashboard.receive(50);
  const release = lockStore(server.dataDir);
  server.process.signal("SIGINT");
  server.process.signal("SIGINT");
  await eventually(() => expect(server.process.stdout).toContain("store_failing"));
  release();
  expect((await server.process.exit()).code).toBe(0);
  expect(await storedNumbers(server.dataDir, ["ems_001"])).toEqual([upTo(50)]);
});

test("a store that never answers keeps the server no longer than 10 s, and the loss is told; a second signal ends it at once", async () => {
  const open = async () => {
    const server = await startServe({ args: [lazyStore] });
    const device = await openDevice(server.wsUrl, "ems_001", await server.addDevice("ems_001"));
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    device.send(sampleOf("ems_001"));
    await dashboard.receive(1);
    lockStore(server.dataDir);
    return server;
  };
  const [patient, hurried] = await Promise.all([open(), open()]);

  const ended = patient.stop();
  hurried.process.signal("SIGTERM");
  const again = setInterval(() => hurried.process.signal("SIGTERM"), 100);
  onTestFinished(() => clearInterval(again));
  expect((await hurried.process.exit(3_000)).code).toBe(1);

  expect((await ended).code).toBe(0);
  expect(patient.logs()).toContainEqual(expect.objectContaining({ level: "error", unstored: 1 }));
  // What was stored before is not hurt, and the folder is free.
  expect((await startServe({ dataDir: patient.dataDir })).url).toMatch(/^http/);
});

test("SIGTERM while it starts ends it in order, and the next start finds everything free", async () => {
  const folder = makeFolder();
  const starting = new CliProcess(["serve", "--port=0", `--data-dir=${folder}`]);
  await eventually(() => expect(existsSync(join(folder, "access.db"))).toBe(true));
  starting.signal("SIGTERM");
  const { code, stderr } = await starting.exit();
  expect([code, stderr]).toEqual([0, ""]);
  expect(existsSync(join(folder, "control.json"))).toBe(false);
  expect((await (await startServe({ dataDir: folder })).stop()).code).toBe(0);
});

test("after kill -9 what was stored is there, the folder is free, and the command line does not trust what was left behind", async () => {
  const killed = await startServe();
  const token = await killed.addDevice("ems_001");
  const device = await openDevice(killed.wsUrl, "ems_001", token);
  for (const number of upTo(100)) device.send(sampleOf("ems_001", { solar: { power: number } }));
  await eventually(async () => expect(await metric(killed, "wattboard_stored_samples_total")).toBe(100));
  const at = ["--data-dir", killed.dataDir];
  expect(await runCli(["serve", "--port=0", ...at])).toMatchObject({ code: 1 });
  killed.process.signal("SIGKILL");
  await killed.process.exited;
  expect(existsSync(join(killed.dataDir, "control.json"))).toBe(true);

  expect(await runJson(["device", "list", ...at])).toMatchObject([{ device_id: "ems_001", online: false }]);
  const next = await startServe({ dataDir: killed.dataDir });
  expect(next.url).not.toBe(killed.url);
  const dashboard = await openDashboard(next.wsUrl, "ems_001");
  expect(numbersOf((await dashboard.receive(1)).map((text) => JSON.parse(text)))).toEqual([99]);
  expect(numbersOf((await storedSamples(next, "ems_001")).map(({ telemetry }) => telemetry))).toEqual(upTo(100));
  await openDevice(next.wsUrl, "ems_001", token);
  expect(await runJson(["device", "list", ...at])).toMatchObject([{ device_id: "ems_001", online: true }]);
});

test("commands sent while the server starts or stops wait for it, and none is lost", async () => {
  const folder = makeFolder();
  const starting = startServe({ dataDir: folder });
  const ids = ["a", "b", "c"];
  const added = await Promise.all(
    ids.map((id) => runCli(["device", "add", "--create-folder", id, "--data-dir", folder])),
  );
  expect(added.map(({ code, stderr }) => [code, stderr])).toEqual(ids.map(() => [0, ""]));
  const server = await starting;
  server.process.signal("SIGTERM");
  const removed = await runCli(["device", "remove", "a", "--data-dir", folder]);
  expect([removed.code, removed.stderr]).toEqual([0, ""]);
  expect(await runJson<object[]>(["device", "list", "--data-dir", folder])).toMatchObject([
    { device_id: "b" },
    { device_id: "c" },
  ]);
});

test("a command that finds a server's address, and nobody there any more, waits for whoever has the folder next", async () => {
  const { dataDir, process: server } = await startServe();
  const controlFile = join(dataDir, "control.json");
  const control = readFileSync(controlFile);
  server.signal("SIGTERM");
  await server.exited;
  // As it is read by a command that then loses the race against the stop.
  const lock = lockAccessFile(dataDir);
  writeFileSync(controlFile, control);
  const adding = new CliProcess(["device", "add", "--create-folder", "a", "--data-dir", dataDir], {
    env: { NODE_DEBUG: "net" },
  });
  await eventually(() => expect(adding.stderr).toContain("afterConnect"));
  lock.close();
  expect((await adding.exited).code).toBe(0);
  expect(await runJson(["device", "list", "--data-dir", dataDir])).toMatchObject([{ device_id: "a" }]);
});
