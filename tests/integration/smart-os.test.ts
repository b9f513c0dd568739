import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { WaitingDeviceBody } from "@wattboard/protocol";
import { runSolMates } from "@wattboard/simulator";
import { describe, expect, test } from "vitest";
import { ManualClock } from "wattboard";
import { deviceDetail, metric, samplesCounted, storedSamples } from "../support/api.ts";
import { callerOf } from "../support/commands.ts";
import { eventually } from "../support/eventually.ts";
import { createAdministrator, invite } from "../support/people.ts";
import { runCli, runJson, startServe } from "../support/run-cli.ts";
import { ask, openDoors, openSolMate, openWebClient, query } from "../support/smart-os.ts";
import { openDashboard, openDevice, openSocket, tryOpenSocket } from "../support/sockets.ts";
import { startServer, temporaryFolder } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

const update = (serial: string, body: object, id = "0001") => ({
  type: "UPDT",
  message: `${id}:${serial}:${JSON.stringify(body)}`,
});
const said = (header: string, outcome: string) => `{"type": "INFO", "message": "${header}:${outcome}"}`;

describe("who may come in", () => {
  test("the doors are closed unless opened, and say what opens them", async () => {
    const server = await startServer();
    for (const path of ["/update/", "/client/"]) {
      expect(await tryOpenSocket(server.wsUrl + path)).toMatchObject({
        status: 404,
        body: expect.stringContaining("smart_os.access"),
      });
    }
  });

  test("with tokens: no token is refused in the handshake, a wrong one with ERROR, the right one is let in", async () => {
    const server = await startServer({ settings: { "smart_os.access": "token" } });
    const token = server.addDevice("0001");
    const other = server.addDevice("0002");
    expect(await tryOpenSocket(`${server.wsUrl}/update/`)).toMatchObject({ status: 403 });
    const wrong = await openSolMate(server.wsUrl, { headers: { authorization: `Bearer ${other}` } });
    expect(await ask(wrong, update("0001", { battery: 50 }))).toBe(said("0001:0001", "ERROR"));
    const right = await openSolMate(server.wsUrl, { headers: { authorization: `Bearer ${token}` } });
    expect(await ask(right, update("0001", { battery: 50 }))).toBe(said("0001:0001", "OK"));
    expect((await deviceDetail(server, "0001")).accepted).toBe(1);
  });

  test("an open door does not let anyone play a device that has a token and speaks the other dialect", async () => {
    const server = await startServer({ settings: openDoors });
    const token = server.addDevice("ems_001");
    const device = await openDevice(server.wsUrl, "ems_001", token);
    const thief = await openSolMate(server.wsUrl);
    expect(await ask(thief, update("ems_001", { battery: 1 }))).toBe(said("0001:ems_001", "ERROR"));
    expect(device.webSocket.readyState).toBe(device.webSocket.OPEN);
    const owner = await openSolMate(server.wsUrl, { headers: { authorization: `Bearer ${token}` } });
    expect(await ask(owner, update("ems_001", { battery: 50 }))).toBe(said("0001:ems_001", "OK"));
    expect(await device.closed).toEqual({ code: 1008, reason: "replaced" });
  });

  test("a page of another site can neither play a device nor watch", async () => {
    const server = await startServer({ settings: openDoors });
    const headers = { origin: "https://evil.example" };
    for (const path of ["/update/", "/client/"]) {
      expect(await tryOpenSocket(server.wsUrl + path, { headers })).toMatchObject({ status: 403 });
    }
  });

  test("a revoked device stays out, also by the open door", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, update("0001", { battery: 50 }));
    const admin = callerOf(server, "admin");
    expect((await admin.post("/devices/0001/revoke", {})).status).toBe(200);
    expect(await solMate.closed).toEqual({ code: 1008, reason: "revoked" });
    const again = await openSolMate(server.wsUrl);
    expect(await ask(again, update("0001", { battery: 50 }))).toBe(said("0001:0001", "ERROR"));
  });

  test("hundreds that come at once are registered, each once, and what they sent meanwhile is taken in order", async () => {
    const server = await startServer({ settings: openDoors });
    const serials = Array.from({ length: 300 }, (_, at) => String(at + 1).padStart(4, "0"));
    const all = await Promise.all(serials.map(() => openSolMate(server.wsUrl)));
    for (const [at, socket] of all.entries()) {
      for (const battery of [10, 20, 30]) socket.send(update(serials[at] as string, { battery }));
    }
    await Promise.all(all.map((socket) => socket.receive(3)));
    for (const [at, socket] of all.entries()) {
      expect(socket.received).toEqual(Array(3).fill(said(`0001:${serials[at]}`, "OK")));
    }
    expect(server.devices.list()).toHaveLength(serials.length);
    expect((await deviceDetail(server, "0300")).latest?.telemetry.battery?.soc).toBe(30);
    const added = server.audit.list({ action: "device.add" }, 1_000);
    expect(added.map(({ deviceId }) => deviceId).sort()).toEqual(serials);
    await server.stop();
    const again = await startServer({ dataDir: server.dataDir });
    expect(again.devices.list().map(({ deviceId }) => deviceId)).toEqual(serials);
  });

  test("auto-registration ends at its bound; who comes later waits", async () => {
    const server = await startServer({ settings: { ...openDoors, "smart_os.registered_max": "2" } });
    const answers: string[] = [];
    for (const serial of ["0001", "0002", "0003"]) {
      answers.push(await ask(await openSolMate(server.wsUrl), update(serial, { battery: 5 })));
    }
    expect(answers).toEqual([said("0001:0001", "OK"), said("0001:0002", "OK"), said("0001:0003", "ERROR")]);
    const { waiting } = await callerOf(server, "admin").get<{ waiting: WaitingDeviceBody[] }>("/smart-os/waiting");
    expect(waiting).toMatchObject([{ device_id: "0003", messages: 1 }]);
  });
});

