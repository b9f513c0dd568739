import type {
  AllShareLinksBody,
  AuditBody,
  ChangedPersonBody,
  CommandBody,
  FleetCommandBody,
  OutstandingBody,
  RemovedApiTokenBody,
} from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { lockAccessFile } from "../../packages/server/dist/access/access-file.js";
import { openAdminClient } from "../../packages/server/dist/cli/admin-client.js";
import { callerWith } from "../support/commands.ts";
import { eventually } from "../support/eventually.ts";
import { BrowserLike, createAdministrator, invite, tokenOf } from "../support/people.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { batchOf, sampleAt } from "../support/samples.ts";
import { openDevice, openSocket, tryOpenSocket } from "../support/sockets.ts";
import { startServer, type TestServer, type TestServerOptions } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

/**
 * What somebody set going goes on without them: commands, fleet commands, links, tokens, downloads. It must not once they may not any more,
 * whichever way that came about, and must where they have only left.
 */

const settings = { "access.dashboards": "people" };
const discharge = { action: "SET_MODE", payload: { target_mode: "MANUAL_DISCHARGE", target_power: 5_000 } } as const;
const reset = { action: "RESET_ERROR", payload: {} } as const;

interface Scene {
  readonly server: TestServer;
  readonly admin: BrowserLike;
  /** Operator of the devices `mine` and `other`. */
  readonly ann: BrowserLike;
  readonly deviceToken: string;
}

