import { expect, test } from "vitest";
import { openDashboard, openDevice } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

test("a dashboard gets the latest sample at once, and then each sample byte for byte as the device sent it", async () => {
  const server = await startServer();
  const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  const early = await openDashboard(server.wsUrl, "ems_001");
  // Blanks and the order of the fields are the device's own; a server that writes JSON anew would lose them.
  const odd = JSON.stringify(sampleOf("ems_001"), null, 1).replace('"soc": 85', '"soc":8.50e1');
  device.send(odd);
  await early.receive(1);

  const late = await openDashboard(server.wsUrl, "ems_001");
  await late.receive(1);
  const second = JSON.stringify(sampleOf("ems_001", { battery: { soc: 86 } }));
  device.send(second);
  await late.receive(2);
  expect(late.received).toEqual([odd, second]);
  expect((await early.receive(2)).slice(0, 2)).toEqual([odd, second]);
  expect(device.received).toEqual([]);
});
