import { connectFleet, connectTelemetry, type StreamError } from "@wattboard/client";
import { isRefusal, type Telemetry } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { openDevice, tryOpenSocket } from "../../support/sockets.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

/** Dashboards that are none of the server's own pages, where people have to sign in: programs with a token, and pages of other sites. */

const foreign = "https://house.example.org";

async function startForPeople(clock?: ManualClock) {
  const settings = { "access.dashboards": "people" };
  const server = await startServer({ settings, ...(clock !== undefined && { clock }) });
  const deviceToken = server.addDevice("ems_001");
  server.addDevice("ems_002");
  const added = server.apiTokens.add("house", "viewer", null, ["ems_001"]);
  if (isRefusal(added)) throw new Error(added.message);
  return { server, token: added.token, deviceToken };
}

async function askTicket(server: TestServer, token: string, body: object = {}) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return await fetch(`${server.url}/api/v1/tickets`, { method: "POST", headers, body: JSON.stringify(body) });
}

async function ticketOf(server: TestServer, token: string, deviceId?: string): Promise<string> {
  const answer = await askTicket(server, token, deviceId === undefined ? {} : { device_id: deviceId });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { ticket: string }).ticket;
}

/** As a page of another site does: neither cookie nor token, and an Origin that is not listed. */
async function knock(server: TestServer, path: string, ticket: string): Promise<string | number> {
  const protocols = ["wattboard.v1", `ticket.${ticket}`];
  const answer = await tryOpenSocket(server.wsUrl + path, { headers: { origin: foreign }, protocols });
  if ("status" in answer) return (JSON.parse(answer.body) as { code: string }).code;
  expect(answer.webSocket.protocol).toBe("wattboard.v1");
  return 101;
}

test("a ticket lets a page of any site look at its device, once", async () => {
  const { server, token } = await startForPeople();
  const ticket = await ticketOf(server, token, "ems_001");
  expect(await knock(server, "/ws/dashboard/ems_001", ticket)).toBe(101);
  expect(await knock(server, "/ws/dashboard/ems_001", ticket)).toBe("ticket_not_valid");
  expect(await knock(server, "/ws/fleet", await ticketOf(server, token))).toBe(101);
});

test("a ticket is for its address alone, and trying others uses it up", async () => {
  const { server, token } = await startForPeople();
  const forDevice = await ticketOf(server, token, "ems_001");
  expect(await knock(server, "/ws/dashboard/ems_002", forDevice)).toBe("ticket_not_valid");
  expect(await knock(server, "/ws/dashboard/ems_001", forDevice)).toBe("ticket_not_valid");
  expect(await knock(server, "/ws/dashboard/ems_001", await ticketOf(server, token))).toBe("ticket_not_valid");
  expect(await knock(server, "/ws/dashboard/ems_001", "made_up")).toBe("ticket_not_valid");
});

test("a ticket ends after 30 s, and with the token of whoever asked for it", async () => {
  const clock = new ManualClock(Date.now());
  const { server, token } = await startForPeople(clock);
  const late = await ticketOf(server, token, "ems_001");
  clock.advance(30_000);
  expect(await knock(server, "/ws/dashboard/ems_001", late)).toBe("ticket_not_valid");
  const orphan = await ticketOf(server, token, "ems_001");
  server.apiTokens.remove("house");
  expect(await knock(server, "/ws/dashboard/ems_001", orphan)).toBe("ticket_not_valid");
});

test("who may not see the device gets no ticket for it; at most 1,000 within 30 s; each is in the audit", async () => {
  const clock = new ManualClock(Date.now());
  const { server, token } = await startForPeople(clock);
  for (const id of ["ems_002", "unheard_of"]) {
    const answer = await askTicket(server, token, { device_id: id });
    expect([answer.status, await answer.json()]).toEqual([404, expect.objectContaining({ code: "unknown_device" })]);
  }
  expect((await askTicket(server, "wb_wrong")).status).toBe(401);
  for (let asked = 0; asked < 1_000; asked++) await ticketOf(server, token);
  const beyond = await askTicket(server, token);
  expect([beyond.status, beyond.headers.get("retry-after")]).toEqual([429, "30"]);
  clock.advance(30_000);
  await ticketOf(server, token, "ems_001");
  const [row] = server.audit.list({ action: "ticket.issue" }, 1);
  expect(row).toMatchObject({ who: "token house", deviceId: "ems_001", outcome: "done" });
});

test("the client comes in with a ticket, or in Node with a token", async () => {
  const { server, token, deviceToken } = await startForPeople();
  const device = await openDevice(server.wsUrl, "ems_001", deviceToken);
  device.send(sampleOf("ems_001"));
  const ways = [{ token }, { ticket: (deviceId: string | null) => ticketOf(server, token, deviceId ?? undefined) }];
  for (const way of ways) {
    const samples: Telemetry[] = [];
    const stream = connectTelemetry("ems_001", { url: server.url, ...way, onTelemetry: (each) => samples.push(each) });
    const fleet = connectFleet({ url: server.url, ...way });
    onTestFinished(() => stream.close());
    onTestFinished(() => fleet.close());
    await eventually(() => expect(samples).toHaveLength(1));
    await eventually(() => expect([...fleet.rows.keys()]).toEqual(["ems_001"]));
  }
});

test.each([
  ["nobody who is known", "ems_001", {}, "forbidden"],
  ["a device that is not given", "ems_002", { token: "house" }, "not_found"],
  ["a wrong token", "ems_001", { token: "wb_wrong" }, "forbidden"],
])("the client tells the server's reason: %s", async (_what, deviceId, way: { token?: string }, refusal) => {
  const { server, token } = await startForPeople();
  const errors: StreamError[] = [];
  const stream = connectTelemetry(deviceId, {
    url: server.url,
    token: way.token === "house" ? token : way.token,
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => stream.close());
  await eventually(() => expect(errors[0]).toMatchObject({ code: "refused", refusal }));
});

test("a page of another site may read why it was refused, and which setting lets it in", async () => {
  const server = await startServer();
  server.addDevice("ems_001");
  for (const path of ["/ws/dashboard/ems_001", "/ws/fleet"]) {
    const answer = await fetch(server.url + path, { headers: { origin: foreign } });
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(await answer.json()).toMatchObject({
      code: "cross_origin",
      detail: expect.stringMatching(/house\.example\.org.*access\.origins/),
    });
  }
});
