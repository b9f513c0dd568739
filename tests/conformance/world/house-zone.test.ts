import type { DeviceDetail, DeviceEnergyBody } from "@wattboard/protocol";
import { expect, onTestFinished, test } from "vitest";
import { startServer } from "../../support/start-server.ts";
import { getBody } from "../../support/world.ts";

/** Where the machine stands, until the test is over. */
function standIn(zone: string): void {
  const before = process.env.TZ;
  process.env.TZ = zone;
  onTestFinished(() => {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  });
}

test.each(["Europe/Vienna", "America/New_York"])(
  "days begin at the machine's midnight where nothing is said: %s",
  async (zone) => {
    standIn(zone);
    const server = await startServer();
    server.addDevice("ems_001");
    const { time_zone, spans } = await getBody<DeviceEnergyBody>(
      server,
      "/devices/ems_001/energy?from=2026-06-10&to=2026-06-11",
    );
    expect(time_zone).toBe(zone);
    expect(spans[0]?.from).toBe(zone === "Europe/Vienna" ? "2026-06-09T22:00:00.000Z" : "2026-06-10T04:00:00.000Z");
    expect(await getBody<DeviceDetail>(server, "/devices/ems_001")).toMatchObject({ time_zone: zone });
  },
);

test("the setting and the device's property come before the machine", async () => {
  standIn("Europe/Vienna");
  const server = await startServer({ settings: { "site.time_zone": "Europe/Lisbon" } });
  server.addDevice("ems_001");
  server.devices.add({ deviceId: "ems_002", properties: { time_zone: "Europe/Athens" } });
  expect(await getBody<DeviceDetail>(server, "/devices/ems_001")).toMatchObject({ time_zone: "Europe/Lisbon" });
  expect(await getBody<DeviceDetail>(server, "/devices/ems_002")).toMatchObject({ time_zone: "Europe/Athens" });
});
