import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Battery, type BatterySpec, reserveSoc } from "./battery.ts";

const spec: BatterySpec = { capacityWh: 5_120, cells: 16, chargeMaxW: 2_560, dischargeMaxW: 2_560 };

function stepsToEnd(battery: Battery, powerW: number, dtS = 60): number {
  let energyWs = 0;
  for (let n = 0; n < 10_000; n++) {
    const { powerW: actualW } = battery.step(powerW, dtS, 20);
    if (Math.abs(actualW) < 1) break;
    energyWs += actualW * dtS;
  }
  return energyWs / 3_600;
}

describe("Battery", () => {
  test("keeps the books: what crosses its terminals is stored or lost, and the charge stays within 0 and 100 %", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.array(
          fc.record({
            powerW: fc.double({ min: -5_000, max: 5_000, noNaN: true }),
            dtS: fc.double({ min: 0.05, max: 3_600, noNaN: true }),
            ambientC: fc.double({ min: -25, max: 45, noNaN: true }),
          }),
          { maxLength: 60 },
        ),
        fc.constantFrom(1, 12),
        (soc, steps, resistanceFactor) => {
          const battery = new Battery(spec, soc, 20);
          battery.resistanceFactor = resistanceFactor;
          for (const { powerW, dtS, ambientC } of steps) {
            const beforeWh = battery.storedWh;
            const flow = battery.step(powerW, dtS, ambientC);
            const storedW = ((battery.storedWh - beforeWh) * 3_600) / dtS;
            expect(Math.abs(flow.powerW - flow.lossW - storedW)).toBeLessThan(1e-5 / Math.min(1, dtS));
            // Seen from outside: power is voltage times current.
            expect(Math.abs(flow.powerW - battery.voltageV * battery.currentA)).toBeLessThan(1e-6);
            expect(flow.lossW).toBeGreaterThanOrEqual(-1e-9);
            expect(battery.soc).toBeGreaterThanOrEqual(0);
            expect(battery.soc).toBeLessThanOrEqual(1);
            expect(Math.abs(flow.powerW)).toBeLessThanOrEqual(Math.abs(powerW));
            expect(flow.powerW * powerW).toBeGreaterThanOrEqual(0);
          }
        },
      ),
    );
  });

  test("gives back 90 to 97 % of what a full charge took", () => {
    const battery = new Battery(spec, reserveSoc, 20);
    const inWh = stepsToEnd(battery, 1_500);
    const outWh = -stepsToEnd(battery, -1_500);
    expect(outWh / inWh).toBeGreaterThan(0.9);
    expect(outWh / inWh).toBeLessThan(0.97);
  });

  test("ends full, with a taper from 92 %", () => {
    const battery = new Battery(spec, 0.5, 20);
    expect(battery.chargeLimitW(1)).toBe(2_560);
    stepsToEnd(battery, 2_560);
    expect(battery.soc).toBeCloseTo(1, 3);
    const nearFull = new Battery(spec, 0.98, 20);
    expect(nearFull.chargeLimitW(1)).toBeLessThan(0.35 * 2_560);
    expect(nearFull.chargeLimitW(1)).toBeGreaterThan(0.05 * 2_560);
  });

  test("stops at its reserve", () => {
    const battery = new Battery(spec, 0.5, 20);
    stepsToEnd(battery, -2_560);
    expect(battery.soc).toBeCloseTo(reserveSoc, 4);
    expect(battery.dischargeLimitW(1)).toBeCloseTo(0, 6);
  });

  test("has the voltages of 16 LFP cells: flat in the middle, higher under charge, lower under load", () => {
    const at = (soc: number) => new Battery(spec, soc, 25).openCircuitV();
    expect(at(0.5)).toBeGreaterThan(52.5);
    expect(at(0.5)).toBeLessThan(53.5);
    expect(at(0.8) - at(0.3)).toBeLessThan(1.5);
    expect(at(0.1) - at(0)).toBeGreaterThan(4);
    for (let soc = 0; soc < 0.995; soc += 0.005) expect(at(soc + 0.005)).toBeGreaterThan(at(soc));

    const battery = new Battery(spec, 0.5, 25);
    battery.step(2_000, 1, 25);
    const charging = battery.voltageV;
    battery.step(-2_000, 1, 25);
    expect(charging - battery.voltageV).toBeGreaterThan(1);
  });

  test("warms under load, cools at rest, and does not charge in the frost", () => {
    const battery = new Battery(spec, 0.9, 20);
    for (let minute = 0; minute < 90; minute++) battery.step(-2_500, 60, 20);
    const warm = battery.temperatureC;
    expect(warm).toBeGreaterThan(23);
    expect(warm).toBeLessThan(45);
    for (let minute = 0; minute < 600; minute++) battery.step(0, 60, 20);
    expect(battery.temperatureC).toBeCloseTo(20, 0);

    const frozen = new Battery(spec, 0.5, -5);
    expect(frozen.chargeLimitW(1)).toBe(0);
    expect(frozen.dischargeLimitW(1)).toBeGreaterThan(1_000);
  });
});
