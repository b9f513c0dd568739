import {
  givenPropertiesOnly,
  isBelievable,
  isNotAvailable,
  limits,
  namePattern,
  parseDecimal,
  pointSpec,
  type Scalar,
  smartOsFields,
  smartOsInternals,
  smartOsSection,
  type ValueFault,
} from "@wattboard/protocol";
import type { FaultyValue } from "../../devices/faulty-values.ts";
import { pointValue, type Sample, type Values } from "../../devices/sample.ts";
import type { BatteryUnit } from "./battery-unit.ts";

/** What a SMART-OS message comes to. */
export interface SmartOsSample {
  /** A telemetry message as the device door takes it: what this message says, over what the device said before. */
  readonly telemetry: Buffer;
  /** What the device says of itself, as text. */
  readonly properties: Readonly<Record<string, string>>;
  /** The fields of this message as web clients know them: no leading underscore, no insides of `solmate.py`. */
  readonly fields: Readonly<Record<string, Scalar>>;
  /** What could not be taken: lists and dicts, odd names, texts that are too long, fields above the bound. */
  readonly leftOut: readonly FaultyValue[];
}

/**
 * A device sends what has changed, and nothing else: the rest still holds. It does while the device is there, and when it comes back within
 * this time; then what it said before is too old to be shown as live.
 */
export const heldMsMax = 5 * 60_000;
/** Points in the section of the dialect for one device; one more is left out. The catalogue's do not count. */
const sectionFieldsMax = 48;

const known = new Map(smartOsFields.map((field) => [field.name, field]));
const skipped = new Set(smartOsInternals);
const forbidden = new Set(givenPropertiesOnly);
const mapped = smartOsFields.flatMap(({ name, point }) => (point === undefined ? [] : [{ name, point }]));

/**
 * Turns the body of a SMART-OS message into a sample. `before` is the device's last sample, if it still holds; `asPoints` are the texts that
 * are points and no properties, since they can be set by remote control. `unit` learns from it.
 */
export function smartOsSample(
  deviceId: string,
  body: Readonly<Record<string, unknown>>,
  before: Sample | null,
  nowMs: number,
  asPoints: ReadonlySet<string>,
  unit: BatteryUnit,
): SmartOsSample {
  const section = new Map<string, Scalar>(before === null ? [] : sectionOf(before.values));
  if (section.has("battery")) unit.doubt();
  const points = new Map<string, Scalar>();
  for (const { point } of mapped) {
    const held = before === null ? undefined : scalarAt(before.values, point);
    if (held !== undefined) points.set(point, held);
  }
  const properties: Record<string, string> = {};
  const fields: Record<string, Scalar> = {};
  const leftOut: FaultyValue[] = [];
  for (const [sent, read] of Object.entries(body)) {
    // The observer pattern of `solmate.py` puts an underscore before what it watches.
    const name = sent.startsWith("_") ? sent.slice(1) : sent;
    if (skipped.has(name)) continue;
    const point = known.get(name)?.point;
    const value = point === undefined ? read : numberIfOne(read);
    const isName = namePattern.test(name);
    if (!isName || !isAcceptable(value) || forbidden.has(name)) {
      leftOut.push({ point: sent, fault: isName && !forbidden.has(name) ? faultOf(value) : "invalid_name" });
      continue;
    }
    if (name === "battery" && typeof value === "number") unit.note(value);
    const kept = known.get(name)?.kept;
    if (kept === "property" || (kept === undefined && typeof value === "string" && !asPoints.has(name))) {
      properties[name] = value === null ? "" : String(value);
      fields[name] = value;
      continue;
    }
    if (point !== undefined && fits(point, value) && (name !== "battery" || unit.isPercent)) {
      points.set(point, value);
      section.delete(name);
    } else if (section.has(name) || section.size < sectionFieldsMax) {
      // No catalogue's point can hold it: it stays what it is, and the point says that it knows no value.
      section.set(name, value);
      if (point !== undefined) points.set(point, null);
    } else {
      leftOut.push({ point: sent, fault: "too_many_points" });
      continue;
    }
    fields[name] = value;
  }
  return { telemetry: telemetryBytes(deviceId, nowMs, points, section), properties, fields, leftOut };
}

/** The point of a field: `solar.power` for `power_income`, `smart_os.capacity` for one that nobody knows. */
export function pointOfField(name: string): string {
  return known.get(name)?.point ?? `${smartOsSection}.${name}`;
}

/** Name and value of what stands in the section of the dialect. */
export function sectionOf(values: Values): [string, Scalar][] {
  const section = values[smartOsSection];
  return typeof section === "object" && section !== null ? (Object.entries(section) as [string, Scalar][]) : [];
}

/** A catalogue's point of a reading, where it is no list. */
function scalarAt(values: Values, point: string): Scalar | undefined {
  const [section = "", field = ""] = point.split(".");
  const value = pointValue(values, section, field);
  return typeof value === "object" && value !== null ? undefined : (value as Scalar | undefined);
}

function telemetryBytes(
  deviceId: string,
  nowMs: number,
  points: ReadonlyMap<string, Scalar>,
  section: ReadonlyMap<string, Scalar>,
): Buffer {
  const sections: Record<string, Record<string, Scalar>> = {};
  for (const [point, value] of points) {
    const [name = "", field = ""] = point.split(".");
    sections[name] = { ...sections[name], [field]: value };
  }
  // The contract asks for one of its sections in every message; a SolMate may send its local time and nothing else.
  if (points.size === 0) sections.system_status = {};
  if (section.size > 0) sections[smartOsSection] = Object.fromEntries(section);
  return Buffer.from(JSON.stringify({ device_id: deviceId, timestamp: new Date(nowMs).toISOString(), ...sections }));
}

function fits(point: string, value: Scalar): boolean {
  const spec = pointSpec(point);
  if (value === null || spec === undefined) return value === null;
  return typeof value === "number" && isBelievable(spec, null, value) && !isNotAvailable(spec, value);
}

/** A number where the text of a value is one. */
function numberIfOne(value: unknown): unknown {
  return typeof value === "string" ? (parseDecimal(value.trim()) ?? value) : value;
}

/** Why a value that is no scalar cannot be taken. */
function faultOf(value: unknown): ValueFault {
  if (typeof value === "string") return "text_too_long";
  if (typeof value === "number") return "not_a_number";
  return typeof value === "symbol" ? "wrong_kind" : "nested_value";
}

function isAcceptable(value: unknown): value is Scalar {
  if (typeof value === "string") return value.length <= limits.textLengthMax;
  if (typeof value === "number") return Number.isFinite(value);
  return value === null || typeof value === "boolean";
}
