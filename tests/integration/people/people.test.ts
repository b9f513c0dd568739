import type {
  AuditBody,
  CommandBody,
  DevicesBody,
  EventsBody,
  FleetCommandBody,
  FleetEnergyBody,
  FleetFrame,
  FleetPreviewBody,
  FleetTotalsBody,
  MeBody,
  PersonBody,
  Problem,
  ShareLinkBody,
} from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { BrowserLike, createAdministrator, invite, tokenOf } from "../../support/people.ts";
import { batchOf, sampleAt } from "../../support/samples.ts";
import { openDevice, openSocket, tryOpenSocket } from "../../support/sockets.ts";
import { startServer, type TestServer, type TestServerOptions } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const people = { settings: { "access.dashboards": "people" } };

async function problemOf(response: Response): Promise<Problem> {
  return (await response.json()) as Problem;
}

/** The status of a dashboard's handshake from this browser; 101 where it is let in. */
async function knock(server: TestServer, browser: BrowserLike, path: string): Promise<number> {
  const answer = await tryOpenSocket(server.wsUrl + path, { headers: browser.handshake });
  return "status" in answer ? answer.status : 101;
}

/** Two devices that send, the administrator, and ann, who was given one of them. */
async function startWithOwner(options: TestServerOptions = {}) {
  const server = await startServer({ ...people, ...options });
  for (const deviceId of ["mine", "foreign"]) {
    const device = await openDevice(server.wsUrl, deviceId, server.addDevice(deviceId));
    device.send(sampleOf(deviceId));
  }
  const admin = await createAdministrator(server);
  const ann = await invite(admin, "ann", { role: "operator", devices: ["mine"] });
  return { server, admin, ann };
}

describe("the first start", () => {
  test("makes one link, which creates the administrator once and then never again", async () => {
    const server = await startServer(people);
    const { path } = server.setupLink ?? { path: "" };
    const browser = new BrowserLike(server.url);
    expect(await browser.json("POST", "/one-time-links/inspect", { token: tokenOf(path) })).toMatchObject({
      kind: "setup",
      person: null,
    });
    const weak = await browser.ask("POST", "/one-time-links/redeem", {
      token: tokenOf(path),
      name: "root",
      password: "short",
    });
    expect([weak.status, (await problemOf(weak)).detail]).toEqual([400, expect.stringContaining("at least 12")]);
    const me = await browser.redeem(path, { name: "Root", password: "a long enough one" });
    expect(me).toMatchObject({ kind: "person", name: "root", role: "admin", devices: null });
    expect(await browser.json("GET", "/me")).toMatchObject({ kind: "person", name: "root" });

    const again = await new BrowserLike(server.url).ask("POST", "/one-time-links/redeem", {
      token: tokenOf(path),
      name: "other",
      password: "a long enough one",
    });
    expect([again.status, (await problemOf(again)).code]).toEqual([404, "link_not_valid"]);
    await server.stop();
    const next = await startServer({ ...people, dataDir: server.dataDir });
    expect(next.setupLink).toBeNull();
    // A restart signs nobody out.
    const back = new BrowserLike(next.url);
    back.cookies = browser.cookies;
    expect(await back.json("GET", "/me")).toMatchObject({ name: "root" });
  });

  test("two who use the same link at once: one becomes administrator", async () => {
    const server = await startServer(people);
    const token = tokenOf(server.setupLink?.path ?? "");
    const tries = ["eve", "bob"].map((name) =>
      new BrowserLike(server.url).ask("POST", "/one-time-links/redeem", { token, name, password: "a long enough one" }),
    );
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 404]);
    expect(server.people.list()).toHaveLength(1);
  });

  test("a link is void when its time is over", async () => {
    const clock = new ManualClock(Date.now());
    const server = await startServer({ ...people, clock });
    clock.advance(24 * 3_600_000);
    const late = await new BrowserLike(server.url).ask("POST", "/one-time-links/inspect", {
      token: tokenOf(server.setupLink?.path ?? ""),
    });
    expect(late.status).toBe(404);
  });
});

