import { ManualClock } from "@wattboard/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deviceDetail, metric } from "../support/api.ts";
import { callerOf } from "../support/commands.ts";
import { eventually } from "../support/eventually.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { ask, openDoors, openSolMate, openWebClient, query } from "../support/smart-os.ts";
import { openSocket } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";

const good = { type: "UPDT", message: '0001:0001:{"battery": 50}' };
const ok = '{"type": "INFO", "message": "0001:0001:OK"}';
const nested = `${"[".repeat(7_000)}${"]".repeat(7_000)}`;

describe("whatever a device sends, the link lives, the answer says what is wrong, and a good update is taken", () => {
  test.each([
    ["nothing", "", "ERROR: message must begin with"],
    ["no header", '{"type":"UPDT","message":"{}"}', "ERROR: message must begin with"],
    ["a serial number that is a path", '{"type":"UPDT","message":"0001:../x:{}"}', "ERROR: message must begin with"],
    ["a serial number with a colon", '{"type":"UPDT","message":"0001:a:b:{}"}', "0001:a:ERROR"],
    [
      "a serial number that is too long",
      `{"type":"UPDT","message":"0001:${"a".repeat(65)}:{}"}`,
      "ERROR: message must",
    ],
    ["a message id in letters", '{"type":"UPDT","message":"abcd:0001:{}"}', "ERROR: message must begin with"],
    ["a message that is no text", '{"type":"UPDT","message":{"a":1}}', "ERROR: message must be a text"],
    ["an unknown type", '{"type":"EVAL","message":"0001:0001:{}"}', "0001:0001:ERROR"],
    ["a query", '{"type":"FILT","message":"0001:0001:{}"}', "0001:0001:ERROR"],
    ["a body that is a list", '{"type":"UPDT","message":"0001:0001:[1]"}', "0001:0001:ERROR"],
    [
      "a body that would be run",
      '{"type":"UPDT","message":"0001:0001:__import__(\'os\').system(\'true\')"}',
      "0001:0001:ERROR",
    ],
    ["deep nesting in JSON", JSON.stringify({ type: "UPDT", message: `0001:0001:${nested}` }), "0001:0001:ERROR"],
    ["deep nesting in Python", `'0001:0001:{"a": (${nested})}'`, "0001:0001:ERROR"],
    ["a list of frames", '[{"type":"UPDT"}]', "ERROR: message must begin with"],
    ["null", "null", "ERROR: message must begin with"],
  ])("%s", async (_, frame, answer) => {
    const server = await startServer({ settings: openDoors });
    const solMate = await openSolMate(server.wsUrl);
    expect(JSON.parse(await ask(solMate, frame)).message).toMatch(new RegExp(`^${answer.replace(/[.*]/g, "\\$&")}`));
    const next = await openSolMate(server.wsUrl);
    expect(await ask(next, good)).toBe(ok);
    expect((await deviceDetail(server, "0001")).accepted).toBe(1);
  });

  test("names that would reach a prototype are left out, and the rest is taken", async () => {
    const server = await startServer({ settings: openDoors });
    const client = await openWebClient(server.wsUrl);
    const solMate = await openSolMate(server.wsUrl);
    for (const body of [
      '{"__proto__": {"polluted": 1}, "constructor": 5, "battery": 50}',
      "{'__proto__': 'polluted', '__class__': 7, 'constructor': 'x', 'toString': 'y', 'battery': 51}",
    ]) {
      expect(await ask(solMate, { type: "INIT", message: `0001:0001:${body}` })).toBe(ok);
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    const [row] = await query(client, []);
    expect(row).toMatchObject({ battery: 51, constructor: "x", toString: "y" });
    expect(Object.keys(row ?? {})).not.toContain("__proto__");
    expect(await query(client, ["filter:toString:=:y", "sort:constructor:<:abc"])).toHaveLength(1);
  });

  test("any text, any body: an answer comes, and the server goes on", async () => {
    const settings = { ...openDoors, "limits.messages_burst": "1000000" };
    const server = await startServer({ settings });
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, good);
    const texts = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.json().map((body) => JSON.stringify({ type: "UPDT", message: `0001:0001:${body}` })),
      fc.dictionary(fc.string(), fc.jsonValue()).map((body) => `0001:0001:${JSON.stringify(body)}`),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        expect(JSON.parse(await ask(solMate, text)).message).toMatch(/^ERROR: |:(OK|ERROR)$/);
      }),
      { numRuns: 150 },
    );
    expect(await ask(solMate, good)).toBe(ok);
  });
});

test("a frame above 16 KiB ends the link with 1009, a binary one with 1003", async () => {
  const server = await startServer({ settings: openDoors });
  for (const path of ["/update/", "/client/"]) {
    for (const [frame, code] of [
      [`{"a":"${"x".repeat(17_000)}"}`, 1009],
      [Buffer.from("{}"), 1003],
    ] as const) {
      const socket = await openSocket(server.wsUrl + path);
      socket.webSocket.send(frame);
      expect((await socket.closed).code, path).toBe(code);
    }
  }
});

