import { type Command, targetModes } from "@wattboard/protocol";
import { telemetryValidator } from "@wattboard/protocol/validate";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planFleet } from "./plan-fleet.ts";
import type { PlannedDevice } from "./planned-device.ts";
import { Plant } from "./plant.ts";

const fleet = planFleet({ devices: 96, seed: 1 });
const hourMs = 3_600_000;

function find(place: string, kind: PlannedDevice["kind"] = "home"): PlannedDevice {
  const planned = fleet.find((each) => each.place.name === place && each.kind === kind);
  if (planned === undefined) throw new Error(`no ${kind} in ${place}`);
  return planned;
}

function setMode(target_mode: (typeof targetModes)[number], target_power?: number): Command {
  return {
    command_id: "cmd_8293",
    action: "SET_MODE",
    payload: { target_mode, ...(target_power !== undefined && { target_power }) },
  };
}
const resetError: Command = { command_id: "cmd_8294", action: "RESET_ERROR", payload: {} };

const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.constant(resetError),
  fc
    .tuple(fc.constantFrom(...targetModes), fc.option(fc.double({ min: 0, max: 20_000, noNaN: true })))
    .map(([mode, powerW]) => setMode(mode, powerW ?? undefined)),
);

describe("Plant", () => {
  test("balances at every step, whatever it is told and whatever fails", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...fleet),
        fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) }),
        fc.integer({ min: 0, max: 1_000 }),
        fc.constantFrom(0, 20),
        fc.array(fc.tuple(fc.double({ min: 0.02, max: 900, noNaN: true }), fc.option(commands, { freq: 8 })), {
          minLength: 20,
          maxLength: 200,
        }),
        (planned, startMs, seed, faultsPerDay, steps) => {
          const plant = new Plant(planned, { seed, startMs, faultsPerDay });
          for (const [dtS, command] of steps) {
            if (command !== null) plant.apply(command);
            const beforeWh = plant.battery.storedWh;
            plant.step(dtS);

            const { solarW, gridW, loadW, batteryW, inverterLossW, batteryLossW } = plant.flows;
            const scaleW = 1 + solarW + Math.abs(gridW) + loadW + Math.abs(batteryW);
            expect(Math.abs(solarW + gridW - loadW - batteryW - inverterLossW)).toBeLessThan(1e-12 * scaleW);
            const storedW = ((plant.battery.storedWh - beforeWh) * 3_600) / dtS;
            expect(Math.abs(batteryW - batteryLossW - storedW)).toBeLessThan(1e-4);

            expect(solarW).toBeGreaterThanOrEqual(0);
            expect(loadW).toBeGreaterThan(0);
            expect(inverterLossW).toBeGreaterThanOrEqual(0);
            expect(batteryLossW).toBeGreaterThanOrEqual(-1e-9);
            expect(Math.abs(loadW - gridW)).toBeLessThanOrEqual(planned.plant.inverter.ratedW + 1e-6);
            expect(plant.battery.soc).toBeGreaterThanOrEqual(0);
            expect(plant.battery.soc).toBeLessThanOrEqual(1);

            const { state } = plant;
            expect(state === "CHARGING").toBe(batteryW > 0);
            expect(state === "DISCHARGING").toBe(batteryW < 0);
            const message = { device_id: planned.deviceId, timestamp: "2026-01-31T12:00:00Z", ...plant.telemetry() };
            expect(telemetryValidator.check(message)).toBe(true);
            expect(message.system_status?.error_flags?.length === 0).toBe(state !== "ERROR");
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("lives the same life twice with the same seed, and another with another", () => {
    const live = (seed: number) => {
      const startMs = Date.UTC(2026, 3, 1, 6);
      const plant = new Plant(find("Uppsala"), { seed, startMs, faultsPerDay: 2 });
      return Array.from({ length: 300 }, (_, minute) => {
        if (minute === 100) plant.apply(setMode("MANUAL_CHARGE", 700));
        plant.advanceTo(startMs + minute * 60_000);
        return plant.telemetry();
      });
    };
    expect(live(5)).toEqual(live(5));
    expect(live(5)).not.toEqual(live(6));
  });

  test("lets no command change the weather or the household", () => {
    const startMs = Date.UTC(2026, 5, 1, 8);
    const [told, left] = [0, 1].map(() => new Plant(find("Jaipur"), { seed: 1, startMs, faultsPerDay: 0 }));
    told?.apply(setMode("MANUAL_IDLE"));
    for (let minute = 1; minute <= 120; minute++) {
      told?.advanceTo(startMs + minute * 60_000);
      left?.advanceTo(startMs + minute * 60_000);
    }
    expect(told?.telemetry().load).toEqual(left?.telemetry().load);
    expect(told?.telemetry().battery).not.toEqual(left?.telemetry().battery);
  });

  test("fills its battery by day and uses it in the evening of its place", () => {
    const planned = find("Jaipur");
    // A clear week in March, from local midnight.
    const startMs = Date.UTC(2026, 2, 15, 18, 30);
    const plant = new Plant(planned, { seed: 3, startMs, faultsPerDay: 0 });
    const nightSoc: number[] = [];
    const noonW: number[] = [];
    let eveningWh = 0;
    for (let minute = 1; minute <= 7 * 1_440; minute++) {
      plant.advanceTo(startMs + minute * 60_000);
      const hour = (minute / 60) % 24;
      if (hour === 0) {
        nightSoc.push(plant.flows.solarW);
      } else if (hour === 12) {
        noonW.push(plant.flows.solarW);
      }
      if (hour >= 19 && hour < 22) eveningWh -= plant.flows.batteryW / 60;
    }
    expect(nightSoc.every((powerW) => powerW === 0)).toBe(true);
    expect(Math.max(...noonW)).toBeGreaterThan(0.6 * planned.plant.solar.peakW);
    expect(eveningWh / 7).toBeGreaterThan(500);
  });

  test("keeps the meter near zero in AUTO while the battery can", () => {
    const startMs = Date.UTC(2026, 5, 1, 20);
    const plant = new Plant(find("Uppsala"), { seed: 1, startMs, faultsPerDay: 0 });
    const meterW: number[] = [];
    for (let second = 1; second <= 1_800; second++) {
      plant.step(1);
      if (plant.state === "DISCHARGING") meterW.push(Math.abs(plant.flows.gridW));
    }
    meterW.sort((a, b) => a - b);
    expect(meterW.length).toBeGreaterThan(1_000);
    expect(meterW[Math.floor(meterW.length / 2)]).toBeLessThan(15);
  });

  test("obeys SET_MODE, with and without a target power", () => {
    const startMs = Date.UTC(2026, 2, 1, 22);
    const plant = new Plant(find("Uppsala"), { seed: 1, startMs, faultsPerDay: 0 });
    const settle = (command: Command) => {
      expect(plant.apply(command)).toEqual({ done: true });
      for (let second = 0; second < 30; second++) plant.step(1);
      return plant.telemetry();
    };
    const discharging = settle(setMode("MANUAL_DISCHARGE", 500));
    expect(discharging.system_status).toMatchObject({ state: "DISCHARGING", mode: "MANUAL" });
    expect(discharging.battery?.power).toBeCloseTo(-500, 0);
    expect(discharging.battery?.current).toBeLessThan(0);

    const charging = settle(setMode("MANUAL_CHARGE"));
    expect(charging.system_status).toMatchObject({ state: "CHARGING", mode: "MANUAL" });
    expect(charging.battery?.power).toBeGreaterThan(1_000);
    // At night it charges from the grid: the inverter draws from the house.
    expect(charging.inverter?.power).toBeLessThan(-1_000);
    expect(charging.grid?.power).toBeGreaterThan(1_000);

    expect(settle(setMode("MANUAL_IDLE")).system_status).toMatchObject({ state: "IDLE", mode: "MANUAL" });
    expect(settle(setMode("AUTO")).system_status).toMatchObject({ state: "DISCHARGING", mode: "AUTO" });
  });

  test("stops its battery in ERROR, refuses a reset while the cause is there, and lives on after it", () => {
    const startMs = Date.UTC(2026, 4, 1, 6);
    const flagsSeen = new Set<string>();
    let refusals = 0;
    let resets = 0;
    for (const planned of fleet) {
      const plant = new Plant(planned, { seed: 1, startMs, faultsPerDay: 6 });
      let wasInError = false;
      for (let minute = 0; minute < 1_440; minute++) {
        plant.step(60);
        const inError = plant.state === "ERROR";
        if (inError) {
          expect(plant.flows.batteryW).toBe(0);
          for (const flag of plant.telemetry().system_status?.error_flags ?? []) flagsSeen.add(flag);
          if (minute % 10 === 0) {
            if (plant.apply(resetError).done) resets++;
            else refusals++;
          }
        } else if (wasInError) {
          expect(plant.telemetry().system_status?.error_flags).toEqual([]);
        }
        wasInError = inError;
      }
    }
    expect([...flagsSeen].sort()).toEqual(["BMS_COMMUNICATION", "GRID_OVERVOLTAGE", "OVERHEAT"]);
    expect(refusals).toBeGreaterThan(10);
    expect(resets).toBeGreaterThan(10);
  });

  test("takes RESET_ERROR in good health", () => {
    const plant = new Plant(find("Uppsala"), { seed: 1, startMs: 0, faultsPerDay: 0 });
    expect(plant.apply(resetError)).toEqual({ done: true });
  });

  test("advances to a time in steps that stay few however far it is", () => {
    const plant = new Plant(find("Uppsala"), { seed: 1, startMs: 0, faultsPerDay: 0 });
    plant.advanceTo(1_000 * hourMs);
    expect(plant.timeMs).toBeCloseTo(1_000 * hourMs, -1);
    plant.advanceTo(5);
    expect(plant.timeMs).toBeCloseTo(1_000 * hourMs, -1);
  });
});