describe("signing in and out", () => {
  test("works with the name and with the e-mail address, in any case, and the cookie is the browser's alone", async () => {
    const server = await startServer(people);
    const admin = await createAdministrator(server);
    await invite(admin, "bob", { role: "viewer", devices: null });
    await admin.json("PATCH", "/people/bob", { email: "Bob@Example.org" });
    for (const account of ["bob", " BOB ", "bob@example.org"]) {
      const browser = new BrowserLike(server.url);
      const answer = await browser.ask("POST", "/session", { account, password: "bob's long password" });
      expect([account, answer.status]).toEqual([account, 200]);
      const [cookie = ""] = answer.headers.getSetCookie();
      for (const part of ["wattboard-insecure=wb_", "HttpOnly", "SameSite=Strict", "Path=/"]) {
        expect(cookie).toContain(part);
      }
      // Safari keeps no `Secure` cookie of loopback without TLS.
      expect(cookie).not.toMatch(/Domain|Secure/);
      expect(await browser.json("GET", "/me")).toMatchObject({ kind: "person", name: "bob", role: "viewer" });
    }
  });

  test("signing out ends the session, and what is open with it within a second", async () => {
    const { server, ann } = await startWithOwner();
    const dashboard = await openSocket(`${server.wsUrl}/ws/dashboard/mine`, { headers: ann.handshake });
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`, { headers: ann.handshake });
    const { handshake } = ann;
    await ann.json("DELETE", "/session");
    expect(await dashboard.closed).toEqual({ code: 1008, reason: "rights changed" });
    expect(await fleet.closed).toEqual({ code: 1008, reason: "rights changed" });
    // Whoever kept the cookie has nothing any more.
    expect(await tryOpenSocket(`${server.wsUrl}/ws/fleet`, { headers: handshake })).toMatchObject({ status: 403 });
    expect((await ann.ask("GET", "/me")).status).toBe(401);
  });

  test("a session ends by itself, also on open sockets", async () => {
    const clock = new ManualClock(Date.now());
    const settings = { ...people.settings, "access.session_ms": "60000", "heartbeat.ping_ms": "3600000" };
    const server = await startServer({ settings, clock });
    const admin = await createAdministrator(server);
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`, { headers: admin.handshake });
    clock.advance(59_000);
    expect((await admin.ask("GET", "/me")).status).toBe(200);
    clock.advance(1_000);
    expect(await fleet.closed).toEqual({ code: 1008, reason: "rights changed" });
    expect((await admin.ask("GET", "/me")).status).toBe(401);
  });

  test("a person's new password signs them out everywhere else", async () => {
    const { server, ann } = await startWithOwner();
    const other = new BrowserLike(server.url);
    await other.signIn("ann");
    const change = { present: "ann's long password", password: "another long password" };
    const wrong = await ann.ask("POST", "/me/password", { ...change, present: "not this one at all" });
    expect([wrong.status, (await problemOf(wrong)).detail]).toEqual([400, expect.stringContaining("present password")]);
    await ann.json("POST", "/me/password", change);
    expect((await ann.ask("GET", "/me")).status).toBe(200);
    expect((await other.ask("GET", "/me")).status).toBe(401);
    await expect(other.signIn("ann")).rejects.toThrow("401");
    await other.signIn("ann", "another long password");
  });

  test("a password that was forgotten is chosen anew by a link of an administrator; until then the old one holds", async () => {
    const { admin, ann } = await startWithOwner();
    const link = await admin.json<{ path: string }>("POST", "/people/ann/link");
    expect((await ann.ask("GET", "/me")).status).toBe(200);
    const fresh = new BrowserLike(ann.url);
    await fresh.redeem(link.path, { password: "the third long password" });
    expect(await fresh.json("GET", "/me")).toMatchObject({ name: "ann" });
    expect((await ann.ask("GET", "/me")).status).toBe(401);
  });
});