describe("waiting devices", () => {
  test("are listed, accepted with one request, and let in on the same socket", async () => {
    const server = await startServer({ settings: { "smart_os.access": "open" } });
    const admin = callerOf(server, "admin");
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, update("0001", { battery: 50 }));
    await ask(solMate, update("0001", { battery: 51 }));
    const { waiting } = await admin.get<{ waiting: WaitingDeviceBody[] }>("/smart-os/waiting");
    expect(waiting).toMatchObject([{ device_id: "0001", messages: 2, address: "127.0.0.1" }]);
    expect((await admin.post("/smart-os/waiting/0001/accept", {})).status).toBe(201);
    expect((await admin.post("/smart-os/waiting/0001/accept", {})).status).toBe(404);
    expect(await admin.get("/smart-os/waiting")).toEqual({ waiting: [] });
    expect(await ask(solMate, update("0001", { battery: 52 }))).toBe(said("0001:0001", "OK"));
    const { audit } = await admin.get<{ audit: object[] }>("/audit?action=device.accept&device=0001");
    expect(audit).toMatchObject([{ outcome: "not_found" }, { outcome: "done", who: "token admin" }]);
  });

  test("are for administrators alone", async () => {
    const server = await startServer({ settings: { "smart_os.access": "open" } });
    for (const path of ["/api/v1/smart-os/waiting"]) expect((await fetch(server.url + path)).status).toBe(401);
    const operator = callerOf(server, "operator");
    expect((await operator.post("/smart-os/waiting/0001/accept", {})).status).toBe(403);
  });

  test("can be accepted by the command line", async () => {
    const serve = await startServe({ args: ["--smart-os-access=open"] });
    for (const serial of ["0001", "0002"]) await ask(await openSolMate(serve.wsUrl), update(serial, { battery: 5 }));
    const target = ["--data-dir", serve.dataDir];
    expect((await runCli(["device", "waiting", ...target])).stdout).toMatch(/0002 .*127\.0\.0\.1/);
    const accepted = await runJson<{ device_id: string }[]>(["device", "accept", "--all", ...target]);
    expect(accepted.map((each) => each.device_id).sort()).toEqual(["0001", "0002"]);
    expect((await runCli(["device", "accept", "0009", ...target])).stderr).toContain(
      "No device of this serial number waits",
    );
    expect((await runCli(["device", "waiting", ...target])).stdout).toBe("No device waits.\n");
    await runJson(["device", "set", "0001", "--property", "site=harbour", ...target]);
    expect((await deviceDetail(serve, "0001")).properties).toEqual({ dialect: "smart-os", site: "harbour" });
  });
});

