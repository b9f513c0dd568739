import type { BatterySpec } from "./battery.ts";
import type { HouseholdSpec } from "./household.ts";
import type { Place } from "./place.ts";
import { places } from "./places.ts";
import type { PlannedDevice, PlantKind, PlantSpec } from "./planned-device.ts";
import { Random } from "./random.ts";

export interface FleetPlanOptions {
  /** How many devices. */
  readonly devices: number;
  /** Same seed, same fleet. A larger fleet of the same seed begins with the smaller one. */
  readonly seed: number;
  /** What the ids begin with; default `sim`, which gives `sim_0001`. */
  readonly prefix?: string;
}

const labels: Readonly<Record<PlantKind, string>> = {
  balcony: "Balcony storage",
  home: "Home battery",
  ems: "Energy manager",
};

/** Where balconies have plugs for storage; elsewhere it is homes and larger sites. */
const balconyCountries = new Set(["DE", "AT"]);
/** Where a warm house means a heat pump, and where a cool one means air conditioning. */
const heatPumpBelowC = 3;
const coolingAboveC = 24;

/** A fleet on paper: which devices, where, and how large. Deterministic; connects to nothing. */
export function planFleet(options: FleetPlanOptions): PlannedDevice[] {
  const { devices, seed, prefix = "sim" } = options;
  return Array.from({ length: devices }, (_, index) => planDevice(index, seed, prefix));
}

function planDevice(index: number, seed: number, prefix: string): PlannedDevice {
  const deviceId = `${prefix}_${String(index + 1).padStart(4, "0")}`;
  const random = new Random(`${seed}/plan/${index}`);
  // Round by round through the places, so that a fleet of any size is spread over the world.
  const town = places[index % places.length] ?? places[0];
  const round = Math.floor(index / places.length) + 1;
  const place: Place = {
    ...town,
    // Within a few kilometres of the town's centre: a map shows neighbours side by side.
    latitudeDeg: town.latitudeDeg + random.between(-0.05, 0.05),
    longitudeDeg: town.longitudeDeg + random.between(-0.05, 0.05),
  };
  const kind = pickKind(place, random);
  const plant = planPlant(kind, place, random);
  return {
    deviceId,
    name: `${labels[kind]}${round === 1 ? "" : ` ${round}`}, ${place.name}`,
    properties: {
      country: place.country,
      place: place.name,
      latitude: place.latitudeDeg.toFixed(4),
      longitude: place.longitudeDeg.toFixed(4),
      time_zone: place.timeZone,
      kind,
      capacity_wh: String(plant.battery.capacityWh),
      peak_w: String(plant.solar.peakW),
      simulated: "true",
    },
    kind,
    place,
    plant,
  };
}

function pickKind(place: Place, random: Random): PlantKind {
  const dice = random.uniform();
  if (balconyCountries.has(place.country)) return dice < 0.55 ? "balcony" : dice < 0.92 ? "home" : "ems";
  return dice < 0.8 ? "home" : "ems";
}

function planPlant(kind: PlantKind, place: Place, random: Random): PlantSpec {
  const equatorwards = place.latitudeDeg >= 0 ? 180 : 0;
  const steepness = Math.abs(place.latitudeDeg) * 0.7;
  switch (kind) {
    case "balcony":
      return {
        solar: { peakW: random.pick([430, 860, 900]), tiltDeg: 70, azimuthDeg: equatorwards + random.between(-45, 45) },
        battery: { ...pack(random.pick([800, 1_440, 1_600, 1_920]), 16), chargeMaxW: 800, dischargeMaxW: 800 },
        // The limit for plug-in devices in Germany and Austria.
        inverter: { ratedW: 800 },
        household: household(place, random, "household", random.between(0.6, 0.9)),
      };
    case "home": {
      const capacityWh = random.pick([5_120, 7_680, 10_240, 12_800, 15_360]);
      const ratedW = random.pick(capacityWh > 8_000 ? [5_000, 6_000, 8_000, 10_000] : [3_600, 5_000, 6_000]);
      return {
        solar: {
          peakW: roundTo(ratedW * random.between(0.85, 1.3), 50),
          tiltDeg: Math.max(10, steepness + random.between(-8, 8)),
          azimuthDeg: equatorwards + random.between(-60, 60),
        },
        battery: { ...pack(capacityWh, 16), chargeMaxW: capacityWh / 2, dischargeMaxW: capacityWh / 2 },
        inverter: { ratedW },
        household: household(place, random, "household", random.between(0.8, 1.5)),
      };
    }
    case "ems": {
      const capacityWh = random.pick([30_720, 40_960, 61_440, 92_160]);
      const ratedW = random.pick([15_000, 20_000, 30_000]);
      return {
        solar: {
          peakW: roundTo(ratedW * random.between(1, 1.4), 500),
          tiltDeg: Math.max(10, steepness + random.between(-12, 0)),
          azimuthDeg: equatorwards + random.between(-30, 30),
        },
        // A string of cells for a high-voltage inverter: about 410 V.
        battery: { ...pack(capacityWh, 128), chargeMaxW: capacityWh / 2, dischargeMaxW: capacityWh / 2 },
        inverter: { ratedW },
        household: household(place, random, "business", random.between(4, 8)),
      };
    }
  }
}

function pack(capacityWh: number, cells: number): Pick<BatterySpec, "capacityWh" | "cells"> {
  return { capacityWh, cells };
}

function household(place: Place, random: Random, occupancy: HouseholdSpec["occupancy"], size: number): HouseholdSpec {
  const { januaryC, julyC } = place.climate;
  const heated = Math.min(januaryC, julyC) < heatPumpBelowC && random.uniform() < 0.6;
  const cooled = Math.max(januaryC, julyC) > coolingAboveC && random.uniform() < 0.7;
  return {
    occupancy,
    timeZone: place.timeZone,
    baseW: size * random.between(60, 130),
    livelyW: size * random.between(220, 480),
    // A workshop has more machines, not machines that are as many times larger.
    applianceSize: occupancy === "business" ? size / 3 : size,
    heatingWPerK: heated ? size * random.between(25, 55) : 0,
    coolingWPerK: cooled ? size * random.between(50, 110) : 0,
  };
}

function roundTo(value: number, step: number): number {
  return Math.round(value / step) * step;
}