describe("an attacker", () => {
  test("with a stolen cookie gets no further from a page of another site, nor from a program that is no browser", async () => {
    const { server, admin } = await startWithOwner();
    for (const origin of [
      "https://evil.example",
      "null",
      server.url.replace("http:", "https:"),
      `${server.url}.evil`,
    ]) {
      const thief = new BrowserLike(server.url);
      thief.cookies = admin.cookies;
      thief.origin = origin;
      for (const path of ["/ws/fleet", "/ws/dashboard/mine"]) expect(await knock(server, thief, path)).toBe(403);
      const change = await thief.ask("POST", "/devices", { device_id: "evil" });
      expect([origin, change.status, (await problemOf(change)).code]).toEqual([origin, 403, "cross_origin"]);
      expect((await thief.ask("GET", "/devices")).status).toBe(401);
    }
    const headers = { cookie: admin.cookie };
    const program = await fetch(`${server.url}/api/v1/devices/mine`, { method: "DELETE", headers });
    expect(program.status).toBe(403);
    expect(await tryOpenSocket(`${server.wsUrl}/ws/fleet`, { headers })).toMatchObject({ status: 403 });
    expect(server.devices.find("evil")).toBeUndefined();
    expect(server.devices.find("mine")).toBeDefined();
  });

  test("whose page is on another port of the same host has nothing of the cookies that the browser sends with it", async () => {
    const { server, admin, ann } = await startWithOwner();
    const { path } = await ann.json<{ path: string }>("POST", "/devices/mine/share-links", {
      label: "x",
      ttl_ms: 60_000,
    });
    const guest = new BrowserLike(server.url);
    await guest.json("POST", "/share-session", { token: tokenOf(path) });
    const get = async (browser: BrowserLike, asked: string, headers: Readonly<Record<string, string>>) =>
      (await fetch(`${server.url}/api/v1${asked}`, { headers: { cookie: browser.cookie, ...headers } })).status;
    for (const site of ["same-site", "cross-site", "whatever"]) {
      expect([site, await get(admin, "/audit/export", { "sec-fetch-site": site })]).toEqual([site, 401]);
      expect([site, await get(guest, "/devices/mine", { "sec-fetch-site": site })]).toEqual([site, 401]);
    }
    // Of the page itself, typed into the address bar, and from a browser that does not say.
    for (const headers of [{ "sec-fetch-site": "same-origin" }, { "sec-fetch-site": "none" }, {}]) {
      expect(await get(admin, "/audit/verify", headers as Record<string, string>)).toBe(200);
      expect(await get(guest, "/devices/mine", headers as Record<string, string>)).toBe(200);
    }
    expect((await admin.json<{ audit: AuditBody[] }>("GET", "/audit?action=audit.export")).audit).toEqual([]);
  });

  test("cannot keep somebody out of a browser in which they have signed in before", async () => {
    const { server, ann } = await startWithOwner({ clock: new ManualClock(Date.now()) });
    await ann.json("DELETE", "/session");
    expect([...ann.cookies.keys()]).toEqual(["wattboard-browser-insecure"]);
    for (let tries = 0; tries < 25; tries++) await new BrowserLike(server.url).signIn("ann", "wrong").catch(() => {});
    // From the same address, which has used up its tries, as has the account.
    await expect(new BrowserLike(server.url).signIn("ann")).rejects.toThrow("429");
    expect(await ann.signIn("ann")).toMatchObject({ name: "ann" });
  });

  test("opens a share link over and over: after sixty times in a row the address is told to wait", async () => {
    const { server, ann } = await startWithOwner({ clock: new ManualClock(Date.now()) });
    const { path } = await ann.json<{ path: string }>("POST", "/devices/mine/share-links", {
      label: "x",
      ttl_ms: 60_000,
    });
    const statuses: number[] = [];
    for (let times = 0; times < 61; times++) {
      statuses.push((await new BrowserLike(server.url).ask("POST", "/share-session", { token: tokenOf(path) })).status);
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(60);
    expect(statuses.at(-1)).toBe(429);
  });

  test("cannot sign a victim in to an account of his own from another site", async () => {
    const { server } = await startWithOwner();
    const victim = new BrowserLike(server.url);
    victim.origin = "https://evil.example";
    const answer = await victim.ask("POST", "/session", { account: "ann", password: "ann's long password" });
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([403, []]);
  });

  test("who guesses is told the same for an account that exists and for one that does not, and is soon not listened to", async () => {
    const { server } = await startWithOwner({ clock: new ManualClock(Date.now()) });
    const guess = async (account: string) => {
      const answer = await new BrowserLike(server.url).ask("POST", "/session", { account, password: "wrong" });
      const problem = await problemOf(answer);
      return { ...problem, detail: problem.detail.replace(/\d+ s/, "N s") };
    };
    const answers: object[][] = [];
    for (const account of ["ann", "nobody"]) {
      const each: object[] = [];
      for (let tries = 0; tries < 11; tries++) each.push(await guess(account));
      answers.push(each);
    }
    const [known = [], unknown = []] = answers;
    expect(known[0]).toMatchObject({ status: 401, code: "wrong_credentials" });
    expect(known[10]).toMatchObject({ status: 429, code: "too_many_attempts" });
    // The address has used its 20 tries by then: the last answer to the unknown account is 429 for either reason.
    expect(unknown.slice(0, 9)).toEqual(known.slice(0, 9));
    expect(unknown[10]).toEqual(known[10]);
    // The right password does not help any more from there, and costs no hash.
    await expect(new BrowserLike(server.url).signIn("ann")).rejects.toThrow("429");
  });

  test("does the same work for an account without a password, or without existence, as for a real one", async () => {
    const server = await startServer(people);
    const admin = await createAdministrator(server);
    await admin.json("POST", "/people", { name: "invited", role: "viewer", devices: null });
    for (const account of ["root", "invited", "nobody"]) {
      const answer = await new BrowserLike(server.url).ask("POST", "/session", { account, password: "x" });
      expect([account, answer.status, (await problemOf(answer)).detail]).toEqual([
        account,
        401,
        "The name or the password is wrong.",
      ]);
    }
  });

  test("who reads the data folder's file finds no password, no session and no link in it", async () => {
    const { server, admin } = await startWithOwner();
    const { path } = await admin.json<{ path: string }>("POST", "/devices/mine/share-links", {
      label: "x",
      ttl_ms: 60_000,
    });
    const secrets = [...admin.cookies.values(), tokenOf(path), "root's long password", "ann's long password"];
    await server.stop();
    const { readFileSync, readdirSync } = await import("node:fs");
    for (const name of readdirSync(server.dataDir)) {
      const content = readFileSync(`${server.dataDir}/${name}`).toString("latin1");
      for (const secret of secrets) expect([name, content.includes(secret)]).toEqual([name, false]);
    }
  });
});

describe("an owner", () => {
  test("sees their own devices and no others, at every door; a foreign one answers as one that does not exist", async () => {
    const { server, ann } = await startWithOwner();
    expect(await ann.json("GET", "/me")).toMatchObject({ name: "ann", role: "operator", devices: ["mine"] });
    const { devices } = await ann.json<{ devices: { device_id: string }[] }>("GET", "/devices");
    expect(devices.map(({ device_id }) => device_id)).toEqual(["mine"]);
    expect(await knock(server, ann, "/ws/dashboard/mine")).toBe(101);

    const normal = (text: string) => text.replaceAll(/foreign|nowhere/g, "ID");
    const parts = ["latest", "points", "samples", "history", "timeline", "energy", "commands", "share-links"];
    for (const path of ["", ...parts.map((part) => `/${part}`)]) {
      const [foreign, unknown] = await Promise.all(
        ["foreign", "nowhere"].map(async (id) => {
          const answer = await ann.ask("GET", `/devices/${id}${path}`);
          return [answer.status, normal(await answer.text())];
        }),
      );
      expect(foreign).toEqual(unknown);
      expect(foreign?.[0]).toBe(404);
      expect((await ann.ask("GET", `/devices/mine${path}`)).status).toBe(200);
    }
    const share = { label: "x", ttl_ms: 60_000 };
    expect((await ann.ask("POST", "/devices/foreign/share-links", share)).status).toBe(404);
    const doors = await Promise.all(
      ["foreign", "nowhere"].map((id) =>
        tryOpenSocket(`${server.wsUrl}/ws/dashboard/${id}`, { headers: ann.handshake }),
      ),
    );
    expect(doors[0]).toMatchObject({ status: 404 });
    expect(doors[0]).toEqual(doors[1]);
  });

  test("gets sums over their own devices only, however they ask for more", async () => {
    const { server, admin, ann } = await startWithOwner();
    const fromMs = Date.parse("2025-06-01T12:00:00Z");
    for (const [deviceId, power] of [
      ["mine", 100],
      ["foreign", 1_000],
    ] as const) {
      const samples = Array.from({ length: 360 }, (_, at) =>
        sampleAt(fromMs + at * 10_000, at, { grid: { power } }, { deviceId, epoch: fromMs }),
      );
      await server.store.append([batchOf(samples)]);
    }
    const totals = "/fleet/totals?from=2025-06-01T12:00:00Z&to=2025-06-01T13:00:00Z&buckets=60";
    const energy = "/fleet/energy?from=2025-06-01&to=2025-06-02";
    expect(await admin.json<FleetTotalsBody>("GET", totals)).toMatchObject({
      device_count: 2,
      sum: Array(60).fill(1_100),
    });
    expect(await ann.json<FleetTotalsBody>("GET", totals)).toMatchObject({
      device_count: 1,
      devices: Array(60).fill(1),
      sum: Array(60).fill(100),
    });
    const inAll = await admin.json<FleetEnergyBody>("GET", energy);
    const inMine = await ann.json<FleetEnergyBody>("GET", energy);
    expect([inAll.device_count, Math.round(inAll.total.imported_wh ?? 0)]).toEqual([2, 1_097]);
    expect([inMine.device_count, Math.round(inMine.total.imported_wh ?? 0)]).toEqual([1, 100]);

    const detail = async (path: string, id: string) => {
      const answer = await ann.ask("GET", `${path}&devices=mine,${id}`);
      return [answer.status, (await answer.text()).replaceAll(id, "ID")];
    };
    for (const path of [totals, energy]) {
      const foreign = await detail(path, "foreign");
      expect(foreign[0]).toBe(404);
      expect(foreign).toEqual(await detail(path, "nowhere"));
    }
    // What was given is taken away: the next question is answered without it.
    await admin.json("PATCH", "/people/ann", { devices: [] });
    expect(await ann.json<FleetTotalsBody>("GET", totals)).toMatchObject({ device_count: 0 });
    expect((await ann.ask("GET", "/devices/mine/history")).status).toBe(404);
  });

  test("may page through their devices alone", async () => {
    const { server, admin, ann } = await startWithOwner();
    const given = Array.from({ length: 7 }, (_, at) => `own_${at}`);
    for (const deviceId of [...given, ...given.map((id) => `not_${id}`)]) server.addDevice(deviceId);
    await admin.json("PATCH", "/people/ann", { devices: given });
    const found: string[] = [];
    for (let cursor = ""; ; ) {
      const page = await ann.json<DevicesBody>("GET", `/devices?limit=3${cursor}`);
      expect(page.devices.length).toBeLessThanOrEqual(3);
      found.push(...page.devices.map(({ device_id }) => device_id));
      if (page.next_cursor === null) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(found).toEqual(given);
  });

  test("gets the fleet's stream with their own devices only, when it begins and as it goes on", async () => {
    const { server, ann } = await startWithOwner();
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`, { headers: ann.handshake });
    const token = server.addDevice("third");
    const third = await openDevice(server.wsUrl, "third", token);
    const mine = await openDevice(server.wsUrl, "mine", tokenIn(server.devices.rotate("mine")));
    mine.send(sampleOf("mine", { battery: { soc: 12 } }));
    third.send(sampleOf("third"));
    await eventually(() => expect(fleet.received.join()).toContain('"battery.soc":12'));
    await fleet.receive(fleet.received.length + 2);
    const frames = fleet.received.map((text) => JSON.parse(text) as FleetFrame);
    const ids = frames.flatMap((frame) =>
      frame.type === "removed" ? frame.device_ids : frame.devices.map((row) => row.id),
    );
    expect(new Set(ids)).toEqual(new Set(["mine"]));
  });

  test("sees no event of a foreign device, nor of the server", async () => {
    const { admin, ann } = await startWithOwner();
    await admin.json("POST", "/devices/foreign/rotate", {});
    await admin.json("POST", "/devices/mine/rotate", {});
    const seen = async (browser: BrowserLike, query: string) =>
      (await browser.json<EventsBody>("GET", `/events?${query}`)).events.map((each) => each.device_id);
    expect(await seen(admin, "kind=token_changed")).toEqual(["mine", "foreign"]);
    expect(await seen(ann, "kind=token_changed")).toEqual(["mine"]);
    expect(await seen(ann, "kind=token_changed&limit=1")).toEqual(["mine"]);
    expect(new Set(await seen(admin, ""))).toEqual(new Set(["mine", "foreign"]));
    expect(new Set(await seen(ann, ""))).toEqual(new Set(["mine"]));
    expect(await seen(ann, "device_id=foreign")).toEqual([]);
    expect(await seen(admin, "device_id=foreign")).not.toEqual([]);
  });

  test("loses what is taken away within a second, on open sockets too, and gets what is given", async () => {
    const { server, admin, ann } = await startWithOwner();
    const dashboard = await openSocket(`${server.wsUrl}/ws/dashboard/mine`, { headers: ann.handshake });
    await admin.json("PATCH", "/people/ann", { devices: ["foreign"] });
    expect(await dashboard.closed).toEqual({ code: 1008, reason: "rights changed" });
    expect(await knock(server, ann, "/ws/dashboard/mine")).toBe(404);
    expect(await knock(server, ann, "/ws/dashboard/foreign")).toBe(101);
    await admin.json("DELETE", "/people/ann");
    expect((await ann.ask("GET", "/me")).status).toBe(401);
  });

  test("does not inherit a new device that has the name of a removed one", async () => {
    const { server, admin, ann } = await startWithOwner();
    await admin.json("DELETE", "/devices/mine");
    server.addDevice("mine");
    expect(await ann.json("GET", "/devices")).toMatchObject({ devices: [] });
    expect(await ann.json("GET", "/me")).toMatchObject({ devices: [] });
  });

  test("administers nothing, and neither does a viewer share", async () => {
    const { admin, ann } = await startWithOwner();
    const bob = await invite(admin, "bob", { role: "viewer", devices: ["mine"] });
    for (const [method, path, body] of [
      ["GET", "/people"],
      ["POST", "/people", { name: "x", role: "viewer", devices: null }],
      ["PATCH", "/people/ann", { devices: null }],
      ["DELETE", "/people/root"],
      ["POST", "/people/root/link"],
      ["PUT", "/people/root/password", { password: "a long enough one" }],
      ["POST", "/setup-link"],
      ["GET", "/audit"],
      ["GET", "/audit/export"],
      ["GET", "/audit/verify"],
      ["GET", "/api-tokens"],
      ["DELETE", "/devices/mine"],
    ] as [string, string, object?][]) {
      for (const browser of [ann, bob]) {
        const answer = await browser.ask(method, path, body);
        expect([method, path, answer.status]).toEqual([method, path, 403]);
      }
      const nobody = await new BrowserLike(ann.url).ask(method, path, body);
      expect([method, path, nobody.status]).toEqual([method, path, 401]);
    }
    expect((await bob.ask("GET", "/devices/mine")).status).toBe(200);
    expect((await bob.ask("GET", "/devices/mine/share-links")).status).toBe(403);
  });
});

describe("commands", () => {
  const order = { action: "RESET_ERROR", payload: {} };

  test("an owner gives them to their own devices; foreign ones do not exist, and whoever only looks gives none", async () => {
    const { admin, ann } = await startWithOwner();
    const bob = await invite(admin, "bob", { role: "viewer", devices: ["mine"] });
    const given = await ann.json<CommandBody>("POST", "/devices/mine/commands", order);
    expect(given).toMatchObject({ device_id: "mine", requested_by: "person ann" });
    for (const path of ["", `/${given.command_id}`]) {
      expect((await bob.ask("GET", `/devices/mine/commands${path}`)).status).toBe(200);
    }
    expect((await bob.ask("POST", "/devices/mine/commands", order)).status).toBe(403);

    await admin.json("POST", "/devices/foreign/commands", { ...order, command_id: "theirs" });
    for (const [method, path] of [
      ["POST", ""],
      ["GET", ""],
      ["GET", "/theirs"],
    ] as const) {
      const body = method === "POST" ? order : undefined;
      const foreign = await ann.ask(method, `/devices/foreign/commands${path}`, body);
      const unknown = await ann.ask(method, `/devices/nowhere/commands${path}`, body);
      expect([method, path, foreign.status]).toEqual([method, path, 404]);
      expect(await foreign.json()).toEqual(await unknown.json());
    }
    // A share link lets look, and not command.
    const { path } = await admin.json<{ path: string }>("POST", "/devices/foreign/share-links", {
      label: "for ann",
      ttl_ms: 60_000,
    });
    await ann.json("POST", "/share-session", { token: tokenOf(path) });
    expect((await ann.ask("POST", "/devices/foreign/commands", order)).status).toBe(403);
  });

  test("an owner's fleet command reaches their own devices only, and those of others are not theirs to see or end", async () => {
    const { admin, ann } = await startWithOwner();
    const all = { ...order, where: ["online = true"] };
    const preview = await ann.json<FleetPreviewBody>("POST", "/fleet-commands", { ...all, dry_run: true });
    expect(preview).toMatchObject({ count: 1, device_ids: ["mine"], misfit_count: 0, unknown_count: 0 });
    const own = await ann.json<FleetCommandBody>("POST", "/fleet-commands", all);
    expect(own).toMatchObject({ total: 1, requested_by: "person ann" });
    const wide = await admin.json<FleetCommandBody>("POST", "/fleet-commands", all);
    expect(wide.total).toBe(2);

    const ids = async (browser: BrowserLike) =>
      (await browser.json<{ fleet_commands: FleetCommandBody[] }>("GET", "/fleet-commands")).fleet_commands.map(
        (each) => each.fleet_command_id,
      );
    expect(await ids(ann)).toEqual([own.fleet_command_id]);
    expect(await ids(admin)).toEqual([wide.fleet_command_id, own.fleet_command_id]);
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/devices"],
      ["POST", "/abort"],
    ] as const) {
      const foreign = await ann.ask(method, `/fleet-commands/${wide.fleet_command_id}${path}`);
      expect([method, path, foreign.status]).toEqual([method, path, 404]);
    }
    expect((await ann.ask("POST", `/fleet-commands/${own.fleet_command_id}/abort`)).status).toBe(200);
  });

  test("stand in the audit with who gave them and from where, those of a fleet command too", async () => {
    const { admin, ann } = await startWithOwner();
    const { command_id } = await ann.json<CommandBody>("POST", "/devices/mine/commands", order);
    const { fleet_command_id } = await ann.json<FleetCommandBody>("POST", "/fleet-commands", {
      ...order,
      where: ["online = true"],
    });
    await eventually(async () => {
      const { audit } = await admin.json<{ audit: AuditBody[] }>("GET", "/audit?device=mine&action=command");
      expect(audit.map(({ who, target, address }) => [who, target, address])).toEqual([
        ["person ann", `${fleet_command_id}:1`, ""],
        ["person ann", command_id, "127.0.0.1"],
      ]);
    });
    const { audit } = await admin.json<{ audit: AuditBody[] }>("GET", "/audit?action=fleet_command.begin");
    expect(audit).toMatchObject([{ who: "person ann", target: fleet_command_id, address: "127.0.0.1" }]);
  });
});

describe("an API token", () => {
  test("may be for some devices, and ends on open sockets when it is removed or expires", async () => {
    const { server, admin } = await startWithOwner();
    const make = (body: object) => admin.json<{ token: string }>("POST", "/api-tokens", body);
    const { token } = await make({ name: "cellar", role: "viewer", devices: ["mine"] });
    const bearer = { headers: { authorization: `Bearer ${token}` } };
    expect(await (await fetch(`${server.url}/api/v1/me`, bearer)).json()).toMatchObject({
      kind: "token",
      name: "cellar",
      devices: ["mine"],
    });
    const dashboard = await openSocket(`${server.wsUrl}/ws/dashboard/mine`, bearer);
    expect(await tryOpenSocket(`${server.wsUrl}/ws/dashboard/foreign`, bearer)).toMatchObject({ status: 404 });
    await admin.json("DELETE", "/api-tokens/cellar");
    // Another one of the same name does not keep the socket.
    await make({ name: "cellar", role: "viewer" });
    expect((await dashboard.closed).reason).toBe("rights changed");

    const short = await make({ name: "short", role: "viewer", ttl_ms: 1_000 });
    const expiring = await openSocket(`${server.wsUrl}/ws/fleet`, {
      headers: { authorization: `Bearer ${short.token}` },
    });
    expect((await expiring.closed).reason).toBe("rights changed");
    const wide = await admin.ask("POST", "/api-tokens", { name: "odd", role: "admin", devices: ["mine"] });
    expect(wide.status).toBe(400);
  });
});

describe("a share link", () => {
  test("shows one device to whoever has it, without an account, until it is revoked", async () => {
    const { server, ann } = await startWithOwner();
    const { share_link, path } = await ann.json<{ share_link: ShareLinkBody; path: string }>(
      "POST",
      "/devices/mine/share-links",
      { label: "Installer", ttl_ms: 3_600_000 },
    );
    const guest = new BrowserLike(server.url);
    expect((await guest.ask("GET", "/devices/mine")).status).toBe(401);
    expect(await guest.json("POST", "/share-session", { token: tokenOf(path) })).toMatchObject({ device_id: "mine" });
    expect(await guest.json<MeBody>("GET", "/me")).toMatchObject({
      kind: "share",
      role: "viewer",
      devices: [],
      shared_devices: ["mine"],
    });
    for (const each of ["/devices/mine", "/devices/mine/samples"]) {
      expect((await guest.ask("GET", each)).status).toBe(200);
    }
    expect((await guest.ask("GET", "/devices/foreign")).status).toBe(404);
    expect((await guest.ask("GET", "/devices/mine/share-links")).status).toBe(403);
    expect(await knock(server, guest, "/ws/dashboard/foreign")).toBe(404);
    const dashboard = await openSocket(`${server.wsUrl}/ws/dashboard/mine`, { headers: guest.handshake });
    await dashboard.receive(1);

    await ann.json("DELETE", `/devices/mine/share-links/${share_link.share_id}`);
    expect((await dashboard.closed).reason).toBe("rights changed");
    expect((await guest.ask("GET", "/devices/mine")).status).toBe(401);
    expect((await guest.ask("POST", "/share-session", { token: tokenOf(path) })).status).toBe(404);
  });

  test("adds its device to what somebody who is signed in may see, but gives them no right to command or share it", async () => {
    const { server, admin, ann } = await startWithOwner();
    const { path } = await admin.json<{ path: string }>("POST", "/devices/foreign/share-links", {
      label: "for ann",
      ttl_ms: 60_000,
    });
    await ann.json("POST", "/share-session", { token: tokenOf(path) });
    expect(await ann.json("GET", "/me")).toMatchObject({ name: "ann", devices: ["mine"], shared_devices: ["foreign"] });
    expect(await knock(server, ann, "/ws/dashboard/foreign")).toBe(101);
    expect((await ann.ask("GET", "/devices/foreign/share-links")).status).toBe(403);
    await ann.json("DELETE", "/session");
    expect(await ann.json("GET", "/me")).toMatchObject({ kind: "share" });
  });
});

test("the last administrator can neither leave nor be demoted", async () => {
  const server = await startServer(people);
  const admin = await createAdministrator(server);
  for (const [method, body] of [
    ["DELETE", undefined],
    ["PATCH", { role: "viewer" }],
  ] as const) {
    const answer = await admin.ask(method, "/people/root", body);
    expect([answer.status, (await problemOf(answer)).code]).toEqual([409, "last_administrator"]);
  }
  await invite(admin, "eve", { role: "admin", devices: null });
  expect((await admin.ask("PATCH", "/people/root", { role: "viewer" })).status).toBe(200);
  expect((await admin.ask("GET", "/people")).status).toBe(403);
});

test("what a person may be is checked, and says what is wrong", async () => {
  const server = await startServer(people);
  const admin = await createAdministrator(server);
  const cases: [object, string][] = [
    [{ name: "a b", role: "viewer", devices: null }, "a-z 0-9"],
    [{ name: "ann@example.org", role: "viewer", devices: null }, "e-mail"],
    [{ name: "ann", role: "boss", devices: null }, "role"],
    [{ name: "ann", role: "viewer" }, "devices"],
    [{ name: "ann", role: "viewer", devices: ["../x"] }, "no device id"],
    [{ name: "ann", role: "admin", devices: ["mine"] }, "administrator has all"],
    [{ name: "ann", role: "viewer", devices: null, email: "nowhere" }, "ann@example.org"],
    [{ name: "ann", role: "viewer", devices: null, password: "x" }, 'There is no "password" in the body'],
  ];
  for (const [body, text] of cases) {
    const answer = await admin.ask("POST", "/people", body);
    expect([body, answer.status, (await problemOf(answer)).detail]).toEqual([body, 400, expect.stringContaining(text)]);
  }
  await admin.json("POST", "/people", { name: "ann", role: "viewer", devices: null, email: "ann@example.org" });
  expect((await admin.ask("POST", "/people", { name: "Ann", role: "viewer", devices: null })).status).toBe(409);
  const second = { name: "anna", role: "viewer", devices: null, email: "ANN@example.org" };
  expect((await admin.ask("POST", "/people", second)).status).toBe(409);
  const listed = await admin.json<{ people: PersonBody[] }>("GET", "/people");
  expect(listed.people.map(({ name, active }) => [name, active])).toEqual([
    ["ann", false],
    ["root", true],
  ]);
});

describe("the audit", () => {
  const rows = async (admin: BrowserLike, query = "") =>
    (await admin.json<{ audit: AuditBody[]; next_cursor: string | null }>("GET", `/audit?${query}`)).audit;

  test("says who did what to which device, from where, and how it ended, newest first and page by page", async () => {
    const { admin, ann } = await startWithOwner();
    await admin.json("POST", "/devices", { device_id: "new" });
    expect((await admin.ask("POST", "/devices", { device_id: "new" })).status).toBe(409);
    await new BrowserLike(ann.url).ask("POST", "/session", { account: "ann", password: "wrong" });

    const [failure, refused, added] = await rows(admin);
    expect(failure).toMatchObject({ who: "anonymous", action: "sign_in", target: "ann", outcome: "wrong_credentials" });
    expect(refused).toMatchObject({ who: "person root", action: "device.add", outcome: "device_exists" });
    expect(added).toMatchObject({ who: "person root", device_id: "new", outcome: "done", address: "127.0.0.1" });
    expect((await rows(admin, "device=new&limit=1")).map(({ seq }) => seq)).toEqual([refused?.seq]);
    expect((await rows(admin, "who=anonymous&action=sign_in")).map(({ seq }) => seq)).toEqual([failure?.seq]);

    const all = await rows(admin, "limit=1000");
    const paged: AuditBody[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const query: string = cursor === "" ? "limit=2" : `limit=2&cursor=${cursor}`;
      const page = await admin.json<{ audit: AuditBody[]; next_cursor: string | null }>("GET", `/audit?${query}`);
      paged.push(...page.audit);
      cursor = page.next_cursor;
    }
    expect(paged).toEqual(all);
    expect(await admin.json("GET", "/audit/verify")).toMatchObject({ whole: true, rows: all.length });
    expect((await admin.ask("GET", "/audit?from=yesterday")).status).toBe(400);
  });

  test("leaves as CSV and as NDJSON, and a spreadsheet is given no formula", async () => {
    const { admin } = await startWithOwner();
    await admin.ask("POST", "/api-tokens", { name: '=HYPERLINK("x"),y', role: "viewer" });
    const csv = await (await admin.ask("GET", "/audit/export?format=csv&action=api_token.add")).text();
    const [head, row] = csv.split("\r\n");
    expect(head).toBe("seq,at,who,address,action,device_id,target,outcome,detail,hash");
    expect(row).toContain(`"'=HYPERLINK(""x""),y"`);
    const lines = (await (await admin.ask("GET", "/audit/export?format=ndjson")).text()).trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as AuditBody).action)).toContain("api_token.add");
  });

  test("of many wrong passwords it holds one each ten seconds", async () => {
    const { admin, ann } = await startWithOwner({ clock: new ManualClock(Date.now()) });
    const guess = () => new BrowserLike(ann.url).ask("POST", "/session", { account: "ann", password: "wrong" });
    await Promise.all(Array.from({ length: 100 }, guess));
    expect(await rows(admin, "action=sign_in&who=anonymous")).toHaveLength(1);
  });
});

test("what cannot be recorded is not done, and says so", async () => {
  const { server, admin, ann } = await startWithOwner();
  server.audit.close();
  const asked: [BrowserLike, string, string, object?][] = [
    [admin, "POST", "/devices", { device_id: "new" }],
    [admin, "DELETE", "/devices/mine"],
    [admin, "POST", "/api-tokens", { name: "new", role: "admin" }],
    [admin, "POST", "/people", { name: "new", role: "admin", devices: null }],
    [ann, "POST", "/devices/mine/share-links", { label: "x", ttl_ms: 60_000 }],
    [ann, "POST", "/devices/mine/commands", { action: "RESET_ERROR", payload: {} }],
    [ann, "POST", "/fleet-commands", { action: "RESET_ERROR", payload: {}, where: ["online = true"] }],
    [new BrowserLike(server.url), "POST", "/session", { account: "ann", password: "ann's long password" }],
  ];
  for (const [browser, method, path, body] of asked) {
    const answer = await browser.ask(method, path, body);
    expect([method, path, answer.status, (await problemOf(answer)).code]).toEqual([
      method,
      path,
      503,
      "audit_unavailable",
    ]);
    expect(answer.headers.getSetCookie()).toEqual([]);
  }
  expect(server.devices.list().map(({ deviceId }) => deviceId)).toEqual(["mine", "foreign"]);
  expect(server.people.list().map(({ name }) => name)).toEqual(["ann", "root"]);
  expect(server.apiTokens.list()).toEqual([]);
  // Looking is not recorded, and goes on.
  expect((await ann.ask("GET", "/devices/mine")).status).toBe(200);
  // What takes rights away is done all the same, and recorded when it can be.
  expect((await admin.ask("DELETE", "/people/ann")).status).toBe(200);
  expect((await ann.ask("GET", "/devices/mine")).status).toBe(401);
});

function tokenIn(provisioned: object): string {
  if (!("token" in provisioned)) throw new Error("The device is not registered.");
  return String(provisioned.token);
}
