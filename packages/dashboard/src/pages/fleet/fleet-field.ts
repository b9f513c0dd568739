import { type FleetPoint, type FleetRow, fleetPoints, pointSpec, points, type Scalar } from "@wattboard/protocol";
import { ageOf } from "../../domain/age.ts";
import { own } from "../../ui/own.ts";
import { spelled } from "../../ui/spelled.ts";

/** Something of a device that the fleet can be shown, filtered and sorted by. */
export interface FleetField {
  /** As it stands in the address, and in the conditions of fleet commands: `battery.soc`, `properties.country`, `online`. */
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  readonly kind: "text" | "number";
  readonly digits: number;
  readonly group: FieldGroup;
  /** The value as of `nowMs`; null where the device has not told it. */
  readonly read: (row: FleetRow, nowMs: number) => Scalar;
}

export type FieldGroup = "Device" | "Measured" | "Properties";

const about = (name: string, label: string, read: FleetField["read"], rest: Partial<FleetField> = {}): FleetField => ({
  name,
  label,
  unit: "",
  kind: "text",
  digits: 0,
  group: "Device",
  read,
  ...rest,
});

/** What every device has. */
const deviceFields: readonly FleetField[] = [
  about("id", "Device", ({ id }) => id),
  about("name", "Name", ({ id, name }) => name || id),
  about("online", "Online", ({ online }) => online),
  about("state", "State", ({ online, state }) => (online ? state : null)),
  about("mode", "Mode", ({ online, mode }) => (online ? mode : null)),
  about("error_flags", "Error flags", ({ error_flags }) => error_flags.join(", ") || null),
  about("clock", "Clock", ({ clock, observed_at_ms }) => (observed_at_ms === null ? null : clock)),
  about(
    "age",
    "Last update",
    ({ observed_at_ms }, nowMs) => {
      const ageMs = ageOf(observed_at_ms, nowMs);
      return ageMs === null ? null : ageMs / 1_000;
    },
    { unit: "s", kind: "number" },
  ),
];

const propertyPrefix = "properties.";
/** Names of properties that read better than they are written. */
const propertyLabels: Readonly<Record<string, string>> = {
  software_version: "Software",
  solmate_version: "SolMate",
  pv_connectors: "PV connectors",
};
const numberProperties: ReadonlySet<string> = new Set(["pv_connectors"]);
/** Units stand last in names: `capacity_wh`. */
const unitSuffix = /^(.+)_(wh?)$/;
/** Shorter than in the catalogue, since a column is no wider than its values. */
const shortLabels: Readonly<Record<string, string>> = {
  "battery.soc": "Charge",
  "battery.power": "Battery",
  "solar.power": "Solar",
  "inverter.power": "Inverter",
  "load.power": "Load",
  "grid.power": "Grid",
};
const fleetPointNames: ReadonlySet<string> = new Set(fleetPoints);

const known = new Map<string, FleetField>(deviceFields.map((field) => [field.name, field]));
/** Fields made on asking. Bounded: a name more than this is made anew each time. */
const madeMax = 2_000;

/** The field of this name. There is one for any name; one that no device has is empty everywhere. */
export function fleetField(name: string): FleetField {
  const field = known.get(name);
  if (field !== undefined) return field;
  const made = name.startsWith(propertyPrefix) ? propertyField(name) : pointField(name);
  if (known.size < madeMax) known.set(name, made);
  return made;
}

function propertyField(name: string): FleetField {
  const property = name.slice(propertyPrefix.length);
  const [, quantity = property, suffix] = unitSuffix.exec(property) ?? [];
  const unit = suffix === undefined ? "" : suffix.replace("w", "W");
  return about(
    name,
    own(propertyLabels, property) ?? spelled(quantity),
    ({ properties }) => own(properties, property) ?? null,
    {
      unit,
      kind: unit !== "" || numberProperties.has(property) ? "number" : "text",
      group: "Properties",
    },
  );
}

function pointField(name: string): FleetField {
  const spec = pointSpec(name);
  const unit = spec?.unit ?? "";
  // What flows ends with the connection; a charge or a temperature is what it was.
  const isFlow = unit === "W" || unit === "A";
  const reader: FleetField["read"] = fleetPointNames.has(name)
    ? ({ points }) => points[name as FleetPoint] ?? null
    : ({ others }) => own(others, name) ?? null;
  return about(name, own(shortLabels, name) ?? spec?.label ?? spelled(name), isFlow ? onlineOnly(reader) : reader, {
    unit,
    kind: spec?.kind === "number" ? "number" : "text",
    digits: spec?.digits ?? 0,
    group: "Measured",
  });
}

function onlineOnly(read: FleetField["read"]): FleetField["read"] {
  return (row, nowMs) => (row.online ? read(row, nowMs) : null);
}

/** Names listed at most; those beyond it can still be written into the address. */
const listedMax = 400;

/** All fields that there are: those of every device, the catalogue's points, and whatever else any of these devices has told. */
export function fieldsOfFleet(rows: Iterable<FleetRow>): readonly FleetField[] {
  const names = new Set<string>(deviceFields.map(({ name }) => name));
  for (const name of fleetPoints) names.add(name);
  const told = new Set<string>();
  const properties = new Set<string>();
  for (const row of rows) {
    for (const name in row.others) told.add(name);
    for (const name in row.properties) properties.add(name);
  }
  for (const { name } of points) if (told.has(name)) names.add(name);
  for (const name of [...told].sort()) names.add(name);
  for (const name of [...properties].sort()) names.add(`${propertyPrefix}${name}`);
  return [...names].slice(0, listedMax).map(fleetField);
}

/** Values of a field offered at most. */
const valuesMax = 50;

/** Texts that devices have told for a field, to choose from; numbers are too many to choose from. */
export function toldValues(rows: Iterable<FleetRow>, name: string): readonly string[] {
  const { kind, read } = fleetField(name);
  const values = new Set<string>();
  if (kind === "number") return [];
  for (const row of rows) {
    const value = read(row, 0);
    if (typeof value === "string" || typeof value === "boolean") values.add(String(value));
    if (values.size === valuesMax) break;
  }
  return [...values].sort();
}

/** The columns of a view in which nobody has chosen any. */
export const usualColumns: readonly string[] = [
  "id",
  "online",
  "state",
  "battery.soc",
  "solar.power",
  "inverter.power",
  "load.power",
  "battery.power",
  "grid.power",
  "properties.country",
  "age",
];
