import type { AuditBody } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { BrowserLike, problemOf, startWithOwner } from "../../support/people.ts";

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
