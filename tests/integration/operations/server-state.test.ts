import { copyFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BackupsBody, DeviceLinesBody, ExportsBody, ServerBody, WaitingDevicesBody } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { makeCertificate, opensslPath } from "../../support/certificate.ts";
import { eventually } from "../../support/eventually.ts";
import { storePast } from "../../support/history.ts";
import { mixed } from "../../support/mixed-samples.ts";
import { needs } from "../../support/needs.ts";
import { createAdministrator, forPeople, invite } from "../../support/people.ts";
import { makeFolder, runCliHere } from "../../support/run-cli.ts";
import { openSolMate, update } from "../../support/smart-os.ts";
import { openDevice } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

test("the server tells how it does, by the API and by the command line", async () => {
  const server = await startServer(forPeople);
  const admin = await createAdministrator(server);
  const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  server.addDevice("ems_002");
  device.send(sampleOf("ems_001"));
  device.send("no JSON");
  const state = await eventually(async () => {
    const body = await admin.json<ServerBody>("GET", "/server");
    expect(body.live).toMatchObject({ accepted: 1, dropped: 1 });
    expect(body.store.stored_at).not.toBeNull();
    return body;
  });
  expect(state).toMatchObject({ status: "ready", fault: null, data_dir: server.dataDir, certificates: [] });
  expect(state.links).toMatchObject({ devices: 2, devices_online: 1, dashboards: 0 });
  expect(state.store.description).toContain("SQLite");
  expect(state.disk.free_bytes).toBeGreaterThan(0);
  const told = await runCliHere(["status", "--data-dir", server.dataDir]);
  expect(told).toMatchObject({ code: 0, stdout: expect.stringContaining("Devices       1 of 2 connected") });
  const json = await runCliHere(["status", "--json", "--data-dir", server.dataDir]);
  expect((JSON.parse(json.stdout) as ServerBody).version).toBe(state.version);
  const nobody = await runCliHere(["status", "--data-dir", makeFolder()]);
  expect(nobody.code).not.toBe(0);
});

needs("openssl", opensslPath !== null)("where the server speaks TLS", () => {
  test("it tells how long its certificate counts, and of another one once that is in use", async () => {
    const folder = makeFolder();
    const { cert, key } = makeCertificate(folder, "localhost");
    const server = await startServer({ settings: { "tls.cert": cert, "tls.key": key } });
    const certificate = async (): Promise<string> => {
      const { stdout } = await runCliHere(["status", "--json", "--data-dir", server.dataDir]);
      const [{ subject, days_left } = { subject: "", days_left: 0 }] = (JSON.parse(stdout) as ServerBody).certificates;
      return `${subject} ${days_left}`;
    };
    expect(await certificate()).toBe("CN=localhost 1");
    const other = makeCertificate(folder, "board.example.org");
    copyFileSync(other.cert, cert);
    copyFileSync(other.key, key);
    expect(await certificate()).toBe("CN=localhost 1");
    server.reload();
    expect(await certificate()).toBe("CN=board.example.org 1");
  });
});

