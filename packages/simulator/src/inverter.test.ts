import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Inverter } from "./inverter.ts";

const ratedW = 5_000;
const watt = (min: number, max: number) => fc.double({ min, max, noNaN: true });

describe("Inverter", () => {
  test("balances at any sun and battery power, loses, and stays within its rating", () => {
    fc.assert(
      fc.property(watt(0, 12_000), watt(-12_000, 12_000), (availableW, wantedW) => {
        const inverter = new Inverter({ ratedW });
        const batteryW = inverter.limitBatteryW(wantedW, availableW);
        const flow = inverter.run(availableW, batteryW);
        expect(Math.abs(flow.solarW - flow.batteryW - flow.acW - flow.lossW)).toBeLessThan(1e-9);
        expect(flow.lossW).toBeGreaterThan(0);
        expect(flow.lossW).toBeLessThan(0.08 * ratedW + 0.02 * Math.abs(batteryW));
        expect(Math.abs(flow.acW)).toBeLessThanOrEqual(ratedW + 1e-6);
        expect(flow.solarW).toBeGreaterThanOrEqual(0);
        expect(flow.solarW).toBeLessThanOrEqual(availableW);
        expect(flow.batteryW).toBe(batteryW);
      }),
    );
  });

  test("finds the battery power with which the house gets exactly what it needs", () => {
    fc.assert(
      fc.property(watt(0, 6_000), watt(0, ratedW), (solarW, loadW) => {
        const inverter = new Inverter({ ratedW });
        const flow = inverter.run(solarW, inverter.batteryForAcW(loadW, solarW));
        expect(Math.abs(flow.acW - loadW)).toBeLessThan(1e-6);
        expect(Math.abs(flow.solarW - solarW)).toBeLessThan(1e-6);
      }),
    );
  });

  test("is 95 to 98 % efficient at half load and draws a few watts when it waits", () => {
    const inverter = new Inverter({ ratedW });
    const { acW } = inverter.run(ratedW / 2, 0);
    expect(acW / (ratedW / 2)).toBeGreaterThan(0.95);
    expect(acW / (ratedW / 2)).toBeLessThan(0.985);
    const waiting = inverter.run(0, 0).acW;
    expect(waiting).toBeLessThan(-3);
    expect(waiting).toBeGreaterThan(-30);
  });

  test("throttles the panels when neither house nor battery can take more", () => {
    for (const batteryW of [0, 1_000]) {
      const flow = new Inverter({ ratedW }).run(8_000, batteryW);
      expect(flow.acW).toBeCloseTo(ratedW, 6);
      expect(flow.solarW - batteryW).toBeLessThan(5_200);
    }
  });

  test("is dark when it is off", () => {
    const inverter = new Inverter({ ratedW });
    inverter.run(3_000, 500);
    expect(inverter.off()).toEqual({ solarW: 0, batteryW: 0, acW: 0, lossW: 0 });
  });
});
