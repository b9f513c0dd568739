import { limits, type PointSpec, points, readDeviceTime, type Scalar } from "@wattboard/protocol";
import type { FaultyValue } from "../devices/faulty-values.ts";

interface KnownPoint {
  readonly spec: PointSpec;
  readonly bit: number;
  /** A value from the one to the other needs no closer look. */
  readonly plainMin: number;
  readonly plainMax: number;
}

/** Powers beyond may stand for "not available", W (`belief.ts`). */
const plainPowerW = 3_000;

/** The catalogue by section and field. */
export const knownPoints: ReadonlyMap<string, ReadonlyMap<string, KnownPoint>> = bySection();

function bySection(): Map<string, Map<string, KnownPoint>> {
  const sections = new Map<string, Map<string, KnownPoint>>();
  for (const [at, spec] of (points as readonly PointSpec[]).entries()) {
    const [section = "", field = ""] = spec.name.split(".");
    const { unit, minimum, maximum, believed = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] } = spec;
    const powerW = unit === "W" ? plainPowerW : Number.POSITIVE_INFINITY;
    const fields = sections.get(section) ?? new Map<string, KnownPoint>();
    fields.set(field, {
      spec,
      bit: 1 << at,
      plainMin: Math.max(minimum ?? believed[0], -powerW),
      plainMax: Math.min(maximum ?? believed[1], powerW),
    });
    sections.set(section, fields);
  }
  return sections;
}

/** Whether a value outside the catalogue may be stored. 1e999 is valid JSON and reads as Infinity. */
export function isKeepable(value: Scalar): boolean {
  return typeof value === "string"
    ? value.length <= limits.textLengthMax
    : typeof value !== "number" || Number.isFinite(value);
}

/** Neither list nor object. */
export function isScalarValue(value: unknown): value is Scalar {
  return value === null || typeof value !== "object";
}

/** The time of a message as the device wrote it; null where none can be read. */
export function readMessageTime(timestamp: unknown): {
  readonly ms: number | null;
  readonly faults: FaultyValue[] | null;
} {
  const time = readDeviceTime(timestamp);
  if (time === null) return { ms: null, faults: [{ point: "timestamp", fault: "no_readable_time" }] };
  return { ms: time.ms, faults: time.hasOffset ? null : [{ point: "timestamp", fault: "time_without_offset" }] };
}

const namePattern = /^[A-Za-z][A-Za-z0-9_]*$/;

/** Letters, digits and underscores, first a letter: no `__proto__`, nothing that a URL, a CSV or SQL would have to quote. */
export function isFieldName(name: string): boolean {
  return namePattern.test(name) && name.length <= limits.nameLengthMax;
}