async function open(options: TestServerOptions = {}): Promise<Scene> {
  const server = await startServer({ settings, ...options });
  const deviceToken = server.addDevice("mine");
  server.addDevice("other");
  const admin = await createAdministrator(server);
  const ann = await invite(admin, "ann", { role: "operator", devices: ["mine", "other"] });
  return { server, admin, ann, deviceToken };
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

/** An API token of these rights. */
async function tokenFor(admin: BrowserLike, name: string, body: object = {}): Promise<string> {
  return (await admin.json<{ token: string }>("POST", "/api-tokens", { name, role: "operator", ...body })).token;
}

describe("a command that waits for its device", () => {
  const ways: [string, (scene: Scene) => Promise<unknown>][] = [
    ["is removed", ({ admin }) => admin.json("DELETE", "/people/ann")],
    ["may only look now", ({ admin }) => admin.json("PATCH", "/people/ann", { role: "viewer" })],
    ["has other devices now", ({ admin }) => admin.json("PATCH", "/people/ann", { devices: ["other"] })],
    ["has none any more", ({ admin }) => admin.json("PATCH", "/people/ann", { devices: [] })],
  ];
  test.each(ways)("is cancelled, and never sent, where whoever gave it %s", async (_, change) => {
    const scene = await open();
    const { server, admin, ann, deviceToken } = scene;
    const given = await ann.json<CommandBody>("POST", "/devices/mine/commands", discharge);
    expect(given.status).toBe("queued");
    expect(await change(scene)).toMatchObject({
      ended: { count: 1, items: [{ kind: "command", id: given.command_id, device_id: "mine", about: "SET_MODE" }] },
    });
    const device = await openDevice(server.wsUrl, "mine", deviceToken);
    // What is given now arrives, and nothing before it.
    await admin.json("POST", "/devices/mine/commands", reset);
    await device.receive(1);
    expect(device.received.map((frame) => JSON.parse(frame).action)).toEqual(["RESET_ERROR"]);
    const ended = await admin.json<CommandBody>("GET", `/devices/mine/commands/${given.command_id}`);
    expect(ended.status).toBe("cancelled");
    expect(ended.history.at(-1)?.cause).toMatch(/may no longer command this device/);
  });

  test("of an API token is cancelled when the token is removed, and not sent once it has expired", async () => {
    const clock = new ManualClock(Date.now());
    const { server, admin, deviceToken } = await open({ clock });
    const removed = callerWith(server, await tokenFor(admin, "removed"));
    const expired = callerWith(server, await tokenFor(admin, "expired", { ttl_ms: 60_000 }));
    const first = await removed.give("mine", discharge);
    const second = await expired.give("mine", { ...reset, ttl_ms: 3_600_000 });
    expect(await admin.json<RemovedApiTokenBody>("DELETE", "/api-tokens/removed")).toMatchObject({
      ended: { count: 1, items: [{ kind: "command", id: first.command_id }] },
    });
    clock.advance(60_000);
    const device = await openDevice(server.wsUrl, "mine", deviceToken);
    for (const { command_id } of [first, second]) {
      await eventually(async () =>
        expect(await admin.json("GET", `/devices/mine/commands/${command_id}`)).toMatchObject({ status: "cancelled" }),
      );
    }
    expect(device.received).toEqual([]);
  });

  test("is sent where whoever gave it has only signed out, has another password, or was given more", async () => {
    const { server, admin, ann, deviceToken } = await open();
    const given = await ann.json<CommandBody>("POST", "/devices/mine/commands", discharge);
    await admin.json("PATCH", "/people/ann", { devices: null });
    await admin.json("PUT", "/people/ann/password", { password: "another long password" });
    await ann.ask("DELETE", "/session?everywhere=true");
    const device = await openDevice(server.wsUrl, "mine", deviceToken);
    expect(JSON.parse((await device.receive(1))[0] ?? "")).toMatchObject({ command_id: given.command_id });
  });

  test("is not somebody else's of the same name", async () => {
    const { server, admin, ann, deviceToken } = await open();
    const given = await ann.json<CommandBody>("POST", "/devices/mine/commands", discharge);
    const fleet = await ann.json<FleetCommandBody>("POST", "/fleet-commands", { ...reset, where: ["id = other"] });
    await admin.json("DELETE", "/people/ann");
    const other = await invite(admin, "ann", { role: "operator", devices: ["mine"] });
    await openDevice(server.wsUrl, "mine", deviceToken);
    expect(await other.json("GET", `/devices/mine/commands/${given.command_id}`)).toMatchObject({
      status: "cancelled",
    });
    expect((await other.ask("GET", `/fleet-commands/${fleet.fleet_command_id}`)).status).toBe(404);
  });

  test("that was sent already and not answered is not sent again, and ends unconfirmed", async () => {
    const clock = new ManualClock(Date.now());
    const { server, admin, ann, deviceToken } = await open({ clock });
    const before = await openDevice(server.wsUrl, "mine", deviceToken);
    const given = await ann.json<CommandBody>("POST", "/devices/mine/commands", discharge);
    await before.receive(1);
    expect(await admin.json<ChangedPersonBody>("DELETE", "/people/ann")).toMatchObject({ ended: { count: 0 } });
    before.webSocket.terminate();
    const after = await openDevice(server.wsUrl, "mine", deviceToken);
    await admin.json("POST", "/devices/mine/commands", reset);
    await after.receive(1);
    expect(after.received.map((frame) => JSON.parse(frame).action)).toEqual(["RESET_ERROR"]);
    clock.advance(25 * 3_600_000);
    await eventually(async () =>
      expect(await admin.json("GET", `/devices/mine/commands/${given.command_id}`)).toMatchObject({
        status: "unconfirmed",
      }),
    );
  });

  test("ends at the next start where whoever gave it was removed while no server ran", async () => {
    const { server, ann, deviceToken } = await open();
    const given = await ann.json<CommandBody>("POST", "/devices/mine/commands", discharge);
    await ann.json("POST", "/devices/mine/share-links", { label: "Installer", ttl_ms: 3_600_000 });
    await server.stop();
    const administration = await openAdminClient({ dataDir: server.dataDir });
    expect(await administration.removePerson("ann")).toMatchObject({ ended: { count: 1 } });
    await administration.close();
    const next = await startServer({ settings, dataDir: server.dataDir });
    const device = await openDevice(next.wsUrl, "mine", deviceToken);
    const admin = new BrowserLike(next.url);
    await admin.signIn("root");
    expect(await admin.json("GET", `/devices/mine/commands/${given.command_id}`)).toMatchObject({
      status: "cancelled",
    });
    const { audit } = await admin.json<{ audit: AuditBody[] }>("GET", "/audit?action=outstanding.end");
    expect(audit.map(({ detail }) => detail)).toEqual([
      { count: 1, items: [`command ${given.command_id}`] },
      { count: 1, items: [expect.stringMatching(/^share_link /)] },
    ]);
    expect(device.received).toEqual([]);
  });
});

describe("a fleet command", () => {
  const ways: [string, object][] = [
    ["is removed", {}],
    ["may only look now", { role: "viewer" }],
  ];
  test.each(ways)("begins no further wave once whoever began it %s", async (_, change) => {
    const { server, admin, ann, deviceToken } = await open();
    const device = await openDevice(server.wsUrl, "mine", deviceToken);
    const body = { ...reset, where: ["id != nothing"], settle_ms: 0, canary: 1 };
    const fleet = await ann.json<FleetCommandBody>("POST", "/fleet-commands", body);
    // The one that is there comes first, and has not shown yet that it has obeyed.
    await device.receive(1);
    const isRemoved = Object.keys(change).length === 0;
    const answer = await admin.json<ChangedPersonBody>(isRemoved ? "DELETE" : "PATCH", "/people/ann", {
      ...(!isRemoved && change),
    });
    expect(answer.ended.items).toContainEqual({
      kind: "fleet_command",
      id: fleet.fleet_command_id,
      device_id: null,
      about: "RESET_ERROR",
    });
    const idle = { state: "IDLE", mode: "AUTO", error_flags: [] };
    device.send(sampleOf("mine", { system_status: idle } as never));
    const path = `/fleet-commands/${fleet.fleet_command_id}`;
    await eventually(async () => {
      const ended = await admin.json<FleetCommandBody>("GET", path);
      expect(ended).toMatchObject({ status: "stopped", cause: expect.stringContaining("may no longer command") });
      expect(ended.counts).toMatchObject({ skipped: 1 });
    });
    expect(await admin.json("GET", "/devices/other/commands")).toMatchObject({ commands: [] });
  });

  test("passes over a device that whoever began it was given no longer, and says why", async () => {
    const { server, admin, ann, deviceToken } = await open();
    const device = await openDevice(server.wsUrl, "mine", deviceToken);
    const body = { ...reset, where: ["id != nothing"], settle_ms: 0, canary: 1, failures_max: 1 };
    const fleet = await ann.json<FleetCommandBody>("POST", "/fleet-commands", body);
    await device.receive(1);
    await admin.json("PATCH", "/people/ann", { devices: ["mine"] });
    device.send(sampleOf("mine", { system_status: { state: "IDLE", mode: "AUTO", error_flags: [] } } as never));
    const path = `/fleet-commands/${fleet.fleet_command_id}`;
    await eventually(async () => {
      expect(await admin.json("GET", path)).toMatchObject({ status: "done", counts: { applied: 1, cancelled: 1 } });
    });
    const { devices } = await admin.json<{ devices: { device_id: string; cause: string }[] }>("GET", `${path}/devices`);
    expect(devices[1]).toMatchObject({ device_id: "other", cause: expect.stringContaining("may no longer command") });
  });

  test("of an expired token stops itself", async () => {
    const clock = new ManualClock(Date.now());
    const { server, admin } = await open({ clock });
    const caller = callerWith(server, await tokenFor(admin, "short", { ttl_ms: 60_000 }));
    const { body: fleet } = await caller.post<FleetCommandBody>("/fleet-commands", { ...reset, where: ["id != x"] });
    clock.advance(60_500);
    await eventually(async () =>
      expect(await admin.json("GET", `/fleet-commands/${fleet.fleet_command_id}`)).toMatchObject({
        status: "stopped",
      }),
    );
  });
});

describe("a share link", () => {
  const share = (browser: BrowserLike, deviceId = "mine") =>
    browser.json<{ share_link: { share_id: string }; path: string }>("POST", `/devices/${deviceId}/share-links`, {
      label: "Installer",
      ttl_ms: 3_600_000,
    });

  test("ends with the person who made it, in browsers that have opened it too, and does not come back with the right", async () => {
    const { server, admin, ann } = await open();
    const { path } = await share(ann);
    const guest = new BrowserLike(server.url);
    await guest.json("POST", "/share-session", { token: tokenOf(path) });
    const dashboard = await openSocket(`${server.wsUrl}/ws/dashboard/mine`, { headers: guest.handshake });
    await admin.json("PATCH", "/people/ann", { role: "viewer" });
    expect((await dashboard.closed).reason).toBe("rights changed");
    await admin.json("PATCH", "/people/ann", { role: "operator" });
    expect((await guest.ask("GET", "/devices/mine")).status).toBe(401);
    expect((await guest.ask("POST", "/share-session", { token: tokenOf(path) })).status).toBe(404);
    expect(await ann.json("GET", "/share-links")).toEqual({ share_links: [], next_cursor: null });
  });

  test("stands in one list with all others: of everybody for administrators, else one's own, page by page", async () => {
    const { admin, ann } = await open();
    const bob = await invite(admin, "bob", { role: "operator", devices: ["mine"] });
    await share(ann);
    await share(ann, "other");
    await share(bob);
    const all: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: AllShareLinksBody = await admin.json("GET", `/share-links?limit=2${cursor && `&cursor=${cursor}`}`);
      all.push(...page.share_links.map(({ created_by, device_id }) => `${created_by} ${device_id}`));
      cursor = page.next_cursor;
    }
    expect(all.sort()).toEqual(["ann mine", "ann other", "bob mine"]);
    const own = await bob.json<AllShareLinksBody>("GET", "/share-links");
    expect(own.share_links.map(({ created_by }) => created_by)).toEqual(["bob"]);
    const eve = await invite(admin, "eve", { role: "viewer", devices: null });
    expect((await eve.ask("GET", "/share-links")).status).toBe(403);
  });

  test("of an earlier version, of which only a name is known, holds while somebody of this name may share the device", async () => {
    const { server, admin, ann } = await open();
    const kept = await share(ann);
    const gone = await share(await invite(admin, "bob", { role: "operator", devices: ["mine"] }));
    await server.stop();
    const file = lockAccessFile(server.dataDir);
    file.exec("UPDATE share_link SET made_by = NULL; DELETE FROM person WHERE name = 'bob'");
    file.close();
    const next = await startServer({ settings, dataDir: server.dataDir });
    const answers = [kept, gone].map(({ path }) =>
      new BrowserLike(next.url).ask("POST", "/share-session", { token: tokenOf(path) }),
    );
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 404]);
  });
});

