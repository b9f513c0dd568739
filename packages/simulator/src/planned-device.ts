import type { BatterySpec } from "./battery.ts";
import type { HouseholdSpec } from "./household.ts";
import type { InverterSpec } from "./inverter.ts";
import type { Place } from "./place.ts";
import type { SolarArraySpec } from "./solar-array.ts";

/** Balcony storage, a family's battery, or the energy management of a farm or workshop. */
export type PlantKind = "balcony" | "home" | "ems";

/** How a plant is built. */
export interface PlantSpec {
  readonly solar: SolarArraySpec;
  readonly battery: BatterySpec;
  readonly inverter: InverterSpec;
  readonly household: HouseholdSpec;
}

/** One device of a planned fleet: what is registered at the server, and what the physics is built from. */
export interface PlannedDevice {
  readonly deviceId: string;
  /** For people: `Home battery, Uppsala`. */
  readonly name: string;
  /** For the registration: `country`, `place`, `latitude`, `longitude`, `time_zone`, `kind`, `capacity_wh`, `peak_w`, `simulated`. */
  readonly properties: Readonly<Record<string, string>>;
  readonly kind: PlantKind;
  readonly place: Place;
  readonly plant: PlantSpec;
}
