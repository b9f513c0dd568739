import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { callerOf } from "../../support/commands.ts";
import { eventually } from "../../support/eventually.ts";
import { createAdministrator, invite } from "../../support/people.ts";
import { ask, openDoors, openSolMate, openWebClient, query, update } from "../../support/smart-os.ts";
import { openDashboard, openDevice, openSocket, tryOpenSocket } from "../../support/sockets.ts";
import { startServer, temporaryFolder } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

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
