import type { AuditBody } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import {
  BrowserLike,
  createAdministrator,
  forPeople,
  knock,
  problemOf,
  startWithOwner,
  tokenOf,
} from "../../support/people.ts";
import { tryOpenSocket } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";

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
    const server = await startServer(forPeople);
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
