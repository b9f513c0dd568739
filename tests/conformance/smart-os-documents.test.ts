import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { deviceDetail, storedSamples } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { ask, openDoors, openSolMate, openWebClient, query } from "../support/smart-os.ts";
import { openDashboard, openSocket } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";

// Each exchange of `smart-os-technical-details.txt`, letter by letter. The documents show frames as Python and a browser's console print them;
// where a frame is JSON on the wire it is tried as both.

const initBody =
  '{"serial_number": "0001", "solmate_version": "v1", "_software_version": "v8.6", "_country": "DE", "_postcode": 7445, "_power_income": 377, "_power_inject": 336, "_power_consumption": 400, "_battery": 250, "_capacity": 5184000, "_local_time": null, "server_url": "ws://localhost:8000/update/", "websocket": "", "connected": true, "publish": true, "message_id": "0000", "message_queue": {}, "tasks": "", "meassuring": true, "charging": false, "injecting": false, "pv_connectors": 1}';
const firstUpdate =
  '{"battery": 350, "software_version": "v2.0", "country": "AT", "postcode": 9733, "power_income": 388, "power_inject": 357, "power_consumption": 289}';

/** As `json.dumps` writes it, and as `str` does. */
function bothWays(type: string, message: string): string[] {
  return [
    `{"type": ${JSON.stringify(type)}, "message": ${JSON.stringify(message)}}`,
    `{'type': '${type}', 'message': '${message}'}`,
  ];
}

test.each(["/update/", "/update"])("the welcome at %s", async (path) => {
  const server = await startServer({ settings: openDoors });
  const socket = await openSocket(server.wsUrl + path);
  expect(await socket.receive(1)).toEqual([
    `{"type": "INFO", "message": "Welcome to SMART-Server - SolMate Real-Time ObServer! - SolServerConsumer: groups ['updates']"}`,
  ]);
});

test.each(["/client/", "/client"])("the welcome at %s, and then the full dataset", async (path) => {
  const server = await startServer({ settings: openDoors });
  const socket = await openSocket(server.wsUrl + path);
  expect(await socket.receive(2)).toEqual([
    `{"type": "INFO", "message": "Welcome to SMART-Server - SolMate Real-Time ObServer! - ClientConsumer: groups ['broadcast']"}`,
    '{"type": "INIT", "message": []}',
  ]);
});

test.each([
  `"0001:1234:{'parameter_name':'AT','_parameter_name':430}"`,
  `0001:1234:{'parameter_name':'AT','_parameter_name':430}`,
])("the capping identificator: %s", async (frame) => {
  const server = await startServer({ settings: openDoors });
  const solMate = await openSolMate(server.wsUrl);
  expect(await ask(solMate, frame)).toBe('{"type": "INFO", "message": "0001:1234:OK"}');
  expect(await deviceDetail(server, "1234")).toMatchObject({
    properties: { parameter_name: "AT" },
    latest: { telemetry: { smart_os: { parameter_name: 430 } } },
  });
});

