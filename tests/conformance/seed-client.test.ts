import { describe, expect, test } from "vitest";
import { deviceDetail, storedSamples } from "../support/api.ts";
import { callerOf } from "../support/commands.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { pythonWithWebsockets, startSeedClient } from "../support/python-client.ts";
import { openDashboard, tryOpenSocket } from "../support/sockets.ts";
import { startServer, type TestServer } from "../support/start-server.ts";

/** A token of the operator's own, as in the seeds. */
const seedToken = "sBrIr9wSkn@d*]@z6";

async function serverWithSeedDevice(): Promise<{ readonly server: TestServer; readonly env: Record<string, string> }> {
  const server = await startServer();
  server.devices.add({ deviceId: "ems_001", token: seedToken });
  const env = { DEVICE_ID: "ems_001", API_TOKEN: seedToken, URI: `${server.wsUrl}/ws/device/ems_001` };
  return { server, env };
}

needs("python3-websockets", pythonWithWebsockets !== undefined)("the Python client of the seeds' client guide", () => {
  test("is accepted, sends, and each message arrives on a dashboard byte for byte and in order", async () => {
    const { server, env } = await serverWithSeedDevice();
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const client = startSeedClient(env);
    await client.next("connected");
    const received = await dashboard.receive(20);
    await eventually(() => expect(client.sent().length).toBeGreaterThanOrEqual(20));
    expect(received.slice(0, 20)).toEqual(client.sent().slice(0, 20));
  });

  test("receives nothing on its socket", async () => {
    const { server, env } = await serverWithSeedDevice();
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const client = startSeedClient(env);
    await dashboard.receive(10);
    // Not even when dashboards come, talk and go.
    dashboard.send({ action: "SET_MODE" });
    const other = await openDashboard(server.wsUrl, "ems_001");
    await other.receive(10);
    expect(client.events.filter(({ event }) => event === "received")).toEqual([]);
  });

  test("receives commands as the EMS communication interface has them, and nothing else", async () => {
    const { server, env } = await serverWithSeedDevice();
    const operator = callerOf(server, "operator");
    const client = startSeedClient(env);
    await client.next("connected");
    const payload = { target_mode: "MANUAL_DISCHARGE", target_power: 500 };
    await operator.give("ems_001", { command_id: "cmd_8293", action: "SET_MODE", payload });
    await operator.give("ems_001", { command_id: "cmd_8294", action: "RESET_ERROR", payload: {} });
    await client.next("received", 1);
    expect(client.events.flatMap(({ event, text }) => (event === "received" ? [text] : []))).toEqual([
      '{"command_id":"cmd_8293","action":"SET_MODE","payload":{"target_mode":"MANUAL_DISCHARGE","target_power":500}}',
      '{"command_id":"cmd_8294","action":"RESET_ERROR","payload":{}}',
    ]);
    // The guide's client sends neither a mode nor flags: nothing shows that it obeyed, so nothing says so.
    const shown = await operator.show("ems_001", "cmd_8293");
    expect(shown.status).toBe("sent");
  });

  test("sends an old timestamp that stands still; its samples are kept under the time of receipt", async () => {
    const { server, env } = await serverWithSeedDevice();
    const startedAtMs = Date.now();
    const client = startSeedClient(env);
    await client.next("sent", 4);
    client.stop();
    const samples = await eventually(async () => {
      const stored = await storedSamples(server, "ems_001");
      expect(stored.length).toBeGreaterThanOrEqual(5);
      return stored;
    });
    expect(samples.map(({ telemetry }) => telemetry.battery?.soc)).toEqual([...samples.keys()]);
    for (const { observed_at, received_at, clock, telemetry } of samples) {
      expect(clock).toBe("server");
      expect(observed_at).toBe(received_at);
      expect(Date.parse(observed_at)).toBeGreaterThanOrEqual(startedAtMs);
      // A stored timestamp is the instant that was sent, in the store's own spelling.
      expect(telemetry.timestamp).toBe("2026-02-03T12:00:00.000Z");
    }
  });

  test.each([
    ["a wrong token", { API_TOKEN: "another-token-of-16-characters" }],
    ["no token", { AUTHORIZATION: "" }],
    ["an empty token", { AUTHORIZATION: "Bearer " }],
    ["another scheme", { AUTHORIZATION: `Basic ${Buffer.from(`ems_001:${seedToken}`).toString("base64")}` }],
    ["the token without a scheme", { AUTHORIZATION: seedToken }],
  ])("with %s gets HTTP 403 before the upgrade, and goes on trying", async (_, changes) => {
    const { server, env } = await serverWithSeedDevice();
    const client = startSeedClient({ ...env, ...changes });
    expect(await client.next("refused")).toEqual({ event: "refused", status: 403 });
    expect(await client.next("refused", 1)).toEqual({ event: "refused", status: 403 });
    expect(client.events.map(({ event }) => event)).not.toContain("connected");
    expect((await deviceDetail(server, "ems_001")).online).toBe(false);
  });

  test("with an unknown id gets HTTP 403, and is let in as soon as the id is registered", async () => {
    const { server, env } = await serverWithSeedDevice();
    const client = startSeedClient({ ...env, DEVICE_ID: "ems_777", URI: `${server.wsUrl}/ws/device/ems_777` });
    expect(await client.next("refused")).toEqual({ event: "refused", status: 403 });
    server.devices.add({ deviceId: "ems_777", token: seedToken });
    await client.next("connected");
    const dashboard = await openDashboard(server.wsUrl, "ems_777");
    await dashboard.receive(1);
  });

  test("is replaced by a second one: closed with 1008 `replaced`", async () => {
    const { server, env } = await serverWithSeedDevice();
    const first = startSeedClient({ ...env, RETRY_S: "60" });
    await first.next("sent");
    const second = startSeedClient(env);
    expect(await first.next("lost")).toMatchObject({ code: 1008, reason: "replaced" });
    await second.next("sent", 3);
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const live = (await dashboard.receive(5)).slice(1, 5);
    await eventually(() => expect(second.sent()).toEqual(expect.arrayContaining(live)));
  });

  test("comes back by its reconnect loop when the server restarts, and goes on", async () => {
    const { server, env } = await serverWithSeedDevice();
    const client = startSeedClient(env);
    await client.next("sent", 2);
    await server.stop();
    expect(await client.next("lost")).toMatchObject({ code: 1012 });
    const again = await startServer({
      dataDir: server.dataDir,
      settings: { port: new URL(server.url).port },
    });
    await client.next("connected", 1);
    const before = client.sent().length;
    await eventually(() => expect(client.sent().length).toBeGreaterThan(before + 3));
    const dashboard = await openDashboard(again.wsUrl, "ems_001");
    await dashboard.receive(2);
  });
});

