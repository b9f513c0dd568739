// A device gets a new token while the one before still holds (docs/adr/0073): who may come with which, and to whom it is handed over.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  AuditBody,
  BulkDevicesAnswer,
  BulkRotationsAnswer,
  RotatedBody,
  RotationsBody,
} from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { deviceDetail, events } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { createAdministrator } from "../../support/people.ts";
import { openSocket, type TestSocket, tryOpenSocket } from "../../support/sockets.ts";
import { startServer, type TestServer, type TestServerOptions, temporaryFolder } from "../../support/start-server.ts";

const dayS = 86_400;

async function start(options: TestServerOptions = {}) {
  const server = await startServer(options);
  const admin = await createAdministrator(server);
  const rotate = (id: string, body: object = {}) => admin.json<RotatedBody>("POST", `/devices/${id}/rotate`, body);
  return { server, admin, rotate };
}

/** The status of a device's handshake with the token; 101 where it is let in. */
async function knock(server: TestServer, token: string, deviceId = "ems_001"): Promise<number> {
  const answer = await tryOpenSocket(`${server.wsUrl}/ws/device/${deviceId}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return "status" in answer ? answer.status : 101;
}

async function open(server: TestServer, token: string, hello?: object): Promise<TestSocket> {
  const socket = await openSocket(`${server.wsUrl}/ws/device/ems_001`, {
    headers: { authorization: `Bearer ${token}` },
    protocols: ["wattboard.v1"],
  });
  if (hello !== undefined) socket.send({ type: "hello", ...hello });
  return socket;
}

interface TokenFrame {
  readonly token: string;
  readonly token_id: string;
}

function tokens({ received }: TestSocket): TokenFrame[] {
  return received.map((text) => JSON.parse(text)).filter(({ type }) => type === "token");
}

async function handedTo(socket: TestSocket): Promise<TokenFrame> {
  return await eventually(() => {
    const [frame] = tokens(socket);
    if (frame === undefined) throw new Error("no token yet");
    return frame;
  });
}

const takesTokens = { takes_tokens: true };

describe("with an overlap", () => {
  test("the token before holds beside the new one, and is void once the device has come with that", async () => {
    const { server, rotate } = await start();
    const before = server.addDevice("ems_001");
    const { token, rotation } = await rotate("ems_001");
    expect(rotation).toMatchObject({ state: "waiting", by_hand: false });
    const overlapMs = Date.parse(rotation?.former_until ?? "") - Date.now();
    expect(Math.abs(overlapMs - 7 * dayS * 1_000)).toBeLessThan(60_000);
    expect(await knock(server, before)).toBe(101);
    expect(await knock(server, before)).toBe(101);
    expect(await knock(server, token)).toBe(101);
    expect(await knock(server, before)).toBe(403);
    expect((await deviceDetail(server, "ems_001")).rotation).toBeNull();
    const told = (await events(server)).map(({ kind, message }) => [kind, message]);
    expect(told).toContainEqual(["token_changed", expect.stringContaining("has come with its new token")]);
  });

  test("a link stays open, and one that says nothing of tokens is told nothing: it is to be given by hand", async () => {
    const { server, rotate } = await start();
    const before = server.addDevice("ems_001");
    const plain = await open(server, before, { commands: {} });
    await eventually(async () => {
      expect((await rotate("ems_001")).rotation).toMatchObject({ state: "waiting", by_hand: true });
    });
    plain.send({ type: "peers", subscribe: true });
    await plain.receive(2);
    expect(tokens(plain)).toEqual([]);
    expect(plain.webSocket.readyState).toBe(plain.webSocket.OPEN);
  });

  test("ends the token before when its time is over, and the link that was opened with it", async () => {
    const clock = new ManualClock();
    const { server, rotate } = await start({ clock });
    const before = server.addDevice("ems_001");
    const { token } = await rotate("ems_001", { overlap_s: 60 });
    clock.advance(59_000);
    const last = await open(server, before);
    clock.advance(2_000);
    expect(await knock(server, before)).toBe(403);
    clock.advance(5_000);
    expect((await last.closed).code).toBe(4301);
    expect(await knock(server, token)).toBe(101);
  });

  test("0: the token before is void at once, and its link ends", async () => {
    const { server, rotate } = await start();
    const before = server.addDevice("ems_001");
    const device = await open(server, before);
    expect((await rotate("ems_001", { overlap_s: 0 })).rotation).toBeNull();
    expect((await device.closed).code).toBe(4301);
    expect(await knock(server, before)).toBe(403);
  });

  test("also what an unfinished rotation has left is void where a later one has no overlap", async () => {
    const { server, rotate } = await start();
    const before = server.addDevice("ems_001");
    const middle = await rotate("ems_001");
    const last = await rotate("ems_001", { overlap_s: 0 });
    expect(await Promise.all([before, middle.token].map((token) => knock(server, token)))).toEqual([403, 403]);
    expect(await knock(server, last.token)).toBe(101);
  });

  test("whichever of several unfinished ones the device holds is good, up to three; then it has to be said that they end", async () => {
    const { server, admin, rotate } = await start();
    const held = [server.addDevice("ems_001")];
    for (let n = 0; n < 3; n++) held.push((await rotate("ems_001")).token);
    const refused = await admin.ask("POST", "/devices/ems_001/rotate", {});
    expect([refused.status, await refused.json()]).toMatchObject([409, { code: "rotation_unfinished" }]);
    for (const token of held) expect(await knock(server, token)).toBe(101);
    expect(await Promise.all(held.map((token) => knock(server, token)))).toEqual([403, 403, 403, 101]);
  });

  test.each([
    ["revocation", "POST", "/devices/ems_001/revoke"],
    ["removal", "DELETE", "/devices/ems_001"],
  ])("a %s voids both, also after a restart", async (_, method, path) => {
    const { server, admin, rotate } = await start();
    const before = server.addDevice("ems_001");
    const { token } = await rotate("ems_001");
    await admin.json(method, path);
    expect(await Promise.all([before, token].map((each) => knock(server, each)))).toEqual([403, 403]);
    await server.stop();
    const again = await startServer({ dataDir: server.dataDir });
    again.devices.add({ deviceId: "ems_001" });
    expect(await Promise.all([before, token].map((each) => knock(again, each)))).toEqual([403, 403]);
  });

  test("is at most 90 days", async () => {
    const { server, admin } = await start();
    server.addDevice("ems_001");
    for (const overlap_s of [90 * dayS + 1, -1, 1.5, "7d"]) {
      expect((await admin.ask("POST", "/devices/ems_001/rotate", { overlap_s })).status).toBe(400);
    }
    expect((await admin.ask("POST", "/devices/ems_001/rotate", { overlap_s: 90 * dayS })).status).toBe(200);
  });
});

describe("over its link", () => {
  test("a device that takes tokens gets it at once, says when it is stored, and comes again with it", async () => {
    const { server, admin, rotate } = await start();
    const before = server.addDevice("ems_001");
    const device = await open(server, before, takesTokens);
    await eventually(() => expect(server.devices.find("ems_001")?.token?.sealKey).not.toBeNull());
    const { token, rotation } = await rotate("ems_001");
    expect(rotation).toMatchObject({ state: "offered", by_hand: false });
    const frame = await handedTo(device);
    expect(frame.token).toBe(token);
    // Not before it is stored: until then it can come with the one before alone.
    device.send({ type: "token_stored", token_id: "another" });
    expect(await knock(server, "wb_nonsense")).toBe(403);
    expect((await admin.json<RotationsBody>("GET", "/token-rotations")).rotations).toMatchObject([
      { state: "offered" },
    ]);
    device.send({ type: "token_stored", token_id: frame.token_id });
    expect((await device.closed).code).toBe(4001);
    expect(await knock(server, before)).toBe(101);
    expect(await knock(server, token)).toBe(101);
    expect(await knock(server, before)).toBe(403);
    expect((await admin.json<RotationsBody>("GET", "/token-rotations")).rotations).toEqual([]);
  });

  test("it gets it when it comes later, after a restart too, and the token stands nowhere in the data folder", async () => {
    const dataDir = temporaryFolder();
    const { server, rotate } = await start({ dataDir, settings: { "log.general": "all" } });
    const before = server.addDevice("ems_001");
    const first = await open(server, before, takesTokens);
    await eventually(() => expect(server.devices.find("ems_001")?.token?.sealKey).not.toBeNull());
    first.webSocket.close();
    await first.closed;
    const { token } = await rotate("ems_001");
    const leaks = () =>
      readdirSync(dataDir).filter((name) => {
        const content = readFileSync(join(dataDir, name));
        return [before, token].some((secret) => content.includes(secret.slice(3, -6)));
      });
    expect(leaks()).toEqual([]);
    await server.stop();
    expect(leaks()).toEqual([]);
    const again = await startServer({ dataDir, settings: { "log.general": "all" } });
    const back = await open(again, before, takesTokens);
    expect((await handedTo(back)).token).toBe(token);
    expect(leaks()).toEqual([]);
    expect(JSON.stringify(await events(again))).not.toContain(token);
  });

  test("once a link, however often it says hello; and once more over its next link", async () => {
    const { server, rotate } = await start();
    const before = server.addDevice("ems_001");
    const device = await open(server, before, takesTokens);
    await eventually(() => expect(server.devices.find("ems_001")?.token?.sealKey).not.toBeNull());
    await rotate("ems_001");
    for (let n = 0; n < 5; n++) device.send({ type: "hello", ...takesTokens });
    device.send({ type: "peers", subscribe: true });
    await eventually(() => expect(device.received.join()).toContain('"device_ids"'));
    expect(tokens(device)).toHaveLength(1);
    const next = await open(server, before, takesTokens);
    expect((await handedTo(next)).token).toBe(tokens(device)[0]?.token);
  });

  test("two rotations in a row: it gets the last, with whichever of the tokens before it comes", async () => {
    const { server, rotate } = await start();
    const before = server.addDevice("ems_001");
    const device = await open(server, before, takesTokens);
    await eventually(() => expect(server.devices.find("ems_001")?.token?.sealKey).not.toBeNull());
    const middle = await rotate("ems_001");
    await handedTo(device);
    device.webSocket.terminate();
    const last = await rotate("ems_001");
    for (const token of [before, middle.token]) {
      const back = await open(server, token, takesTokens);
      expect((await handedTo(back)).token).toBe(last.token);
    }
  });

  test("an acknowledgement of what was not sent over this link ends nothing", async () => {
    const { server, rotate } = await start();
    const before = server.addDevice("ems_001");
    const { token } = await rotate("ems_001");
    const device = await open(server, before, { commands: {} });
    const id = server.devices.tokenIdOf("ems_001");
    device.send({ type: "token_stored", token_id: id });
    device.send({ type: "peers", subscribe: true });
    await eventually(() => expect(device.received.join()).toContain('"device_ids"'));
    expect(device.webSocket.readyState).toBe(device.webSocket.OPEN);
    expect(await knock(server, token)).toBe(101);
  });
});

describe("many at once", () => {
  test("each has its own outcome and its row in the audit, and the same request again does nothing", async () => {
    const { server, admin } = await start();
    server.addDevice("there");
    const devices = [
      { device_id: "a", token: "a token of a's own".replaceAll(" ", "_"), properties: { site: "harbour" } },
      { device_id: "b" },
      { device_id: "there" },
      { device_id: "not an id" },
      { device_id: "b" },
    ];
    const first = await admin.json<BulkDevicesAnswer>("POST", "/bulk/devices", { devices });
    expect(first.results.map(({ outcome, code }) => [outcome, code])).toEqual([
      ["added", undefined],
      ["added", undefined],
      ["refused", "device_exists"],
      ["refused", "invalid_request"],
      ["refused", "invalid_request"],
    ]);
    expect(await knock(server, first.results[1]?.token ?? "", "b")).toBe(101);
    const again = await admin.json<BulkDevicesAnswer>("POST", "/bulk/devices", { devices });
    expect(again.results.map(({ outcome }) => outcome)).toEqual(["same", "refused", "refused", "refused", "refused"]);
    const { audit } = await admin.json<{ audit: AuditBody[] }>("GET", "/audit?action=device.add");
    expect(audit.filter(({ outcome }) => outcome === "done").map(({ device_id }) => device_id)).toEqual(["b", "a"]);

    const rotations = { devices: [{ device_id: "a", token: "another-token-of-its-own" }, { device_id: "none" }] };
    const rotated = await admin.json<BulkRotationsAnswer>("POST", "/bulk/rotations", rotations);
    expect(rotated.results).toMatchObject([
      { device_id: "a", outcome: "rotated", rotation: { state: "waiting" } },
      { device_id: "none", outcome: "refused", code: "unknown_device" },
    ]);
    const repeated = await admin.json<BulkRotationsAnswer>("POST", "/bulk/rotations", rotations);
    expect(repeated.results.map(({ outcome }) => outcome)).toEqual(["same", "refused"]);
    expect(await knock(server, devices[0]?.token ?? "", "a")).toBe(101);
    expect(await knock(server, "another-token-of-its-own", "a")).toBe(101);
    expect(await knock(server, devices[0]?.token ?? "", "a")).toBe(403);
  });

  test("a thousand fit into one request, and one more is refused", async () => {
    const { server, admin } = await start();
    const devices = Array.from({ length: 1_001 }, (_, at) => ({ device_id: `ems_${at}` }));
    expect((await admin.ask("POST", "/bulk/devices", { devices })).status).toBe(400);
    const added = await admin.json<BulkDevicesAnswer>("POST", "/bulk/devices", { devices: devices.slice(1) });
    expect(new Set(added.results.map(({ outcome }) => outcome))).toEqual(new Set(["added"]));
    const ids = devices.slice(1);
    const rotated = await admin.json<BulkRotationsAnswer>("POST", "/bulk/rotations", { devices: ids, overlap_s: 60 });
    expect(new Set(rotated.results.map(({ outcome }) => outcome))).toEqual(new Set(["rotated"]));
    expect(server.devices.count).toBe(1_000);
    const page = await admin.json<RotationsBody>("GET", "/token-rotations?limit=999");
    expect(page.rotations).toHaveLength(999);
    const rest = await admin.json<RotationsBody>("GET", `/token-rotations?cursor=${page.next_cursor}`);
    expect([rest.rotations.length, rest.next_cursor]).toEqual([1, null]);
  });
});
