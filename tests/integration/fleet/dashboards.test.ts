import { describe, expect, test } from "vitest";
import { deviceDetail, metric } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { opcodes, RawSocket } from "../../support/raw-socket.ts";
import { openDashboard, openDevice, tryOpenSocket } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const numbered = (deviceId: string, number: number): string =>
  JSON.stringify(sampleOf(deviceId, { solar: { power: number } }));

describe("what a dashboard gets", () => {
  test("nothing before the first sample, then every sample, in order", async () => {
    const server = await startServer();
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const sent = Array.from({ length: 150 }, (_, at) => numbered("ems_001", at));
    expect(dashboard.received).toEqual([]);
    for (const message of sent) device.send(message);
    expect(await dashboard.receive(150)).toEqual(sent);
  });

  test("its own device's samples, and nobody else's", async () => {
    const server = await startServer();
    const first = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const second = await openDevice(server.wsUrl, "ems_002", server.addDevice("ems_002"));
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const other = await openDashboard(server.wsUrl, "ems_002");
    for (let number = 0; number < 20; number++) {
      first.send(numbered("ems_001", number));
      second.send(numbered("ems_002", number));
    }
    expect(new Set((await dashboard.receive(20)).map((frame) => JSON.parse(frame).device_id))).toEqual(
      new Set(["ems_001"]),
    );
    await other.receive(20);
    expect(dashboard.received).toHaveLength(20);
  });

  test("the same, however many watch; one that leaves takes nothing from the others", async () => {
    const server = await startServer();
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const dashboards = await Promise.all(Array.from({ length: 40 }, () => openDashboard(server.wsUrl, "ems_001")));
    const first = numbered("ems_001", 1);
    device.send(first);
    for (const dashboard of dashboards) expect(await dashboard.receive(1)).toEqual([first]);
    expect(await metric(server, "wattboard_deliveries_total")).toBe(40);

    for (const dashboard of dashboards.slice(0, 20)) dashboard.webSocket.terminate();
    await eventually(async () => expect(await metric(server, 'wattboard_connections{role="dashboard"}')).toBe(20));
    const second = numbered("ems_001", 2);
    device.send(second);
    for (const dashboard of dashboards.slice(20)) expect(await dashboard.receive(2)).toEqual([first, second]);
    expect(await metric(server, "wattboard_deliveries_total")).toBe(60);
  });

  test("the last sample of a device that is gone, and its next ones when it is back, on the same socket", async () => {
    const server = await startServer();
    const token = server.addDevice("ems_001");
    const device = await openDevice(server.wsUrl, "ems_001", token);
    const last = numbered("ems_001", 1);
    device.send(last);
    await eventually(async () => expect((await deviceDetail(server, "ems_001")).accepted).toBe(1));
    device.webSocket.close();
    await device.closed;
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    expect(await dashboard.receive(1)).toEqual([last]);
    const again = await openDevice(server.wsUrl, "ems_001", token);
    const next = numbered("ems_001", 2);
    again.send(next);
    expect((await dashboard.receive(2))[1]).toBe(next);
  });

  test("a device that is registered only later, on a socket that was open before", async () => {
    const server = await startServer();
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const message = numbered("ems_001", 1);
    device.send(message);
    expect(await dashboard.receive(1)).toEqual([message]);
  });

  test("text frames only, without compression and without a subprotocol, whatever it offers", async () => {
    const server = await startServer();
    const raw = await RawSocket.connect(server.url);
    const offers = {
      "sec-websocket-extensions": "permessage-deflate; client_max_window_bits",
      "sec-websocket-protocol": "mqtt, graphql-ws",
    };
    const { status, headers } = await raw.handshake("/ws/dashboard/ems_001", offers);
    expect(status).toBe(101);
    expect(headers).not.toContain("sec-websocket-extensions");
    expect(headers).not.toContain("sec-websocket-protocol");
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const message = numbered("ems_001", 1);
    device.send(message);
    await eventually(() => expect(raw.frames).toEqual([{ opcode: opcodes.text, payload: Buffer.from(message) }]));
  });

  test("frames of every length class, whole: below 126 bytes, above, and 16 KiB", async () => {
    const server = await startServer();
    const device = await openDevice(server.wsUrl, "a", server.addDevice("a"));
    const dashboard = await openDashboard(server.wsUrl, "a");
    const short = JSON.stringify({ device_id: "a", timestamp: new Date().toISOString(), load: { power: 1 } });
    const sent = [short, short.padEnd(125), short.padEnd(126), short.padEnd(127), short.padEnd(16 * 1024)];
    for (const message of sent) device.send(message);
    expect(await dashboard.receive(sent.length)).toEqual(sent);
  });
});

describe("who may look", () => {
  test("whoever reaches the server where dashboards are public", async () => {
    const server = await startServer();
    expect(await tryOpenSocket(`${server.wsUrl}/ws/dashboard/ems_001`)).toHaveProperty("webSocket");
  });

  test("only who bears a token with the viewer role otherwise: 403 without, with a wrong or expired one, and with a device's", async () => {
    const server = await startServer({ settings: { "access.dashboards": "people" } });
    const deviceToken = server.addDevice("ems_001");
    const knock = (token?: string) =>
      tryOpenSocket(`${server.wsUrl}/ws/dashboard/ems_001`, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      });
    const tokenOf = (role: "viewer" | "operator" | "admin"): string => {
      const added = server.apiTokens.add(role, role, null);
      if ("code" in added) throw new Error(added.message);
      return added.token;
    };
    expect(await knock()).toMatchObject({ status: 403 });
    expect(await knock("wrong-token-wrong-token")).toMatchObject({ status: 403 });
    expect(await knock(deviceToken)).toMatchObject({ status: 403 });
    for (const role of ["viewer", "operator", "admin"] as const) {
      expect(await knock(tokenOf(role))).toHaveProperty("webSocket");
    }
    // The API asks for the same.
    expect((await fetch(`${server.url}/api/v1/devices/ems_001`)).status).toBe(401);
  });

  test("an id that can be no device's is not found, and costs nothing", async () => {
    const server = await startServer();
    expect(await tryOpenSocket(`${server.wsUrl}/ws/dashboard/`)).toMatchObject({ status: 404 });
    expect(await tryOpenSocket(`${server.wsUrl}/ws/dashboard/a%2fb`)).toMatchObject({ status: 404 });
  });
});