describe("the refusal of a device", () => {
  test("is one identical answer for a wrong token, no token, another scheme and an unknown id", async () => {
    const { server } = await serverWithSeedDevice();
    server.devices.add({ deviceId: "revoked", token: seedToken });
    server.devices.revoke("revoked");
    const bearer = { authorization: `Bearer ${seedToken}` };
    const attempts: [path: string, headers: Record<string, string>][] = [
      ["ems_001", { authorization: "Bearer another-token-of-16-characters" }],
      ["ems_001", {}],
      ["ems_001", { authorization: `Basic ${Buffer.from(`ems_001:${seedToken}`).toString("base64")}` }],
      ["ems_001", { authorization: seedToken }],
      ["ems_999", bearer],
      ["revoked", bearer],
      ["not an id".replaceAll(" ", "%20"), bearer],
      ["", bearer],
    ];
    const answers = await Promise.all(
      attempts.map(([path, headers]) => tryOpenSocket(`${server.wsUrl}/ws/device/${path}`, { headers })),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ status: 403, headers: { "content-type": "application/problem+json" } });
  });

  test("does not depend on how the scheme is written (RFC 9110 §11.1)", async () => {
    const { server } = await serverWithSeedDevice();
    const lower = await tryOpenSocket(`${server.wsUrl}/ws/device/ems_001`, {
      headers: { authorization: `bearer ${seedToken}` },
    });
    expect(lower).toHaveProperty("webSocket");
  });
});
