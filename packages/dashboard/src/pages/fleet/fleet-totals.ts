import { type FleetPoint, type FleetRow, freshnessOf, isPresent, observedAtMsOf } from "@wattboard/protocol";
import { ageOf } from "../../domain/age.ts";
import { hasError } from "./fleet-filter.ts";

/** The fleet in a few numbers. Powers are in W, and only of devices whose values are young enough to be called present. */
export interface FleetTotals {
  readonly devices: number;
  readonly online: number;
  readonly withError: number;
  /** Devices that the powers below are summed over. */
  readonly counted: number;
  /** The points that at least one of those tells; of the others there is no sum, not even zero. */
  readonly told: ReadonlySet<FleetPoint>;
  readonly solarW: number;
  readonly loadW: number;
  /** Both ways of the grid and of the batteries, each ≥ 0: while one house sells another one buys, and a net sum would hide it. */
  readonly importingW: number;
  readonly sellingW: number;
  readonly chargingW: number;
  readonly dischargingW: number;
  /** The mean state of charge in %, of those present devices that tell one; null where none does. */
  readonly socPercent: number | null;
}

export function fleetTotals(rows: Iterable<FleetRow>, nowMs: number): FleetTotals {
  let devices = 0;
  let online = 0;
  let withError = 0;
  let counted = 0;
  let solarW = 0;
  let loadW = 0;
  let importingW = 0;
  let sellingW = 0;
  let chargingW = 0;
  let dischargingW = 0;
  const told = new Set<FleetPoint>();
  let socSum = 0;
  let socCount = 0;
  for (const row of rows) {
    devices++;
    if (!row.online) continue;
    online++;
    if (hasError(row)) withError++;
    if (!isPresent(freshnessOf(row, ageOf(row.observed_at_ms, nowMs)))) continue;
    counted++;
    // A device may send its sections in messages of their own: each value has its age.
    const presentValue = (point: FleetPoint) =>
      isPresent(freshnessOf(row, ageOf(observedAtMsOf(row, point), nowMs))) ? row.points[point] : undefined;
    const watts = (point: FleetPoint) => {
      const power = presentValue(point);
      if (power !== undefined) told.add(point);
      return power ?? 0;
    };
    solarW += watts("solar.power");
    loadW += watts("load.power");
    importingW += Math.max(0, watts("grid.power"));
    sellingW += Math.max(0, -watts("grid.power"));
    chargingW += Math.max(0, watts("battery.power"));
    dischargingW += Math.max(0, -watts("battery.power"));
    const soc = presentValue("battery.soc");
    if (soc === undefined) continue;
    socSum += soc;
    socCount++;
  }
  return {
    devices,
    online,
    withError,
    counted,
    told,
    solarW,
    loadW,
    importingW,
    sellingW,
    chargingW,
    dischargingW,
    socPercent: socCount === 0 ? null : socSum / socCount,
  };
}
