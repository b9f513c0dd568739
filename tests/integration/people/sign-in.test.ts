import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import {
  BrowserLike,
  createAdministrator,
  forPeople,
  invite,
  problemOf,
  startWithOwner,
  tokenOf,
} from "../../support/people.ts";
import { openSocket, tryOpenSocket } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";

describe("the first start", () => {
  test("makes one link, which creates the administrator once and then never again", async () => {
    const server = await startServer(forPeople);
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
    const next = await startServer({ ...forPeople, dataDir: server.dataDir });
    expect(next.setupLink).toBeNull();
    // A restart signs nobody out.
    const back = new BrowserLike(next.url);
    back.cookies = browser.cookies;
    expect(await back.json("GET", "/me")).toMatchObject({ name: "root" });
  });

  test("two who use the same link at once: one becomes administrator", async () => {
    const server = await startServer(forPeople);
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
    const server = await startServer({ ...forPeople, clock });
    clock.advance(24 * 3_600_000);
    const late = await new BrowserLike(server.url).ask("POST", "/one-time-links/inspect", {
      token: tokenOf(server.setupLink?.path ?? ""),
    });
    expect(late.status).toBe(404);
  });
});

describe("signing in and out", () => {
  test("works with the name and with the e-mail address, in any case, and the cookie is the browser's alone", async () => {
    const server = await startServer(forPeople);
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
    const settings = { ...forPeople.settings, "access.session_ms": "60000", "heartbeat.ping_ms": "3600000" };
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