test("what comes faster than the limit is dropped without an answer, counted, and the link lives", async () => {
  const settings = { ...openDoors, "limits.messages_per_second": "1", "limits.messages_burst": "10" };
  const server = await startServer({ settings });
  const solMate = await openSolMate(server.wsUrl);
  for (let sent = 0; sent < 200; sent++) solMate.send(good);
  await eventually(async () => {
    const { accepted, dropped } = await deviceDetail(server, "0001");
    expect(accepted + (dropped.rate_limited ?? 0)).toBe(200);
    expect(accepted).toBeLessThan(20);
    expect(solMate.received).toHaveLength(accepted);
  });
  expect(solMate.webSocket.readyState).toBe(solMate.webSocket.OPEN);
});

test("a flood of serial numbers fills neither the list of those who wait nor the registry", async () => {
  const settings = { "smart_os.access": "open", "limits.messages_burst": "1000000" };
  const server = await startServer({ settings });
  const solMate = await openSolMate(server.wsUrl);
  for (let at = 0; at < 1_500; at++) solMate.send({ type: "UPDT", message: `0001:s${at}:{}` });
  await solMate.receive(1_500);
  const admin = callerOf(server, "admin");
  const { waiting } = await admin.get<{ waiting: { device_id: string }[] }>("/smart-os/waiting");
  expect(waiting).toHaveLength(1_000);
  expect(waiting[0]).toMatchObject({ device_id: "s1499" });
  expect(server.devices.list()).toEqual([]);
});

test("who is not let in goes after ten seconds, whatever is sent and however often; a device that was let in stays", async () => {
  const clock = new ManualClock(Date.now());
  for (const access of ["token", "open"]) {
    const server = await startServer({ settings: { "smart_os.access": access }, clock });
    const token = server.addDevice("0001");
    const bearing = (bearer: string) => ({ headers: { authorization: `Bearer ${bearer}` } });
    const [silent, knocking, device] = [
      await openSolMate(server.wsUrl, bearing("wb_made_up")),
      await openSolMate(server.wsUrl, bearing("wb_made_up")),
      await openSolMate(server.wsUrl, bearing(token)),
    ];
    expect(await ask(device, good)).toBe(ok);
    for (let second = 0; second < 9; second++) {
      expect(await ask(knocking, { type: "UPDT", message: "0001:stranger:{}" })).toContain("ERROR");
      clock.advance(1_000);
    }
    expect([silent, knocking].map(({ webSocket }) => webSocket.readyState)).toEqual([1, 1]);
    clock.advance(1_000);
    for (const stranger of [silent, knocking]) {
      expect(await stranger.closed, access).toEqual({ code: 1008, reason: "not let in" });
    }
    clock.advance(10_000);
    expect(await ask(device, good)).toBe(ok);
  }
});

test("who may not come in is told so before its body is read", async () => {
  const server = await startServer({ settings: { "smart_os.access": "token" } });
  server.addDevice("0001");
  const stranger = await openSolMate(server.wsUrl, { headers: { authorization: "Bearer wb_made_up" } });
  expect(await ask(stranger, { type: "UPDT", message: "0001:0001:no dict" })).toContain("0001:0001:ERROR");
  const counted = (code: string) => metric(server, `wattboard_handshakes_refused_total{door="update",code="${code}"}`);
  expect([await counted("forbidden"), await counted("invalid_smart_os")]).toEqual([1, 0]);
});

test("too many queries are answered with an error, and the client stays", async () => {
  const server = await startServer({ settings: openDoors });
  const client = await openWebClient(server.wsUrl);
  for (let sent = 0; sent < 60; sent++) client.send({ type: "FILT", message: [] });
  const answers = await client.receive(60);
  expect(answers.filter((answer) => answer.includes("too many queries")).length).toBeGreaterThan(20);
  expect(answers).toContain('{"type": "INIT", "message": []}');
});

test("a web client that never reads is cut; the others get every update", async () => {
  const settings = { ...openDoors, "smart_os.client_bytes": "65536", "limits.messages_burst": "1000000" };
  const server = await startServer({ settings });
  const solMate = await openSolMate(server.wsUrl);
  const client = await openWebClient(server.wsUrl);
  const slow = await RawSocket.connect(server.url);
  expect((await slow.handshake("/client/")).status).toBe(101);
  slow.socket.pause();
  const note = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`text_${at}`, "x".repeat(250)]));
  const big = { type: "UPDT", message: `0001:0001:${JSON.stringify(note)}` };
  let sent = 0;
  while ((await metric(server, "wattboard_slow_readers_total")) === 0) {
    expect(sent).toBeLessThan(5_000);
    for (let more = 0; more < 20; more++, sent++) solMate.send(big);
    await client.receive(sent);
  }
  solMate.send(good);
  await client.receive(sent + 1);
});
