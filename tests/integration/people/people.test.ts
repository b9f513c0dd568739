import type { PersonBody } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { createAdministrator, forPeople, invite, problemOf, startWithOwner } from "../../support/people.ts";
import { openSocket, tryOpenSocket } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";

test("the last administrator can neither leave nor be demoted", async () => {
  const server = await startServer(forPeople);
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
  const server = await startServer(forPeople);
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
