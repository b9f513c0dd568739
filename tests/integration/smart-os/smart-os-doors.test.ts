import type { WaitingDeviceBody } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { deviceDetail } from "../../support/api.ts";
import { callerOf } from "../../support/commands.ts";
import { runCli, runJson, startServe } from "../../support/run-cli.ts";
import { ask, openDoors, openSolMate, said, update } from "../../support/smart-os.ts";
import { openDevice, tryOpenSocket } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";

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