describe("an administrator who is removed", () => {
  test("leaves no API token and no one-time link behind, nor what these tokens have made, and the list of it comes first", async () => {
    const { server, admin } = await open();
    const eve = await invite(admin, "eve", { role: "admin", devices: null });
    const token = await tokenFor(eve, "by eve", { role: "admin" });
    const made = await fetch(`${server.url}/api/v1/api-tokens`, {
      method: "POST",
      headers: { ...bearer(token).headers, "content-type": "application/json" },
      body: JSON.stringify({ name: "by the token", role: "viewer" }),
    });
    const second = ((await made.json()) as { token: string }).token;
    const reset = await eve.json<{ path: string }>("POST", "/people/ann/link");
    const setup = await eve.json<{ path: string }>("POST", "/setup-link");
    await tokenFor(admin, "by root");
    const dashboard = await openSocket(`${server.wsUrl}/ws/fleet`, bearer(second));

    const listed = await admin.json<OutstandingBody>("GET", "/people/eve/outstanding");
    expect(listed.count).toBe(4);
    expect(listed.items.map(({ kind, id, about }) => `${kind} ${id} ${about}`).sort()).toEqual([
      "api_token by eve admin",
      "api_token by the token viewer",
      "one_time_link password ann",
      "one_time_link setup ",
    ]);
    const { ended } = await admin.json<ChangedPersonBody>("DELETE", "/people/eve");
    expect(new Set(ended.items)).toEqual(new Set(listed.items));

    for (const each of [token, second]) {
      expect((await fetch(`${server.url}/api/v1/devices`, bearer(each))).status).toBe(401);
    }
    expect((await dashboard.closed).reason).toBe("rights changed");
    for (const { path } of [reset, setup]) {
      const use = await new BrowserLike(server.url).ask("POST", "/one-time-links/redeem", {
        token: tokenOf(path),
        name: "mallory",
        password: "a long enough one",
      });
      expect(use.status).toBe(404);
    }
    const { api_tokens } = await admin.json<{ api_tokens: { name: string; made_by: string }[] }>("GET", "/api-tokens");
    expect(api_tokens.map(({ name, made_by }) => [name, made_by])).toEqual([["by root", "person root"]]);
  });

  test("who becomes operator loses the same", async () => {
    const { server, admin } = await open();
    const eve = await invite(admin, "eve", { role: "admin", devices: null });
    const token = await tokenFor(eve, "by eve", { role: "viewer" });
    await admin.json("PATCH", "/people/eve", { role: "operator" });
    expect((await fetch(`${server.url}/api/v1/devices`, bearer(token))).status).toBe(401);
  });

  test("what a token made ends when the token expires", async () => {
    const clock = new ManualClock(Date.now());
    const { server, admin } = await open({ clock });
    const short = await tokenFor(admin, "short", { role: "admin", ttl_ms: 60_000 });
    const made = await fetch(`${server.url}/api/v1/api-tokens`, {
      method: "POST",
      headers: { ...bearer(short).headers, "content-type": "application/json" },
      body: JSON.stringify({ name: "long", role: "viewer" }),
    });
    const { token: long } = (await made.json()) as { token: string };
    expect((await fetch(`${server.url}/api/v1/devices`, bearer(long))).status).toBe(200);
    clock.advance(60_000);
    expect((await fetch(`${server.url}/api/v1/devices`, bearer(long))).status).toBe(401);
    expect(await tryOpenSocket(`${server.wsUrl}/ws/fleet`, bearer(long))).toMatchObject({ status: 403 });
  });
});

