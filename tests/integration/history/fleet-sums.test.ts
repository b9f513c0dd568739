import type { FleetEnergyBody, FleetTotalsBody } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { fill, get, hourMs, openScene, secondMs, utc } from "../../support/questions.ts";

describe("the fleet", () => {
  test("sums a point and energy over devices, all or chosen", async () => {
    const server = await openScene({}, { country: "SE" });
    const fromMs = utc("2025-06-01T00:00:00Z");
    server.devices.add({ deviceId: "ems_002", properties: { country: "AT" } });
    server.devices.add({ deviceId: "ems_003", properties: { country: "SE" } });
    for (const [deviceId, power] of [
      ["ems_001", 100],
      ["ems_002", 1_000],
    ] as const) {
      await fill(server, fromMs, fromMs + hourMs + 15 * secondMs, 15 * secondMs, () => ({ grid: { power } }), deviceId);
    }
    const range = "from=2025-06-01T00:00:00Z&to=2025-06-01T02:00:00Z";
    const totals = async (query: string): Promise<FleetTotalsBody> =>
      (await get<FleetTotalsBody>(server, `/fleet/totals?${range}&${query}`)).body;
    const all = await totals("buckets=120&point=grid.power");
    expect(all).toMatchObject({ unit: "W", bucket_ms: 60_000, device_count: 3 });
    expect(all.sum.slice(0, 60)).toEqual(Array(60).fill(1_100));
    expect(all.sum.slice(61)).toEqual(Array(59).fill(null));
    expect(all.devices.slice(0, 60)).toEqual(Array(60).fill(2));
    expect(all.coverage.gaps).toEqual([{ from: "2025-06-01T01:00:00.000Z", to: "2025-06-01T02:00:00.000Z" }]);
    expect((await totals("buckets=8&property=country:SE")).sum[0]).toBe(100);
    expect((await totals("buckets=8&devices=ems_002,ems_001")).sum[0]).toBe(1_100);

    const { body: energy } = await get<FleetEnergyBody>(server, "/fleet/energy?from=2025-05-31&to=2025-06-03");
    expect(energy.spans.map(({ imported_wh }) => imported_wh)).toEqual([null, expect.closeTo(1_100, 0), null]);
    expect(energy.spans.map(({ devices }) => devices)).toEqual([0, 2, 0]);
    expect(energy.device_count).toBe(3);
    expect((await get(server, "/fleet/totals?devices=ems_001,nobody")).status).toBe(404);
  });

  test("refuses a question that would read too much, and says what to ask instead", async () => {
    const server = await openScene();
    for (let at = 0; at < 40; at++) server.devices.add({ deviceId: `many_${at}` });
    const refused = await get<object>(server, "/fleet/totals?from=2025-06-01&to=2025-06-14&buckets=2000");
    expect(refused).toMatchObject({
      status: 400,
      body: { code: "range_too_large", detail: expect.stringContaining("fewer") },
    });
    expect((await get(server, "/fleet/totals?from=2025-06-01&to=2025-06-14&buckets=1000")).status).toBe(200);
    const energy = await get<object>(server, "/fleet/energy?from=2016-06-01&to=2025-06-01&per=month");
    expect(energy).toMatchObject({ status: 400, body: { code: "range_too_large" } });
  });
});