describe("one device, one connection", () => {
  test("a newer link takes over, the older one is closed with 1008, and the device goes on", async () => {
    const server = await startServer({ settings: openDoors });
    const older = await openSolMate(server.wsUrl);
    await ask(older, update("0001", { battery: 50 }));
    const newer = await openSolMate(server.wsUrl);
    expect(await ask(newer, update("0001", { power_income: 10 }))).toBe(said("0001:0001", "OK"));
    expect(await older.closed).toEqual({ code: 1008, reason: "replaced" });
    // What the older link said a moment ago still holds.
    expect((await deviceDetail(server, "0001")).latest?.telemetry).toMatchObject({
      battery: { soc: 50 },
      solar: { power: 10 },
    });
  });

  test("clones that fight are contained: the connected one stays, and the other gets ERROR", async () => {
    const server = await startServer({ settings: { ...openDoors, "takeover.max": "2" } });
    const links = [];
    const answers: string[] = [];
    for (let round = 0; round < 4; round++) {
      const link = await openSolMate(server.wsUrl);
      answers.push(await ask(link, update("0001", { battery: round })));
      links.push(link);
    }
    expect(answers).toEqual([...Array(3).fill(said("0001:0001", "OK")), said("0001:0001", "ERROR")]);
    expect(await ask(links[2] as (typeof links)[0], update("0001", { battery: 9 }))).toBe(said("0001:0001", "OK"));
  });

  test("a link is one device's: another serial number on it is refused, and counted", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, update("0001", { battery: 50 }));
    expect(await ask(solMate, update("0002", { battery: 50 }))).toBe(said("0001:0002", "ERROR"));
    expect(await ask(solMate, update("0001", { serial_number: "0002" }))).toBe(said("0001:0001", "ERROR"));
    expect((await deviceDetail(server, "0001")).dropped).toEqual({ wrong_device: 2 });
    expect(server.devices.find("0002")).toBeUndefined();
  });
});

