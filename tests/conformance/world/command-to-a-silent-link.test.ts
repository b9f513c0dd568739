import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { callerOf } from "../../support/commands.ts";
import { openDashboard, openDevice } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const setMode = { action: "SET_MODE", payload: { target_mode: "MANUAL_DISCHARGE", target_power: 500 } } as const;

async function start() {
  const clock = new ManualClock(Date.now());
  const server = await startServer({ clock });
  const token = server.addDevice("ems_001");
  const operator = callerOf(server, "operator");
  return { clock, server, token, operator };
}

test("a command that a swallowing network took is sent again when the device connects anew, within its time to live", async () => {
  const { clock, server, token, operator } = await start();
  const device = await openDevice(server.wsUrl, "ems_001", token);
  const dashboard = await openDashboard(server.wsUrl, "ems_001");
  device.send(sampleOf("ems_001"));
  await dashboard.receive(1);
  // From here on nothing reaches the device, nothing comes from it, and nobody closes anything.
  device.webSocket.pause();
  const { command_id, status } = await operator.give("ems_001", { ...setMode, ttl_ms: 90_000 });
  expect(status).toBe("sent");
  for (let second = 0; second < 40; second++) clock.advance(1_000);
  expect(await operator.show("ems_001", command_id)).toMatchObject({ status: "sent" });
  const again = await openDevice(server.wsUrl, "ems_001", token);
  await again.receive(1);
  expect(JSON.parse(again.received[0] ?? "")).toEqual({ command_id, ...setMode });
  again.send(
    sampleOf("ems_001", {
      // What was measured before the command was sent would show nothing.
      timestamp: new Date(clock.wallMs()).toISOString(),
      system_status: { state: "DISCHARGING", mode: "MANUAL" },
      battery: { power: -498 },
    }),
  );
  await operator.reaches("ems_001", command_id, "applied");
});

test("a silent link is asked for a sign of life as soon as a command is handed to it, and cut if it gives none", async () => {
  const { clock, server, token, operator } = await start();
  const device = await openDevice(server.wsUrl, "ems_001", token);
  let pings = 0;
  device.webSocket.on("ping", () => pings++);
  await operator.give("ems_001", setMode);
  await device.receive(1);
  clock.advance(1_000);
  await expect.poll(() => pings).toBe(1);
  device.webSocket.pause();
  await operator.give("ems_001", setMode);
  // The ping a second later, and the patience of 10 s.
  for (let second = 0; second < 12; second++) clock.advance(1_000);
  device.webSocket.resume();
  expect((await device.closed).code).toBe(1006);
});

test("on a silent link a command is unconfirmed at the end of its time to live, not before", async () => {
  const { clock, server, token, operator } = await start();
  const device = await openDevice(server.wsUrl, "ems_001", token);
  device.webSocket.pause();
  const { command_id } = await operator.give("ems_001", { ...setMode, ttl_ms: 90_000 });
  for (let second = 0; second < 89; second++) clock.advance(1_000);
  expect(await operator.show("ems_001", command_id)).toMatchObject({ status: "sent" });
  clock.advance(2_000);
  await operator.reaches("ems_001", command_id, "unconfirmed");
});
