import type { PointSpec } from "./points.ts";

/** What drivers of 16 and 32 bits write where they know no value, W: SunSpec's, SMA's, Huawei's. Also scaled by ten, either way. */
const codes = [0x7fff, 0x8000, -0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, -0x8000_0000, 0xffff_ffff];
const notAvailable: ReadonlySet<number> = new Set(codes.flatMap((code) => [code, code * 10, code / 10]));
/** No code for "not available" is smaller. */
const smallestCode = 0x7fff / 10;

/** Whether a value of a power stands for "not available". */
export function isNotAvailable({ unit }: PointSpec, value: number): boolean {
  return unit === "W" && (value >= smallestCode || value <= -smallestCode) && notAvailable.has(value);
}

/** The most that a point of this device can show, W, by the name of the point; those that are not here have the catalogue's bounds alone. */
export type Rating = ReadonlyMap<string, number>;

/** A device that is overloaded, or whose panels are larger than its inverter, shows more than its rating, but not this many times as much. */
const ratingFactor = 2;
const ratedSections = ["battery", "solar", "inverter", "grid", "load"] as const;
/** What the rating of a device bounds; what a house takes or sells is bounded by its connection: `rated_grid_power`, `rated_load_power`. */
const ofDevice: ReadonlySet<string> = new Set(["battery", "solar", "inverter"]);
const powerPattern = /^(\d{1,9}(?:\.\d{1,6})?) ?([kM]?)W?$/i;
const factors: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6 };

/**
 * What a device's properties say of its size: `rated_power`, and `rated_battery_power` and the like for one section, in W or with a unit
 * (`5 kW`). Null where they say nothing.
 */
export function ratingOf(properties: Readonly<Record<string, string>>): Rating | null {
  const rating = new Map<string, number>();
  for (const section of ratedSections) {
    const own = readPower(properties[`rated_${section}_power`]);
    const ratedW = own ?? (ofDevice.has(section) ? readPower(properties.rated_power) : null);
    if (ratedW !== null) rating.set(`${section}.power`, ratedW * ratingFactor);
  }
  return rating.size === 0 ? null : rating;
}

function readPower(text: string | undefined): number | null {
  const [, number, prefix = ""] = powerPattern.exec(text ?? "") ?? [];
  const watts = Number(number ?? 0) * (factors[prefix.toLowerCase()] ?? 0);
  return watts > 0 ? watts : null;
}

/** Whether the catalogue's bounds, and the device's, let the value be a measurement. */
export function isBelievable(spec: PointSpec, rating: Rating | null, value: number): boolean {
  const [minimum, maximum] = spec.believed ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const ratedW = rating?.get(spec.name) ?? Number.POSITIVE_INFINITY;
  return value >= minimum && value <= maximum && Math.abs(value) <= ratedW;
}

/** Whether a value lies where the point's values usually do. */
export function isUsual({ minimum, maximum }: PointSpec, value: number): boolean {
  return (minimum === undefined || value >= minimum) && (maximum === undefined || value <= maximum);
}