describe("what is kept", () => {
  test("a sample holds what the device said before, until it has been away for five minutes", async () => {
    const clock = new ManualClock(Date.UTC(2026, 6, 1, 9));
    // Nobody answers pings while an hour passes at once.
    const server = await startServer({ clock, settings: { ...openDoors, "heartbeat.ping_ms": "86400000" } });
    const first = await openSolMate(server.wsUrl);
    await ask(first, update("0001", { battery: 50, power_income: 100 }));
    clock.advance(3_600_000);
    await ask(first, update("0001", { power_income: 110 }));
    expect((await deviceDetail(server, "0001")).latest?.telemetry).toMatchObject({ battery: { soc: 50 } });
    clock.advance(5 * 60_000 + 1);
    const second = await openSolMate(server.wsUrl);
    await ask(second, update("0001", { power_income: 120 }));
    expect((await deviceDetail(server, "0001")).latest?.telemetry).not.toHaveProperty("battery");
  });

  test("a silent device rests while it is connected, for an hour; then it is stale, and offline when it is gone", async () => {
    const clock = new ManualClock(Date.UTC(2026, 6, 1, 9));
    const server = await startServer({ clock, settings: { ...openDoors, "heartbeat.ping_ms": "86400000" } });
    const every = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    every.send(sampleOf("ems_001", { timestamp: new Date(clock.wallMs()).toISOString() }));
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, update("0001", { battery: 50 }));
    const stands = async () => {
      const standings = await Promise.all(
        ["ems_001", "0001"].map(async (id) => (await deviceDetail(server, id)).standing),
      );
      const latest = await fetch(`${server.url}/api/v1/devices/0001/latest`);
      expect((await latest.json()) as object).toMatchObject({ standing: standings[1] });
      return standings;
    };
    await eventually(async () => expect(await stands()).toEqual(["live", "live"]));
    clock.advance(10_000);
    expect(await stands()).toEqual(["fading", "resting"]);
    clock.advance(50 * 60_000);
    expect(await stands()).toEqual(["stale", "resting"]);
    clock.advance(10 * 60_000);
    expect(await stands()).toEqual(["stale", "stale"]);
    await ask(solMate, update("0001", { battery: 51 }));
    expect(await stands()).toEqual(["stale", "live"]);
    solMate.webSocket.close();
    await eventually(async () => expect(await stands()).toEqual(["stale", "offline"]));
  });

  test("a battery that was at 350 is no percentage, and nothing is lost", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = await openSolMate(server.wsUrl);
    const shown = async () => (await deviceDetail(server, "0001")).latest?.telemetry as unknown;
    await ask(solMate, update("0001", { battery: 80 }));
    expect(await shown()).toMatchObject({ battery: { soc: 80 } });
    await ask(solMate, update("0001", { battery: 350 }));
    expect(await shown()).toMatchObject({ battery: { soc: null }, smart_os: { battery: 350 } });
    await ask(solMate, update("0001", { battery: 80, power_income: -3_000, power_consumption: "n/a" }));
    expect(await shown()).toMatchObject({
      battery: { soc: null },
      solar: { power: null },
      smart_os: { battery: 80, power_income: -3_000, power_consumption: "n/a" },
    });
    await ask(solMate, update("0001", { power_income: 3 }));
    expect(await shown()).toMatchObject({ solar: { power: 3 }, smart_os: { battery: 80 } });
    expect((await openWebClient(server.wsUrl)).dataset).toMatchObject([
      { battery: 80, power_income: 3, power_consumption: "n/a" },
    ]);
  });

  test("properties and the last sample are there again after a restart", async () => {
    const dataDir = temporaryFolder();
    const first = await startServer({ dataDir, settings: openDoors });
    const solMate = await openSolMate(first.wsUrl);
    await ask(solMate, update("0001", { postcode: 7445, software_version: "v2.0", battery: 350, colour: "red" }));
    await first.stop();
    const second = await startServer({ dataDir, settings: openDoors });
    expect((await openWebClient(second.wsUrl)).dataset).toMatchObject([
      { serial_number: "0001", postcode: "7445", software_version: "v2.0", battery: 350, colour: "red" },
    ]);
  });

  test("a device cannot say of itself what only an administrator may, nor more than 32 things", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = await openSolMate(server.wsUrl);
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`text_${at}`, "x"]));
    const answer = await ask(
      solMate,
      update("0001", { site: "harbour", peers: "site", simulated: "true", dialect: "x", country: "AT", ...many }),
    );
    expect(answer).toBe(said("0001:0001", "OK"));
    const { properties } = await deviceDetail(server, "0001");
    expect(properties).toMatchObject({ dialect: "smart-os", country: "AT", text_30: "x" });
    expect(Object.keys(properties)).toHaveLength(33);
    expect(properties).not.toHaveProperty("site");
  });

  test("points that nobody knows are kept too, up to their bound", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = await openSolMate(server.wsUrl);
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`value_${at}`, at]));
    expect(await ask(solMate, update("0001", many))).toBe(said("0001:0001", "OK"));
    expect(await ask(solMate, update("0001", { value_1: 7 }))).toBe(said("0001:0001", "OK"));
    const { telemetry } = (await deviceDetail(server, "0001")).latest ?? {};
    const section = (telemetry as unknown as { smart_os: object }).smart_os;
    expect(Object.keys(section)).toHaveLength(48);
    expect(section).toMatchObject({ value_1: 7, value_47: 47 });
    await eventually(async () => {
      const samples = await storedSamples(server, "0001");
      expect(samples.at(-1)?.telemetry).toMatchObject({ smart_os: { value_1: 7 } });
    });
  });
});

