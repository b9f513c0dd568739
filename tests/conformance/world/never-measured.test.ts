import type { DeviceEnergyBody, FleetEnergyBody } from "@wattboard/protocol";
import { expect, test } from "vitest";
import { startServer } from "../../support/start-server.ts";
import { everyStep, getBody, putSamples, type WorldSample } from "../../support/world.ts";

const fromMs = Date.UTC(2026, 5, 10, 22);
const toMs = fromMs + 3_600_000;

async function energyOf(samples: readonly WorldSample[]) {
  const server = await startServer();
  server.addDevice("ems_001");
  await putSamples(server, samples);
  const range = "from=2026-06-10T21:00:00Z&to=2026-06-10T23:00:00Z&time_zone=UTC";
  const device = await getBody<DeviceEnergyBody>(server, `/devices/ems_001/energy?${range}&per=hour`);
  const fleet = await getBody<FleetEnergyBody>(server, "/fleet/energy?from=2026-06-10&to=2026-06-11&time_zone=UTC");
  return { device, fleet };
}

test("a device with a battery and the grid says nothing of the sun and of the house, and 0 of what it measured as 0", async () => {
  const samples = everyStep(1_000, fromMs, toMs, { "battery.power": -250, "grid.power": 0 });
  const { device, fleet } = await energyOf(samples);
  const expected = {
    produced_wh: null,
    consumed_wh: null,
    self_consumed_wh: null,
    autarky: null,
    self_consumption: null,
    imported_wh: 0,
    charged_wh: 0,
    discharged_wh: expect.closeTo(250, 3),
  };
  expect(device.total).toMatchObject(expected);
  expect(fleet.total).toMatchObject(expected);
  // The hour before, of which there is nothing.
  expect(device.spans[0]).toMatchObject({ imported_wh: null, discharged_wh: null, coverage: 0 });
});

test.each([
  ["is null", { "solar.power": null }],
  ["is left out", {}],
] as const)("at night, when the sun's power %s, the house consumes what it imports", async (_what, night) => {
  const dayMs = fromMs - 3_600_000;
  const { device } = await energyOf([
    ...everyStep(1_000, dayMs, fromMs - 1_000, { "grid.power": -100, "solar.power": 600 }),
    ...everyStep(1_000, fromMs, toMs, { "grid.power": 400, "battery.power": -100, ...night }),
  ]);
  expect(device.spans[0]).toMatchObject({ produced_wh: expect.closeTo(600, 0), consumed_wh: expect.closeTo(500, 0) });
  expect(device.spans[1]).toMatchObject({
    produced_wh: null,
    imported_wh: expect.closeTo(400, 0),
    consumed_wh: expect.closeTo(500, 0),
    autarky: expect.closeTo(0.2, 2),
  });
});

test("of a night alone as well, where the device has told of its panels, if only that they are silent", async () => {
  const { device } = await energyOf(everyStep(60_000, fromMs, toMs, { "grid.power": 300, "solar.power": null }));
  expect(device.total).toMatchObject({
    produced_wh: null,
    consumed_wh: expect.closeTo(300, 3),
    autarky: expect.closeTo(0, 6),
  });
});