test("a download that is under way breaks off within a second when whoever asked for it is removed", async () => {
  const clock = new ManualClock(Date.now());
  const { server, admin, ann } = await open({ clock });
  const fromMs = Date.parse("2026-01-01T00:00:00Z");
  const wide = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`point_${at}`, 1_000_000 + at]));
  for (let batch = 0; batch < 40; batch++) {
    const samples = Array.from({ length: 1_000 }, (_, at) =>
      sampleAt(
        fromMs + (batch * 1_000 + at) * 1_000,
        batch * 1_000 + at,
        { grid: wide },
        { deviceId: "mine", epoch: 1 },
      ),
    );
    await server.store.append([batchOf(samples)]);
  }
  const raw = await RawSocket.connect(server.url);
  const headers = { host: new URL(server.url).host, cookie: ann.cookie };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const path = "/api/v1/export?device=mine&from=2026-01-01T00:00:00Z";
  raw.socket.once("data", () => raw.socket.pause());
  raw.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
  await eventually(() => expect(raw.socket.isPaused()).toBe(true));
  await admin.json("DELETE", "/people/ann");
  clock.advance(1_000);
  // What lies in the sockets' buffers still comes; the end of the answer does not.
  let text = "";
  raw.socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  raw.socket.resume();
  await raw.ended();
  expect(text.endsWith("0\r\n\r\n")).toBe(false);
});