describe("web clients", () => {
  test("see the devices of both dialects, and their updates", async () => {
    const server = await startServer({ settings: openDoors });
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, update("0001", { battery: 40 }));
    device.send(sampleOf("ems_001", { solar: { power: 420 } }));
    await dashboard.receive(1);
    const client = await openWebClient(server.wsUrl);
    expect(client.dataset).toMatchObject([
      { serial_number: "0001", battery: 40 },
      {
        serial_number: "ems_001",
        battery: 85,
        power_income: 420,
        "grid.power": -200,
        "system_status.state": "CHARGING",
      },
    ]);
    device.send(sampleOf("ems_001", { solar: { power: 421 } }));
    const [frame = ""] = await client.receive(1);
    expect(JSON.parse(frame).type).toBe("UPDT");
    expect(JSON.parse(frame).message).toMatch(/^0001:ems_001:\{"power_income":421,/);
    expect(await query(client, ["filter:grid.power:<:0"])).toHaveLength(1);
  });

  test("a malformed query is answered with what is wrong, and the connection stays", async () => {
    const server = await startServer({ settings: openDoors });
    const client = await openWebClient(server.wsUrl);
    const answers = [];
    for (const frame of ["nonsense", '{"type":"UPDT","message":[]}', { type: "FILT", message: ["filter:x"] }, "[]"]) {
      answers.push(JSON.parse(await ask(client, frame)));
    }
    expect(answers).toEqual([
      { type: "INFO", message: 'ERROR: a query is JSON: {"type":"FILT","message":["filter:serial_number:=:0"]}' },
      { type: "INFO", message: 'ERROR: type must be "FILT"' },
      { type: "INFO", message: 'ERROR: "filter:x" is neither filter:NAME:OPERATOR:VALUE nor sort:NAME:<:abc' },
      { type: "INFO", message: 'ERROR: type must be "FILT"' },
    ]);
    expect(await query(client, [])).toEqual([]);
  });

  test("where dashboards are for people: nobody is refused, and each sees and is told of their own devices only", async () => {
    const server = await startServer({ settings: { ...openDoors, "access.dashboards": "people" } });
    const admin = await createAdministrator(server);
    const [mine, theirs] = [await openSolMate(server.wsUrl), await openSolMate(server.wsUrl)];
    await ask(mine, update("0001", { battery: 1 }));
    await ask(theirs, update("0002", { battery: 2 }));
    expect(await tryOpenSocket(`${server.wsUrl}/client/`)).toMatchObject({ status: 403 });
    const owner = await invite(admin, "anna", { role: "viewer", devices: ["0001"] });
    const client = await openWebClient(server.wsUrl, { headers: owner.handshake });
    expect(client.dataset).toMatchObject([{ serial_number: "0001" }]);
    await ask(theirs, update("0002", { battery: 3 }));
    await ask(mine, update("0001", { battery: 4 }));
    expect((await client.receive(1)).map((frame) => JSON.parse(frame).message)).toEqual(['0001:0001:{"battery":4}']);
    expect(await query(client, ["filter:serial_number:=:0"])).toMatchObject([{ serial_number: "0001" }]);
    // The right is taken away while the socket is open.
    await admin.json("PATCH", "/people/anna", { devices: [] });
    expect(await client.closed).toEqual({ code: 1008, reason: "rights changed" });
    const token = callerOf(server, "viewer").token;
    const all = await openWebClient(server.wsUrl, { headers: { authorization: `Bearer ${token}` } });
    expect(all.dataset).toHaveLength(2);
  });

  /** A server with devices `00000` and so on. Registered one by one, each of them on disk, they would take most of the test's time. */
  async function startWithFleet(count: number, settings: Readonly<Record<string, string>>) {
    const dataDir = temporaryFolder();
    await (await startServer({ dataDir })).stop();
    const file = new DatabaseSync(join(dataDir, "access.db"));
    file.exec(
      `WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < ${count - 1})
       INSERT INTO device (device_id, name, properties, created_at_ms) SELECT printf('%05d', n), n, '{}', 0 FROM number`,
    );
    file.close();
    return await startServer({ dataDir, settings });
  }

  test("ten thousand devices come in one frame", async () => {
    const server = await startWithFleet(10_000, openDoors);
    const client = await openWebClient(server.wsUrl);
    expect(client.dataset).toHaveLength(10_000);
    expect(await query(client, ["filter:serial_number:^:0999", "sort:serial_number:>:abc"])).toHaveLength(10);
  });

  test("while the first dataset is made, which takes many turns, no update is missed, and none comes before it", async () => {
    const settings = { ...openDoors, "limits.messages_burst": "1000000", "limits.messages_per_second": "1000000" };
    const server = await startWithFleet(5_000, settings);
    // Between the others, so that its row is made somewhere in the middle.
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, update("02500x", { charged: 0 }));
    let sent = 0;
    const sending = setInterval(() => solMate.send(update("02500x", { charged: ++sent })), 0);
    const client = await openSocket(`${server.wsUrl}/client/`);
    await eventually(() => expect(client.received.length).toBeGreaterThan(100));
    clearInterval(sending);
    await eventually(() => expect(client.received.at(-1)).toContain(`{\\"charged\\":${sent}}`));
    const [, first = "", ...updates] = client.received;
    const row = (JSON.parse(first) as { message: Record<string, unknown>[] }).message[2_501];
    const told = updates.map((text) => Number(/charged\D+(\d+)/.exec(text)?.[1]));
    expect(row).toMatchObject({ serial_number: "02500x" });
    expect(told[0]).toBeLessThanOrEqual(Number(row?.charged) + 1);
    expect(told).toEqual(told.map((_, at) => Number(told[0]) + at));
  });
});

