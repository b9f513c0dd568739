import type { PointName } from "./points.ts";
import type { Scalar } from "./telemetry.ts";

/** The numbers of the fleet stream that every overview shows. */
export const fleetPoints = [
  "battery.soc",
  "battery.power",
  "solar.power",
  "inverter.power",
  "load.power",
  "grid.power",
] as const satisfies readonly PointName[];
export type FleetPoint = (typeof fleetPoints)[number];

/** One device as the fleet stream tells it. Times are milliseconds since 1970 UTC, null where nothing was received yet. */
export interface FleetRow {
  readonly id: string;
  readonly name: string;
  readonly online: boolean;
  /** Free properties of the registration: `country`, `place`, `time_zone`, `simulated`, … */
  readonly properties: Readonly<Record<string, string>>;
  /** When the latest sample was measured, as filed (DESIGN: a clock that is off is not believed). */
  readonly observed_at_ms: number | null;
  readonly received_at_ms: number | null;
  /** Whose time `observed_at_ms` is: the device's, or the server's because the device's clock is off or stands still. */
  readonly clock: "device" | "server";
  /** One of `deviceStates`, or another word that the device uses. */
  readonly state: string | null;
  /** One of `deviceModes`, or another word. */
  readonly mode: string | null;
  readonly error_flags: readonly string[];
  readonly points: Readonly<Partial<Record<FleetPoint, number>>>;
  /**
   * When those points were measured whose age does not count from `received_at_ms`: the newest message did not hold them, since devices send their
   * sections in messages of their own, or it came long after it was measured. Absent where there are none, as of most devices.
   */
  readonly observed_at_ms_of?: Readonly<Record<string, number>>;
  /** All else that the latest sample holds, by the name of the point, those that nobody has described included: `grid.voltage`, `smart_os.local_time`. */
  readonly others: Readonly<Record<string, Scalar>>;
}

/** When the value that a row holds of a point was measured, where its age counts from there. */
export function ownTimeMsOf({ observed_at_ms_of: times }: FleetRow, point: string): number | undefined {
  return times !== undefined && Object.hasOwn(times, point) ? times[point] : undefined;
}

/** When the value that a row holds of a point was measured; null where nothing was received yet. */
export function observedAtMsOf(row: FleetRow, point: string): number | null {
  return ownTimeMsOf(row, point) ?? row.observed_at_ms;
}

/**
 * What the server sends on `/ws/fleet`: the whole fleet in parts of at most 500 rows, the last of them with `more: false`; then, twice a
 * second, the rows that changed. `server_time_ms` lets a page tell the age of a value without trusting its own clock.
 */
export type FleetFrame =
  | {
      readonly type: "fleet";
      readonly server_time_ms: number;
      readonly more: boolean;
      /** How many devices there are to be told, all parts together; absent: an older server. */
      readonly total?: number;
      readonly devices: readonly FleetRow[];
    }
  | { readonly type: "changed"; readonly server_time_ms: number; readonly devices: readonly FleetRow[] }
  | { readonly type: "removed"; readonly server_time_ms: number; readonly device_ids: readonly string[] };