test.each(bothWays("INIT", `0000:0001:${initBody}`))("the typical initial message: %s", async (frame) => {
  const server = await startServer({ settings: openDoors });
  const client = await openWebClient(server.wsUrl);
  const solMate = await openSolMate(server.wsUrl);
  expect(await ask(solMate, frame)).toBe('{"type": "INFO", "message": "0000:0001:OK"}');
  const detail = await deviceDetail(server, "0001");
  expect(detail.properties).toEqual({
    dialect: "smart-os",
    solmate_version: "v1",
    software_version: "v8.6",
    country: "DE",
    postcode: "7445",
    pv_connectors: "1",
  });
  const telemetry = {
    device_id: "0001",
    solar: { power: 377 },
    inverter: { power: 336 },
    load: { power: 400 },
    // 250 is no percentage.
    battery: { soc: null },
    smart_os: {
      battery: 250,
      capacity: 5184000,
      local_time: null,
      meassuring: true,
      charging: false,
      injecting: false,
    },
  };
  expect(detail.latest).toMatchObject({ clock: "server", telemetry });
  // Of a device that nobody knew a dashboard learns once it has come.
  const dashboard = await openDashboard(server.wsUrl, "0001");
  expect(JSON.parse((await dashboard.receive(1))[0] ?? "")).toMatchObject(telemetry);
  // A web client takes an INIT for a whole table: what it is told is an update, with the names that the table has.
  const [update = ""] = await client.receive(1);
  expect(JSON.parse(update).type).toBe("UPDT");
  expect(JSON.parse(update).message).toMatch(/^0000:0001:\{"solmate_version":"v1","software_version":"v8.6"/);
  expect((await query(client, []))[0]).toMatchObject({
    serial_number: "0001",
    battery: 250,
    capacity: 5184000,
    pv_connectors: 1,
  });
});

test.each(bothWays("UPDT", `0000:0001:${firstUpdate}`))("an initial message without underscores: %s", async (frame) => {
  const server = await startServer({ settings: openDoors });
  const solMate = await openSolMate(server.wsUrl);
  expect(await ask(solMate, frame)).toBe('{"type": "INFO", "message": "0000:0001:OK"}');
  const client = await openWebClient(server.wsUrl);
  expect(client.dataset).toEqual([
    {
      serial_number: "0001",
      software_version: "v2.0",
      country: "AT",
      postcode: "9733",
      manufacturing_date: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      power_income: 388,
      power_inject: 357,
      power_consumption: 289,
      battery: 350,
      last_status_update: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      solmate_version: "",
      pv_connectors: 0,
      local_time: null,
      dialect: "smart-os",
    },
  ]);
});

test("a valid data update: it is answered, and changes what it names and nothing else", async () => {
  const clock = new ManualClock(Date.UTC(2026, 6, 1, 9));
  const server = await startServer({ clock, settings: openDoors });
  const solMate = await openSolMate(server.wsUrl);
  await ask(solMate, { type: "UPDT", message: `0115:0001:${firstUpdate}` });
  const dashboard = await openDashboard(server.wsUrl, "0001");
  clock.advance(1_000);
  expect(await ask(solMate, `{'type': 'UPDT', 'message': '0116:0001:{"power_consumption": 357}'}`)).toBe(
    '{"type": "INFO", "message": "0116:0001:OK"}',
  );
  const [, update = ""] = await dashboard.receive(2);
  expect(JSON.parse(update)).toEqual({
    device_id: "0001",
    timestamp: "2026-07-01T09:00:01.000Z",
    solar: { power: 388 },
    inverter: { power: 357 },
    load: { power: 357 },
    battery: { soc: null },
    smart_os: { battery: 350 },
  });
  await eventually(async () => {
    clock.advance(10);
    const samples = await storedSamples(server, "0001");
    expect(samples.map(({ telemetry }) => telemetry.load?.power)).toEqual([289, 357]);
  });
});

test("an update that is not received properly is answered with ERROR, under the same header", async () => {
  const server = await startServer({ settings: openDoors });
  const solMate = await openSolMate(server.wsUrl);
  await ask(solMate, { type: "UPDT", message: '0001:0001:{"battery": 50}' });
  expect(await ask(solMate, { type: "UPDT", message: '0116:0001:{"power_consumption": 357' })).toBe(
    '{"type": "INFO", "message": "0116:0001:ERROR"}',
  );
  expect(await ask(solMate, { type: "UPDT", message: '0117:0001:{"power_consumption": 357}' })).toBe(
    '{"type": "INFO", "message": "0117:0001:OK"}',
  );
});

test("the update that web clients get is the one that the device sent, byte for byte", async () => {
  const server = await startServer({ settings: openDoors });
  const clients = [await openWebClient(server.wsUrl), await openWebClient(server.wsUrl)];
  const solMate = await openSolMate(server.wsUrl);
  const sent = `{"type": "UPDT",  "message": "0008:0001:{\\"local_time\\": \\"2024-03-17 14:59:13.047108\\"}"}`;
  expect(await ask(solMate, sent)).toBe('{"type": "INFO", "message": "0008:0001:OK"}');
  for (const client of clients) expect(await client.receive(1)).toEqual([sent]);
  expect((await query(clients[0] as (typeof clients)[0], []))[0]).toMatchObject({
    local_time: "2024-03-17 14:59:13.047108",
  });
});

test("the valid query: serial numbers that contain a 0, sorted", async () => {
  const server = await startServer({ settings: openDoors });
  for (const serial of ["2032", "0001", "1239", "0023", "1009"]) {
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, { type: "UPDT", message: `0000:${serial}:{"power_consumption": 144}` });
  }
  const client = await openWebClient(server.wsUrl);
  client.send('{"type":"FILT","message":["filter:serial_number:=:0","sort:serial_number:<:abc"]}');
  const [answer = ""] = await client.receive(1);
  expect(answer).toMatch(/^\{"type": "INIT", "message": \[/);
  const rows = (JSON.parse(answer) as { message: Record<string, unknown>[] }).message;
  expect(rows.map((row) => row.serial_number)).toEqual(["0001", "0023", "1009", "2032"]);
  // The documents' own row has the same fields, but for the key of its database table.
  expect(Object.keys(rows[0] ?? {})).toEqual(
    expect.arrayContaining(
      "serial_number software_version country postcode manufacturing_date power_income power_inject power_consumption battery last_status_update solmate_version pv_connectors local_time".split(
        " ",
      ),
    ),
  );
  expect(rows[0]).toMatchObject({
    software_version: "",
    country: "",
    postcode: "",
    power_income: 0,
    power_consumption: 144,
    battery: 0,
  });
});

test("new devices are not registered unless that is switched on: they get ERROR", async () => {
  const server = await startServer({ settings: { "smart_os.access": "open" } });
  const solMate = await openSolMate(server.wsUrl);
  expect(await ask(solMate, { type: "UPDT", message: '0000:0001:{"battery": 35}' })).toBe(
    '{"type": "INFO", "message": "0000:0001:ERROR"}',
  );
  expect((await openWebClient(server.wsUrl)).dataset).toEqual([]);
});
