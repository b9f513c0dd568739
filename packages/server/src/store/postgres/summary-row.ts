import { type Energy, energyNames, noEnergy, type PowerPoint } from "../algebra/energy.ts";
import type { LongStep } from "../algebra/steps.ts";
import { windowOf } from "../algebra/window.ts";
import { asWasMeasured } from "../algebra/window-summary.ts";
import type { EnergyWindow } from "../questions/window-reader.ts";

/** SQL: whether the window of a row has samples that are not in its summary. */
export function isTouched(table: string): string {
  return `EXISTS (SELECT FROM touched_window t WHERE t.device_id = ${table}.device_id AND t.window_start = ${table}.window_start)`;
}

/** The columns of the energies, in the order of {@link energyNames}. */
export const energyColumns =
  "imported_wh, exported_wh, charged_wh, discharged_wh, produced_wh, consumed_wh, self_consumed_wh, consumed_without_solar_wh";

type Powers = readonly [number | null, number | null, number | null, number | null];
/** A summary as it is selected by {@link windowList}. */
export type WindowRow = [
  startMs: number,
  version: number,
  firstMs: number,
  lastMs: number,
  periodMs: number,
  stepStarts: readonly number[] | null,
  stepEnds: readonly number[] | null,
  stepWh: readonly (number | null)[],
  firstPower: Powers,
  lastPower: Powers,
  ...energy: (number | null)[],
];

/** The columns of a select: what says which steps there are and, with `isEnergyWanted`, the energies. */
export function windowList(isEnergyWanted: boolean): string {
  const times = (column: string) =>
    `CASE WHEN ${column} <> '{}' THEN ARRAY (SELECT ms(at) FROM unnest(${column}) AS at) END`;
  return `ms(window_start), version, ms(first_at), ms(last_at), period_ms, ${times("gap_starts")}, ${times("gap_ends")},
    ${isEnergyWanted ? `step_wh, first_power_w, last_power_w, ${energyColumns}` : "'{}'::float8[], '{}'::float8[], '{}'::float8[]"}`;
}

export function windowOfRow([
  startMs,
  version,
  firstMs,
  lastMs,
  periodMs,
  starts,
  ends,
  wh,
  ...powers
]: WindowRow): EnergyWindow {
  const [first, last, ...energies] = powers;
  const longSteps = (starts ?? []).map((fromMs, at): LongStep => {
    const energy = energyFrom(wh.slice(energyNames.length * at, energyNames.length * (at + 1)));
    return { fromMs, toMs: ends?.[at] as number, energy };
  });
  const firstPower = powerPoint(firstMs, first);
  const lastPower = powerPoint(lastMs, last);
  let energy = energyFrom(energies);
  if (version < 2)
    [energy = noEnergy] = asWasMeasured({ energies: [energy], firstPower: [firstPower], lastPower: [lastPower] });
  return { window: windowOf(startMs), firstMs, lastMs, periodMs, longSteps, energy, firstPower, lastPower };
}

function energyFrom(wh: readonly (number | null)[]): Energy {
  return Object.fromEntries(energyNames.map((name, at) => [name, wh[at] ?? null])) as unknown as Energy;
}

function powerPoint(
  atMs: number,
  [gridW = null, batteryW = null, solarW = null, loadW = null]: readonly (number | null)[],
): PowerPoint {
  return { atMs, gridW, batteryW, solarW, loadW };
}