test("a backup is listed, verified, fetched as one file that a restore takes, and gone an hour after", async () => {
  const clock = new ManualClock();
  const server = await startServer({ ...forPeople, clock });
  const admin = await createAdministrator(server);
  server.addDevice("ems_001");
  await storePast(server.store, mixed);
  const list = () => admin.json<BackupsBody>("GET", "/backups");
  expect(await list()).toEqual({ making: null, backups: [] });
  expect((await admin.ask("POST", "/backups/nothing/verify")).status).toBe(404);
  const { backup_id: id } = lastLine(await (await admin.ask("POST", "/backups")).text()) as { backup_id: string };
  const [made] = (await list()).backups;
  expect(made).toMatchObject({ backup_id: id, note: null });
  expect(made?.samples).toBeGreaterThan(0);
  const verify = async () => lastLine(await (await admin.ask("POST", `/backups/${id}/verify`)).text());
  expect(await verify()).toEqual({ faults: [] });

  const tar = join(makeFolder(), "backup.tar");
  const answer = await admin.ask("GET", `/backups/${id}/tar`);
  expect(answer.headers.get("content-disposition")).toMatch(/wattboard-backup-.+\.tar"/);
  writeFileSync(tar, new Uint8Array(await answer.arrayBuffer()));
  const restored = join(makeFolder(), "data");
  expect(await runCliHere(["restore", tar, "--data-dir", restored])).toMatchObject({ code: 0 });

  const [folder = ""] = readdirSync(join(server.dataDir, "tmp"));
  const store = join(server.dataDir, "tmp", folder, "store.db");
  const bytes = readFileSync(store);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  writeFileSync(store, bytes);
  expect(await verify()).toEqual({ faults: ["store.db is damaged: its checksum is not the manifest's"] });
  truncateSync(store, 100);
  expect(await verify()).toEqual({
    faults: [expect.stringMatching(/^store\.db has 100 bytes, and the manifest says/)],
  });
  rmSync(store);
  expect(await verify()).toEqual({ faults: [expect.stringMatching(/^store\.db cannot be read/)] });

  clock.advance(59 * 60_000);
  expect((await list()).backups).toHaveLength(1);
  await eventually(async () => {
    clock.advance(60_000);
    expect(await list()).toEqual({ making: null, backups: [] });
  });
});

test("whoever exports follows their own exports, and an administrator all of them", async () => {
  const server = await startServer(forPeople);
  const admin = await createAdministrator(server);
  server.addDevice("ems_001");
  await storePast(server.store, mixed);
  const ann = await invite(admin, "ann", { role: "viewer", devices: ["ems_001"] });
  const ben = await invite(admin, "ben", { role: "viewer", devices: null });
  const file = await (await ann.ask("GET", "/export?device=ems_001&from=2026-01-31T12:00:00Z")).text();
  const exportsOf = async (who: typeof ann) => (await who.json<ExportsBody>("GET", "/exports")).exports;
  await eventually(async () => {
    expect(await exportsOf(ann)).toMatchObject([
      { by: "person ann", device_id: "ems_001", outcome: "done", bytes: Buffer.byteLength(file), left_out: "" },
    ]);
  });
  expect(await exportsOf(ben)).toEqual([]);
  expect(await exportsOf(admin)).toHaveLength(1);
});

test("the lines for a device name the address at which people reach the server, and not its token", async () => {
  const server = await startServer({ settings: { ...forPeople.settings, public_url: "https://board.example.org" } });
  const admin = await createAdministrator(server);
  const token = server.addDevice("ems_001");
  const body = await admin.json<DeviceLinesBody>("GET", "/devices/ems_001/lines");
  expect(body.socket_url).toBe("wss://board.example.org/ws/device/ems_001");
  expect(body.env).toBe("DEVICE_ID=ems_001\nWATTBOARD_URL=https://board.example.org");
  expect(body.lines.map(({ title }) => title)).toEqual(["Python", "Node", "Shell", "curl"]);
  expect(JSON.stringify(body)).not.toContain(token);
  const other = await startServer(forPeople);
  other.addDevice("ems_001");
  const otherBody = await (await createAdministrator(other)).json<DeviceLinesBody>("GET", "/devices/ems_001/lines");
  expect(otherBody.url).toBe(other.url);
});

test("a SolMate that was refused is listed no more, however often it asks, until the server is started anew", async () => {
  const settings = { ...forPeople.settings, "smart_os.access": "open" };
  const server = await startServer({ settings });
  const admin = await createAdministrator(server);
  const waiting = async () =>
    (await admin.json<WaitingDevicesBody>("GET", "/smart-os/waiting")).waiting.map(({ device_id }) => device_id);
  const solmate = await openSolMate(server.wsUrl);
  const ask = () => solmate.send(update("0001", { Live: { pv_power: 100 } }));
  ask();
  await eventually(async () => expect(await waiting()).toEqual(["0001"]));
  const refused = await runCliHere(["device", "refuse", "0001", "--data-dir", server.dataDir]);
  expect(refused).toMatchObject({ code: 0, stdout: "Refused: 0001.\n" });
  ask();
  solmate.send(update("0002", { Live: { pv_power: 100 } }));
  await eventually(async () => expect(await waiting()).toEqual(["0002"]));
  expect((await admin.ask("DELETE", "/smart-os/waiting/0001")).status).toBe(404);
  expect((await admin.ask("POST", "/smart-os/waiting/0001/accept")).status).toBe(404);
});

/** The result of what told its progress line by line. */
function lastLine(text: string): unknown {
  return JSON.parse(text.trimEnd().split("\n").at(-1) ?? "");
}
