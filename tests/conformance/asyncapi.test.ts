import { Parser } from "@asyncapi/parser";
import * as protocol from "@wattboard/protocol";
import { paths } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { asyncApiDocument, asyncApiMessages, asyncApiText, faultOf, messagesOf } from "../support/asyncapi.ts";
import { callerOf } from "../support/commands.ts";
import { eventually } from "../support/eventually.ts";
import { openDoors } from "../support/smart-os.ts";
import { openSocket, type SocketOptions } from "../support/sockets.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

/**
 * Aim: an author in any language can go by docs/reference/asyncapi.json. Method: the official parser judges the document; each example is held against
 * its schema; and one session at every door of a real server is recorded, in which each frame must be a message of the document, without a member that
 * it does not tell, and each message of the document must have been said.
 */

test("the document is valid AsyncAPI 3, says the official parser, which has no warning either", async () => {
  const { document, diagnostics } = await new Parser().parse(asyncApiText);
  // Two: for information, as that there is a newer version.
  expect(diagnostics.filter(({ severity }) => severity < 2)).toEqual([]);
  expect(document?.version()).toBe("3.0.0");
  expect(document?.allOperations().length).toBe(asyncApiMessages.size);
});

test("each message has an example, and each example fits its schema and does not without what is required", () => {
  for (const [name, { summary, examples }] of asyncApiMessages) {
    expect([name, summary !== "", examples.length > 0]).toEqual([name, true, true]);
    for (const { summary: shows, payload } of examples) {
      expect([name, shows, faultOf(name, payload)]).toEqual([name, shows, null]);
      const { type: _, device_id: __, command_id: ___, ...rest } = payload;
      expect([name, shows, faultOf(name, rest)]).not.toEqual([name, shows, null]);
    }
  }
});

test("every frame that has a schema in the contract is a message of the document", () => {
  const described = [...asyncApiMessages.values()].map(({ payload }) => JSON.stringify(typesOf(payload)));
  const frames = Object.values(protocol).flatMap(typesOf);
  expect(frames.length).toBeGreaterThan(15);
  expect(frames.filter((type) => !described.includes(JSON.stringify([type])))).toEqual([]);
  const takes = Object.keys(asyncApiDocument.operations).filter(
    (name) => name.startsWith("device.") && asyncApiDocument.operations[name]?.action === "receive",
  );
  const taken = takes.flatMap((name) => typesOf(asyncApiMessages.get(name)?.payload));
  expect(taken.sort()).toEqual(protocol.deviceFrameSchema.anyOf.flatMap(typesOf).sort());
});

/** The frame's `type`, where the schema is that of a frame. */
function typesOf(schema: unknown): string[] {
  const { properties } = (schema ?? {}) as { readonly properties?: { readonly type?: { readonly const?: string } } };
  return properties?.type?.const === undefined ? [] : [properties.type.const];
}

test("the server gives the same document, to whoever asks", async () => {
  const server = await startServer({ settings: { "access.dashboards": "people" } });
  const answer = await fetch(`${server.url}${paths.api}/asyncapi.json`);
  expect(answer.headers.get("content-type")).toContain("application/json");
  expect(await answer.json()).toEqual(asyncApiDocument);
});

/** What was said in all sessions. */
const said = new Set<string>();

/** A server whose doors are opened by whoever holds each frame against the document. */
class Recorded {
  readonly #server: TestServer;

  constructor(server: TestServer) {
    this.#server = server;
  }

  async open(channel: string, path: string, options: SocketOptions = {}) {
    const socket = await openSocket(`${this.#server.wsUrl}${path}`, options);
    const judged = (action: "send" | "receive", text: string): void => {
      const found = messagesOf(channel, action, JSON.parse(text));
      expect([channel, action, text, found.length === 0 ? "is not in the document" : ""]).toEqual([
        channel,
        action,
        text,
        "",
      ]);
      for (const name of found) said.add(name);
    };
    let judgedCount = 0;
    const judge = (): void => {
      for (const text of socket.received.slice(judgedCount)) judged("send", text);
      judgedCount = socket.received.length;
    };
    return {
      say(frame: object): void {
        judged("receive", JSON.stringify(frame));
        socket.send(frame);
      },
      /** Resolves when the server has said so, and gives it. */
      hear: (part: string): Promise<string> =>
        eventually(() => {
          judge();
          const heard = socket.received.find((text) => text.includes(part));
          if (heard === undefined) throw new Error(`${channel} did not say ${part}: ${socket.received.join("\n")}`);
          return heard;
        }),
      judge,
    };
  }

  /** A device that speaks the subprotocol and has a journal of three samples. */
  async openDevice(deviceId: string, token: string) {
    const headers = { authorization: `Bearer ${token}` };
    const device = await this.open("device", `${paths.device}${deviceId}`, {
      headers,
      protocols: [protocol.subprotocol],
    });
    await device.hear('"welcome"');
    device.say({
      type: "hello",
      commands: { RESET_ERROR: {} },
      journal: { id: `of ${deviceId}`, first_seq: 1, last_seq: 3 },
      takes_tokens: true,
      software_version: "1.0",
      device_time: new Date().toISOString(),
    });
    await device.hear('"durable_seq"');
    return device;
  }
}