describe("general.log", () => {
  test("has every message towards the SMART-OS doors, without secrets, in a file of bounded size", async () => {
    const clock = new ManualClock(Date.UTC(2026, 6, 1, 9));
    const settings = { ...openDoors, "log.general_bytes": "262144", "limits.messages_burst": "1000000" };
    const server = await startServer({ clock, settings });
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, `{'type': 'UPDT', 'message': '0001:0001:{"battery": 7, "api_token": "wb_verysecrettoken0"}'}`);
    await ask(solMate, update("0001", { wifi_password: "hunter2", note: "two" }));
    const client = await openWebClient(server.wsUrl);
    await query(client, ["filter:serial_number:=:00"]);
    const path = join(server.dataDir, "general.log");
    const lines = await eventually(() => {
      clock.advance(250);
      const written = readFileSync(path, "utf8").trimEnd().split("\n");
      expect(written).toHaveLength(3);
      return written;
    });
    expect(lines[0]).toMatch(/^2026-07-01T09:00:00.000Z update 127\.0\.0\.1 \{'type': 'UPDT'/);
    expect(lines[2]).toMatch(/ client 127\.0\.0\.1 \{"type":"FILT"/);
    expect(lines.join()).not.toMatch(/verysecret|hunter2/);
    expect(lines.join()).toContain('battery": 7');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const long = "x".repeat(200);
    for (let sent = 0; sent < 3_000; sent++) {
      solMate.send(update("0001", { note: long, sent }));
      if (sent % 300 === 0) {
        await solMate.receive(sent);
        clock.advance(250);
      }
    }
    await solMate.receive(3_002);
    clock.advance(250);
    await eventually(() => {
      const files = readdirSync(server.dataDir).filter((name) => name.startsWith("general.log"));
      expect(files.sort()).toEqual(["general.log", "general.log.1"]);
      const bytes = files.reduce((sum, name) => sum + statSync(join(server.dataDir, name)).size, 0);
      expect(bytes).toBeGreaterThan(50_000);
      expect(bytes).toBeLessThanOrEqual(262_144);
    });
  });

  test("is not there where it is switched off", async () => {
    const server = await startServer({ settings: { ...openDoors, "log.general": "off" } });
    await ask(await openSolMate(server.wsUrl), update("0001", { battery: 7 }));
    await server.stop();
    expect(readdirSync(server.dataDir)).not.toContain("general.log");
  });
});

describe("remote control", () => {
  const announce = {
    type: "CMND",
    message: `0002:0001:${JSON.stringify({
      commands: { RESTART: {} },
      parameters: [
        { name: "power_inject", type: "number", minimum: 0, maximum: 800, unit: "W" },
        { name: "operating_mode", type: "text", choices: ["eco", "boost"] },
      ],
    })}`,
  };

  test("a parameter is set in a device that announced it, and counts as applied when its update shows it", async () => {
    const server = await startServer({ settings: openDoors });
    const operator = callerOf(server, "operator");
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, update("0001", { power_inject: 100 }));
    expect(await ask(solMate, announce)).toBe(said("0002:0001", "OK"));
    const set = { action: "SET_PARAMETER", payload: { name: "power_inject", value: 300 } } as const;
    const { command_id } = await operator.give("0001", set);
    const frame = JSON.parse((await solMate.receive(3))[2] ?? "");
    expect(frame.type).toBe("CMND");
    const [, id = "", body = ""] = /^(\d{4}:0001):(.*)$/.exec(frame.message) ?? [];
    expect(id).toBe("0001:0001");
    expect(JSON.parse(body)).toEqual({ command_id, ...set, expires_at: expect.stringMatching(/Z$/) });
    const result = JSON.stringify({ command_id, status: "accepted" });
    expect(await ask(solMate, { type: "CMND", message: `0003:0001:${result}` })).toBe(said("0003:0001", "OK"));
    await operator.reaches("0001", command_id, "accepted");
    await ask(solMate, update("0001", { power_inject: 300 }));
    await operator.reaches("0001", command_id, "applied");
    const admin = callerOf(server, "admin");
    const { audit } = await admin.get<{ audit: object[] }>("/audit?action=command&device=0001");
    expect(audit).toMatchObject([{ target: command_id, who: "token operator" }]);
  });

  test("a text parameter is a point, so that an update can show it", async () => {
    const server = await startServer({ settings: openDoors });
    const operator = callerOf(server, "operator");
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, announce);
    const payload = { name: "operating_mode", value: "boost" };
    const { command_id } = await operator.give("0001", { action: "SET_PARAMETER", payload });
    await solMate.receive(2);
    await ask(solMate, update("0001", { operating_mode: "boost" }));
    await operator.reaches("0001", command_id, "applied");
  });

  test("an emulated SolMate announces what it can be told, obeys, and shows it", async () => {
    const server = await startServer({ settings: openDoors });
    const operator = callerOf(server, "operator");
    const stop = new AbortController();
    const ended = runSolMates({
      url: server.url,
      devices: 2,
      behaviour: "random",
      valueMax: 400,
      sleepMinS: 0.02,
      sleepMaxS: 0.05,
      seed: 1,
      remoteControl: true,
      signal: stop.signal,
    });
    const parameters = async () => (await operator.list("0001")).announced?.parameters;
    await eventually(async () =>
      expect((await parameters())?.map(({ name }) => name)).toEqual(["inject_max", "injecting"]),
    );
    const set = (name: string, value: number | boolean) =>
      operator.give("0001", { action: "SET_PARAMETER", payload: { name, value } });
    const { command_id } = await set("inject_max", 30);
    await operator.reaches("0001", command_id, "applied");
    const before = (await deviceDetail(server, "0001")).accepted;
    await eventually(async () => expect((await deviceDetail(server, "0001")).accepted).toBeGreaterThan(before + 20));
    const { telemetry } = (await deviceDetail(server, "0001")).latest ?? {};
    expect(telemetry?.inverter?.power).toBeLessThanOrEqual(30);
    expect((await deviceDetail(server, "0002")).latest?.telemetry).toMatchObject({ smart_os: { inject_max: 400 } });
    const off = await set("injecting", false);
    await operator.reaches("0001", off.command_id, "applied");
    expect((await deviceDetail(server, "0001")).latest?.telemetry).toMatchObject({ inverter: { power: 0 } });
    stop.abort();
    await ended;
  });

  test("a command waits for a device that is away, and goes out when it has announced that it knows it", async () => {
    const server = await startServer({ settings: openDoors });
    const operator = callerOf(server, "operator");
    const first = await openSolMate(server.wsUrl);
    await ask(first, announce);
    first.webSocket.close();
    await eventually(async () => expect((await deviceDetail(server, "0001")).online).toBe(false));
    const { command_id, status } = await operator.give("0001", { action: "RESTART", payload: {} });
    expect(status).toBe("queued");
    const second = await openSolMate(server.wsUrl);
    await ask(second, update("0001", { battery: 50 }));
    expect(await ask(second, announce)).toMatch(/OK|CMND/);
    await second.receive(3);
    expect(second.received.some((frame) => frame.includes(command_id))).toBe(true);
  });

  test("a device that comes back and announces nothing is told nothing: what waits for it is rejected", async () => {
    const clock = new ManualClock(Date.UTC(2026, 6, 1, 9));
    const server = await startServer({ clock, settings: openDoors });
    const operator = callerOf(server, "operator");
    const first = await openSolMate(server.wsUrl);
    await ask(first, announce);
    first.webSocket.close();
    await eventually(async () => expect((await deviceDetail(server, "0001")).online).toBe(false));
    const { command_id } = await operator.give("0001", { action: "RESTART", payload: {} });
    const second = await openSolMate(server.wsUrl);
    await ask(second, update("0001", { battery: 50 }));
    clock.advance(5_000);
    const rejected = await operator.reaches("0001", command_id, "rejected");
    expect(rejected.history.at(-1)?.cause).toContain("has not announced RESTART");
    expect(second.received).toHaveLength(1);
  });

  test("what a device has not announced is refused, and nothing is sent", async () => {
    const server = await startServer({ settings: openDoors });
    const operator = callerOf(server, "operator");
    const plain = await openSolMate(server.wsUrl);
    await ask(plain, update("0001", { battery: 50 }));
    for (const order of [
      { action: "SET_MODE", payload: { target_mode: "AUTO" } },
      { action: "RESTART", payload: {} },
      { action: "SET_PARAMETER", payload: { name: "power_inject", value: 1 } },
    ]) {
      expect(await operator.post("/devices/0001/commands", order)).toMatchObject({ status: 422 });
    }
    await ask(plain, announce);
    const tooMuch = { action: "SET_PARAMETER", payload: { name: "power_inject", value: 900 } };
    expect(await operator.post("/devices/0001/commands", tooMuch)).toMatchObject({ status: 422 });
    expect(plain.received.every((frame) => frame.startsWith('{"type": "INFO"'))).toBe(true);
  });

  test("an announcement that makes no sense is refused, with the reason on the device's page", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = await openSolMate(server.wsUrl);
    const odd = { type: "CMND", message: '0002:0001:{"parameters": [{"name": "x", "type": "colour"}]}' };
    expect(await ask(solMate, odd)).toBe(said("0002:0001", "ERROR"));
    expect((await deviceDetail(server, "0001")).last_refusal).toMatchObject({
      code: "invalid_smart_os",
      message: expect.stringContaining("parameters"),
    });
  });
});

test("an update reaches the fleet feed as any other device's sample", async () => {
  const server = await startServer({ settings: openDoors });
  const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
  const solMate = await openSolMate(server.wsUrl);
  await ask(solMate, update("0001", { battery: 42, power_income: 388, country: "AT" }));
  await eventually(() => {
    const rows = fleet.received.flatMap((frame) => (JSON.parse(frame).devices ?? []) as { id: string }[]);
    expect(rows.at(-1)).toMatchObject({
      id: "0001",
      online: true,
      properties: { dialect: "smart-os", country: "AT" },
      points: { "battery.soc": 42, "solar.power": 388 },
    });
  });
  expect(await samplesCounted(server, "accepted")).toBe(1);
  expect(await metric(server, 'wattboard_connections{role="update"}')).toBe(1);
});
