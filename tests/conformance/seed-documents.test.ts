import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { deviceDetail, storedSamples } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { openDashboard, openDevice } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";

/** "Upstream Payload (Telemetry)" of `ems-communication-interface.txt`, letter by letter, without its comments. */
const upstreamPayload = `{
  "device_id": "ems_001",
  "timestamp": "2026-01-31T12:00:01Z",
  "system_status": {
    "state": "CHARGING",       
    "mode": "AUTO",            
    "error_flags": [],         
    "wifi_strength": -45
  },
  "battery": {
    "voltage": 53.2,           
    "current": 10.5,           
    "power": 558.6,            
    "soc": 85                  
  },
  "grid": {
    "voltage": 230.1,
    "power": -200,             
    "frequency": 50.0
  }
}`;

describe("the documents' own payloads", () => {
  test("the upstream payload is accepted, shown as it is, and filed under the time of receipt since it is long ago", async () => {
    const clock = new ManualClock(Date.UTC(2026, 6, 1, 9));
    const server = await startServer({ clock });
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    device.send(upstreamPayload);
    expect(await dashboard.receive(1)).toEqual([upstreamPayload]);
    clock.advance(10);
    const [stored] = await eventually(async () => {
      const samples = await storedSamples(server, "ems_001");
      expect(samples).toHaveLength(1);
      return samples;
    });
    expect(stored).toEqual({
      observed_at: "2026-07-01T09:00:00.000Z",
      received_at: "2026-07-01T09:00:00.000Z",
      clock: "server",
      // A stored timestamp is the instant that was sent, in the store's own spelling.
      telemetry: { ...JSON.parse(upstreamPayload), timestamp: "2026-01-31T12:00:01.000Z" },
    });
    expect((await deviceDetail(server, "ems_001")).dropped).toEqual({});
  });

  test("the upstream payload on its own day is filed under the device's time", async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 31, 12, 0, 2));
    const server = await startServer({ clock });
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    device.send(upstreamPayload);
    await dashboard.receive(1);
    expect((await deviceDetail(server, "ems_001")).latest).toMatchObject({
      observed_at: "2026-01-31T12:00:01.000Z",
      received_at: "2026-01-31T12:00:02.000Z",
      clock: "device",
    });
  });

  test("the client guide's payload, with nothing but a battery, is accepted", async () => {
    const server = await startServer();
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const text =
      '{"device_id": "ems_001", "timestamp": "2026-02-03T12:00:00Z", "battery": {"voltage": 53.2, "soc": 85}}';
    device.send(text);
    expect(await dashboard.receive(1)).toEqual([text]);
  });

  test.each(["IDLE", "CHARGING", "DISCHARGING", "FULL", "EMPTY", "ERROR"])(
    "the state %s is accepted",
    async (state) => {
      const server = await startServer();
      const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
      const dashboard = await openDashboard(server.wsUrl, "ems_001");
      device.send({
        device_id: "ems_001",
        timestamp: new Date().toISOString(),
        system_status: { state, mode: "MANUAL", error_flags: ["OVERHEAT"] },
      });
      await dashboard.receive(1);
      expect((await deviceDetail(server, "ems_001")).dropped).toEqual({});
    },
  );

  test("a dashboard that talks is ignored: nothing reaches the device, and the stream goes on", async () => {
    const server = await startServer();
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    dashboard.send({ command_id: "cmd_8293", action: "SET_MODE", payload: { target_mode: "MANUAL_DISCHARGE" } });
    dashboard.send("hello");
    dashboard.webSocket.send(Buffer.from([1, 2, 3]));
    device.send(upstreamPayload);
    expect(await dashboard.receive(1)).toEqual([upstreamPayload]);
    expect(device.received).toEqual([]);
  });
});