function addDevice(server: TestServer, deviceId: string, properties: Record<string, string>): string {
  const added = server.devices.add({ deviceId, properties });
  if (protocol.isRefusal(added)) throw new Error(added.message);
  return added.token;
}

const numbered = (seq: number, agoMs = 0, deviceId = "ems_001") => ({
  seq,
  ...sampleOf(deviceId, { timestamp: new Date(Date.now() - agoMs).toISOString() }),
});

test("what is said at every door of a real server is in the document", async () => {
  const settings = { ...openDoors, "access.peers": "true", "limits.backfill_per_second": "20" };
  const server = await startServer({ settings });
  const token = addDevice(server, "ems_001", { site: "harbour", peers: "site" });
  const near = addDevice(server, "ems_002", { site: "harbour" });
  addDevice(server, "0001", { site: "harbour", peers: "site", dialect: "smart-os" });
  addDevice(server, "ems_003", {});
  const operator = callerOf(server, "operator");
  const recorded = new Recorded(server);

  const fleet = await recorded.open("fleet", paths.fleet);
  await fleet.hear('"more":false');
  const dashboard = await recorded.open("dashboard", `${paths.dashboard}ems_001`, {
    protocols: [protocol.subprotocol],
  });
  const client = await recorded.open("smartOsClient", protocol.smartOsPaths.client);

  const device = await recorded.openDevice("ems_001", token);
  device.say(numbered(4));
  await device.hear('{"type":"ack","seq":0,"ranges":[[4,4]]}');
  device.say({ type: "backfill", samples: [numbered(1, 9_000), numbered(2, 8_000)] });
  device.say({ type: "gap", from_seq: 3, to_seq: 3, reason: "lost" });
  await device.hear('{"type":"ack","seq":4}');
  device.say(numbered(5, 0, "ems_004"));
  await device.hear('"code":"wrong_device"');

  const peer = await recorded.openDevice("ems_002", near);
  peer.say({ type: "backfill", samples: [numbered(1, 9_000, "ems_002")] });
  peer.say(numbered(4, 0, "ems_002"));
  await device.hear('{"type":"pace"');
  device.say({ type: "peers", subscribe: true });
  await device.hear('{"type":"peers"');
  await device.hear('{"type":"peer","telemetry"');

  const given = await operator.give("ems_001", { action: "RESET_ERROR", payload: {} });
  await device.hear(`{"type":"deadline","command_id":"${given.command_id}"`);
  await device.hear(`{"command_id":"${given.command_id}","action"`);
  device.say({ type: "command_result", command_id: given.command_id, status: "accepted" });
  await dashboard.hear('"status":"accepted"');
  await dashboard.hear('"device_id":"ems_001"');
  await dashboard.hear('"presence"');
  await dashboard.hear('"backfilled"');

  server.devices.rotate("ems_001", undefined, 60_000);
  device.say({ type: "hello", takes_tokens: true });
  const { token_id } = JSON.parse(await device.hear('{"type":"token"'));
  device.say({ type: "token_stored", token_id });

  const solMate = await recorded.open("smartOsDevice", protocol.smartOsPaths.update);
  await solMate.hear("Welcome");
  solMate.say({ type: "UPDT", message: '0001:0001:{"power_consumption": 357}' });
  await solMate.hear("0001:0001:OK");
  solMate.say({ type: "CMND", message: '0002:0001:{"commands": {"RESTART": {}}}' });
  await solMate.hear("0002:0001:OK");
  solMate.say({ type: "PEER", message: '0003:0001:{"subscribe": true}' });
  await solMate.hear("0003:0001:OK");
  await solMate.hear('"UPDT"');
  await operator.give("0001", { action: "RESTART", payload: {} });
  await solMate.hear('"CMND"');

  await client.hear('"INIT"');
  await client.hear('"UPDT"');
  client.say({ type: "FILT", message: ["filter:serial_number:=:0", "sort:serial_number:<:abc"] });
  client.say({ type: "FILT", message: ["nonsense"] });
  await client.hear("ERROR");

  const admin = callerOf(server, "admin");
  const removed = await fetch(`${server.url}${paths.api}/devices/ems_003`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${admin.token}` },
  });
  expect(removed.ok).toBe(true);
  await fleet.hear('"changed"');
  await fleet.hear('{"type":"removed"');
  for (const each of [device, peer, dashboard, fleet, solMate, client]) each.judge();
});

test("beats are in the document, too", async () => {
  const clock = new ManualClock();
  const server = await startServer({ clock });
  server.addDevice("ems_001");
  const recorded = new Recorded(server);
  const options = { protocols: [protocol.subprotocol] };
  const dashboard = await recorded.open("dashboard", `${paths.dashboard}ems_001`, options);
  const fleet = await recorded.open("fleet", paths.fleet, options);
  clock.advance(10_000);
  for (const each of [dashboard, fleet]) await each.hear('"beat"');
});

test("every message of the document was said", () => {
  expect([...asyncApiMessages.keys()].filter((name) => !said.has(name))).toEqual([]);
});
