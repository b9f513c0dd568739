import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { openDashboard, openDevice, type TestSocket } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

test("pings every link every 25 s, also one that sends all the time, so that its peer hears from us", async () => {
  const clock = new ManualClock(Date.now());
  const server = await startServer({ clock });
  const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  const dashboard = await openDashboard(server.wsUrl, "ems_001");
  let pings = 0;
  device.webSocket.on("ping", () => pings++);
  for (let round = 1; round <= 3; round++) {
    clock.advance(20_000);
    device.send(sampleOf("ems_001", { timestamp: new Date(clock.wallMs()).toISOString() }));
    await dashboard.receive(round);
    clock.advance(5_000);
    await eventually(() => expect(pings).toBe(round));
    // Before time goes on, the server has to have read what answers its pings.
    await Promise.all([roundTrip(device), roundTrip(dashboard)]);
  }
});

test("cuts a link that does not answer a ping within 10 s, and only that one", async () => {
  const clock = new ManualClock(Date.now());
  const server = await startServer({ clock });
  const mute = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  const lively = await openDevice(server.wsUrl, "ems_002", server.addDevice("ems_002"));
  // A dead network: nothing is read, so nothing is answered.
  mute.webSocket.pause();
  const pinged = new Promise((resolve) => lively.webSocket.once("ping", resolve));
  clock.advance(25_000);
  await pinged;
  await eventually(async () => {
    // The lively one's pong has to arrive before its time is over.
    clock.advance(1_000);
    const answer = await fetch(`${server.url}/metrics`);
    expect(await answer.text()).toContain('wattboard_connections{role="device"} 1\n');
  });
  expect(lively.webSocket.readyState).toBe(lively.webSocket.OPEN);
});

test("cuts nobody because the server itself stood still: an answer that is not read yet counts", async () => {
  const clock = new ManualClock(Date.now());
  const server = await startServer({ clock });
  const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  const dashboard = await openDashboard(server.wsUrl, "ems_001");
  clock.advance(25_000);
  // In the same turn: the ping is out, and nothing can be read before the next beat, which comes half a minute late.
  clock.stall(30_000);
  clock.advance(0);
  await Promise.all([roundTrip(device), roundTrip(dashboard)]);
  clock.advance(5_000);
  device.send(sampleOf("ems_001"));
  await dashboard.receive(1);
});

/** Resolves when the server has read everything that was sent on this socket so far. */
function roundTrip({ webSocket }: TestSocket): Promise<void> {
  return new Promise((resolve) => {
    webSocket.once("pong", () => resolve());
    webSocket.ping();
  });
}
