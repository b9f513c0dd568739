/**
 * The point catalogue: every measured quantity that Wattboard knows by name, with its unit and its sign.
 * Energy is in Wh, everything else in the SI unit named. Points that are not listed are welcome too (`battery.temperature`);
 * they have no unit until they stand here.
 */
export interface PointSpec {
  /** Section and field of the telemetry message, joined by a dot. */
  readonly name: string;
  /** What a person reads beside the value. */
  readonly label: string;
  /** `V`, `A`, `W`, `Hz`, `%`, `°C`, `dBm`; empty for text. */
  readonly unit: string;
  readonly kind: "number" | "text" | "flags";
  /** What the sign means; absent where the value has none. */
  readonly sign?: string;
  /** Smallest value that is usual, in `unit`; one a little below it is kept and marked (`outside_range`). */
  readonly minimum?: number;
  /** Largest value that is usual, in `unit`; one a little above it is kept and marked. */
  readonly maximum?: number;
  /** What can be believed, in `unit`: a value beyond is no measurement, and becomes null. Each number has both. */
  readonly believed?: readonly [minimum: number, maximum: number];
  /** Digits after the point when shown. */
  readonly digits: number;
}

/** No site that one device measures moves more, W: 10 MW. */
const powerW = [-10_000_000, 10_000_000] as const;
/** Production and consumption are never negative; what an inverter takes at night, or a meter is off, is. W. */
const oneWayW = [-500, 10_000_000] as const;

export const points = [
  { name: "system_status.state", label: "State", unit: "", kind: "text", digits: 0 },
  { name: "system_status.mode", label: "Mode", unit: "", kind: "text", digits: 0 },
  { name: "system_status.error_flags", label: "Error flags", unit: "", kind: "flags", digits: 0 },
  {
    name: "system_status.wifi_strength",
    label: "Wi-Fi signal",
    unit: "dBm",
    kind: "number",
    believed: [-200, 100],
    digits: 0,
  },
  { name: "system_status.target_mode", label: "Target mode", unit: "", kind: "text", digits: 0 },
  {
    name: "system_status.target_power",
    label: "Target power",
    unit: "W",
    kind: "number",
    minimum: 0,
    believed: [0, 10_000_000],
    digits: 0,
  },
  {
    name: "system_status.uptime",
    label: "Uptime",
    unit: "s",
    kind: "number",
    minimum: 0,
    believed: [0, 4_000_000_000],
    digits: 0,
  },
  {
    name: "battery.soc",
    label: "State of charge",
    unit: "%",
    kind: "number",
    minimum: 0,
    maximum: 100,
    believed: [-5, 110],
    digits: 1,
  },
  {
    name: "battery.power",
    label: "Battery power",
    unit: "W",
    kind: "number",
    sign: "+ charges, − discharges",
    believed: powerW,
    digits: 0,
  },
  { name: "battery.voltage", label: "Battery voltage", unit: "V", kind: "number", believed: [-50, 2_000], digits: 1 },
  {
    name: "battery.current",
    label: "Battery current",
    unit: "A",
    kind: "number",
    sign: "+ charges, − discharges",
    believed: [-5_000, 5_000],
    digits: 1,
  },
  {
    name: "battery.temperature",
    label: "Battery temperature",
    unit: "°C",
    kind: "number",
    believed: [-60, 150],
    digits: 1,
  },
  {
    name: "grid.power",
    label: "Grid power",
    unit: "W",
    kind: "number",
    sign: "+ imports, − sells",
    believed: powerW,
    digits: 0,
  },
  { name: "grid.voltage", label: "Grid voltage", unit: "V", kind: "number", believed: [0, 50_000], digits: 1 },
  { name: "grid.frequency", label: "Grid frequency", unit: "Hz", kind: "number", believed: [0, 100], digits: 2 },
  { name: "solar.power", label: "Solar power", unit: "W", kind: "number", minimum: 0, believed: oneWayW, digits: 0 },
  { name: "load.power", label: "Load power", unit: "W", kind: "number", minimum: 0, believed: oneWayW, digits: 0 },
  {
    name: "inverter.power",
    label: "Inverter power",
    unit: "W",
    kind: "number",
    sign: "+ feeds the house",
    believed: powerW,
    digits: 0,
  },
] as const satisfies readonly PointSpec[];

export type PointName = (typeof points)[number]["name"];

const byName = new Map<string, PointSpec>(points.map((point) => [point.name, point]));

/** The catalogue's entry for `section.field`, or undefined for a point that nobody has described. */
export function pointSpec(name: string): PointSpec | undefined {
  return byName.get(name);
}
