import type { DeviceEnergyBody } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { dayMs, fill, get, hourMs, openScene, secondMs, utc } from "../../support/questions.ts";
import type { Message } from "../../support/samples.ts";
import { startServer } from "../../support/start-server.ts";

describe("energy", () => {
  const house: Message = {
    grid: { power: 500 },
    solar: { power: 1_500 },
    load: { power: 2_000 },
    battery: { power: 0 },
  };

  test("is counted in the site's days, the one of 23 hours and the one of 25 included", async () => {
    const server = await openScene({}, { time_zone: "Europe/Vienna" });
    for (const [from, to, hours] of [
      ["2025-03-30", "2025-03-31", 23],
      ["2025-10-26", "2025-10-27", 25],
    ] as const) {
      const startMs = utc(`${from}T00:00:00Z`) - (hours === 23 ? 1 : 2) * hourMs;
      await fill(server, startMs - hourMs, startMs + 27 * hourMs, 30 * secondMs, () => house);
      const query = `/devices/ems_001/energy?from=${from}&to=${to}`;
      const { body: day } = await get<DeviceEnergyBody>(server, query);
      expect(day).toMatchObject({ time_zone: "Europe/Vienna", per: "day" });
      expect(day.spans).toHaveLength(1);
      expect(utc(day.to) - utc(day.from)).toBe(hours * hourMs);
      expect(day.spans[0]?.imported_wh).toBeCloseTo(500 * hours, 0);
      expect(day.spans[0]).toMatchObject({ autarky: expect.closeTo(0.75, 6), self_consumption: 1, coverage: 1 });
      expect(day.coverage).toMatchObject({ share: 1, gaps: [] });
      const { body: byHour } = await get<DeviceEnergyBody>(server, `${query}&per=hour`);
      expect(byHour.spans).toHaveLength(hours);
      for (const name of ["imported_wh", "produced_wh", "consumed_wh", "self_consumed_wh"] as const) {
        const sum = byHour.spans.reduce((total, span) => total + (span[name] ?? 0), 0);
        expect(sum).toBeCloseTo(day.spans[0]?.[name] ?? 0, 6);
        expect(byHour.total[name]).toBeCloseTo(sum, 6);
      }
    }
  });

  test.each(["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "UTC"])(
    "agrees at every zoom in %s: hours with the day, days with the month, months with the year",
    async (zone) => {
      const server = await openScene();
      const startMs = utc("2025-03-28T00:00:00Z");
      // A battery that turns round, and a sample now and then that stays out.
      await fill(server, startMs, startMs + 12 * dayMs, 25 * secondMs, (at) => ({
        grid: { power: 900 * Math.sin(at / 50) },
        battery: { power: 400 * Math.cos(at / 70) },
        solar: { power: Math.max(0, 3_000 * Math.sin(at / 900)) },
      }));
      const energy = async (query: string): Promise<DeviceEnergyBody> =>
        (await get<DeviceEnergyBody>(server, `/devices/ems_001/energy?time_zone=${zone}&${query}`)).body;
      const year = await energy("from=2025-01-01&to=2026-01-01&per=year");
      expect(year.spans).toHaveLength(1);
      const zooms = [
        await energy("from=2025-01-01&to=2026-01-01&per=month"),
        await energy("from=2025-03-01&to=2025-05-01&per=day"),
        await energy("from=2025-03-25&to=2025-04-15&per=hour"),
      ];
      expect(zooms[0]?.spans).toHaveLength(12);
      expect(year.total.charged_wh).toBeGreaterThan(1_000);
      for (const zoom of zooms) {
        for (const [at, span] of zoom.spans.entries())
          expect(span.from).toBe(at === 0 ? zoom.from : zoom.spans[at - 1]?.to);
        for (const name of [
          "imported_wh",
          "exported_wh",
          "charged_wh",
          "discharged_wh",
          "produced_wh",
          "consumed_wh",
          "self_consumed_wh",
        ] as const) {
          expect([zoom.per, name, zoom.total[name]?.toFixed(3)]).toEqual([
            zoom.per,
            name,
            year.total[name]?.toFixed(3),
          ]);
        }
      }
    },
  );

  test("takes the device's zone, else the setting's, unless the question names one", async () => {
    const server = await openScene({ settings: { "site.time_zone": "Asia/Kolkata" } });
    server.devices.add({ deviceId: "ems_002", properties: { time_zone: "Europe/Vienna" } });
    const zoneOf = async (deviceId: string, query = ""): Promise<string> =>
      (await get<DeviceEnergyBody>(server, `/devices/${deviceId}/energy?${query}`)).body.time_zone;
    expect(await zoneOf("ems_001")).toBe("Asia/Kolkata");
    expect(await zoneOf("ems_002")).toBe("Europe/Vienna");
    expect(await zoneOf("ems_002", "time_zone=Asia/Kathmandu")).toBe("Asia/Kathmandu");
    expect(server.devices.add({ deviceId: "ems_003", properties: { time_zone: "Vienna" } })).toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining("time_zone"),
    });
    await expect(startServer({ settings: { "site.time_zone": "CEST+1" } })).rejects.toThrow(
      /site-time-zone.*Europe\/Vienna/s,
    );
  });

  test("has no shares where nothing was consumed or produced, and holds only passed time against a day that is not over", async () => {
    const server = await openScene();
    const nowMs = Math.floor(Date.now() / secondMs) * secondMs;
    await fill(server, nowMs - 2 * dayMs, nowMs, 30 * secondMs, () => ({ battery: { soc: 50 } }));
    const { body } = await get<DeviceEnergyBody>(server, "/devices/ems_001/energy?per=hour");
    const last = body.spans.at(-1);
    expect(last).toMatchObject({ autarky: null, self_consumption: null, imported_wh: null });
    expect(body.spans.at(-2)?.coverage).toBe(1);
    expect(body.coverage.share).toBeGreaterThan(0.97);
    expect(utc(last?.to ?? "")).toBeGreaterThanOrEqual(nowMs);
  });
});
