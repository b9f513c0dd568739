import { isDeviceId } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { places } from "./places.ts";
import { planFleet } from "./plan-fleet.ts";

describe("planFleet", () => {
  test("is the same for the same seed, another for another, and grows without changing what is there", () => {
    expect(planFleet({ devices: 50, seed: 7 })).toEqual(planFleet({ devices: 50, seed: 7 }));
    expect(planFleet({ devices: 50, seed: 7 })).not.toEqual(planFleet({ devices: 50, seed: 8 }));
    expect(planFleet({ devices: 90, seed: 7 }).slice(0, 50)).toEqual(planFleet({ devices: 50, seed: 7 }));
  });

  test("gives every device an id and a name of its own", () => {
    const fleet = planFleet({ devices: 10_001, seed: 1 });
    expect(fleet[0]?.deviceId).toBe("sim_0001");
    expect(fleet[10_000]?.deviceId).toBe("sim_10001");
    expect(planFleet({ devices: 1, seed: 1, prefix: "lab" })[0]?.deviceId).toBe("lab_0001");
    expect(fleet.every(({ deviceId }) => isDeviceId(deviceId))).toBe(true);
    expect(new Set(fleet.map(({ deviceId }) => deviceId)).size).toBe(fleet.length);
    expect(new Set(fleet.map(({ name }) => name)).size).toBe(fleet.length);
  });

  test("starts in Sweden and India and reaches the whole world", () => {
    const countries = planFleet({ devices: 20, seed: 3 }).map(({ place }) => place.country);
    expect(countries.filter((country) => country === "SE").length).toBeGreaterThanOrEqual(3);
    expect(countries.filter((country) => country === "IN").length).toBeGreaterThanOrEqual(3);
    expect(new Set(places.map(({ country }) => country)).size).toBeGreaterThanOrEqual(10);
  });

  test("describes each device in texts that a registration takes", () => {
    const [first] = planFleet({ devices: 1, seed: 1 });
    expect(first?.name).toMatch(/^(Home battery|Energy manager), Uppsala$/);
    expect(first?.properties).toMatchObject({
      country: "SE",
      place: "Uppsala",
      time_zone: "Europe/Stockholm",
      simulated: "true",
    });
    expect(Number(first?.properties.latitude)).toBeCloseTo(59.86, 0);
  });

  test("builds plants that make sense", () => {
    for (const { kind, place, plant } of planFleet({ devices: 2_000, seed: 2 })) {
      const { capacityWh, chargeMaxW } = plant.battery;
      const sizes = { balcony: [800, 2_000], home: [5_000, 16_000], ems: [30_000, 100_000] }[kind];
      expect(capacityWh).toBeGreaterThanOrEqual(sizes[0] ?? 0);
      expect(capacityWh).toBeLessThanOrEqual(sizes[1] ?? 0);
      expect(chargeMaxW).toBeLessThanOrEqual(capacityWh);
      expect(plant.solar.peakW / plant.inverter.ratedW).toBeGreaterThan(0.5);
      expect(plant.solar.peakW / plant.inverter.ratedW).toBeLessThan(1.5);
      if (kind === "balcony") expect(["DE", "AT"]).toContain(place.country);
      expect(plant.household.timeZone).toBe(place.timeZone);
    }
  });
});
