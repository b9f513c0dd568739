import type { PointValue } from "@wattboard/protocol";

export type { PointValue };

export const pointKinds = ["number", "text", "boolean", "list"] as const;
export type PointKind = (typeof pointKinds)[number];

/** What a value is; null for null, which every point may hold. */
export function kindOf(value: PointValue): PointKind | null {
  switch (typeof value) {
    case "number":
      return "number";
    case "string":
      return "text";
    case "boolean":
      return "boolean";
    default:
      return value === null ? null : "list";
  }
}

/** A telemetry message of these points, for the device and the time that stand outside of them. */
export function telemetryOf(
  deviceId: string,
  timestamp: string,
  points: Readonly<Record<string, PointValue>>,
): Record<string, unknown> {
  // No prototype: a section may be called `constructor`.
  const telemetry: Record<string, unknown> = Object.assign(Object.create(null), { device_id: deviceId, timestamp });
  for (const [name, value] of Object.entries(points)) {
    const [section = "", field] = name.split(".");
    if (field === undefined) {
      telemetry[section] = value;
      continue;
    }
    telemetry[section] ??= Object.create(null);
    (telemetry[section] as Record<string, PointValue>)[field] = value;
  }
  return telemetry;
}

/** The points of a telemetry message by name: `battery.soc`. What stands outside a section has its own name. */
export function* pointsOf(telemetry: object): Generator<[name: string, value: PointValue]> {
  for (const [section, body] of Object.entries(telemetry) as [string, PointValue | Record<string, PointValue>][]) {
    if (section === "device_id" || section === "timestamp") continue;
    if (typeof body === "object" && body !== null && !Array.isArray(body)) {
      for (const [field, value] of Object.entries(body)) yield [`${section}.${field}`, value];
    } else {
      yield [section, body as PointValue];
    }
  }
}
