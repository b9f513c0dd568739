import type { PointValue } from "@wattboard/protocol";

/** A message's points by name, `section.field`, in the order in which the device wrote them. */
export function flattenTelemetry(telemetry: object): Map<string, PointValue> {
  const found = new Map<string, PointValue>();
  for (const [section, fields] of Object.entries(telemetry)) {
    if (section === "device_id" || section === "timestamp") continue;
    if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
      if (isPointValue(fields)) found.set(section, fields);
      continue;
    }
    for (const [field, value] of Object.entries(fields)) {
      if (isPointValue(value)) found.set(`${section}.${field}`, value);
    }
  }
  return found;
}

function isPointValue(value: unknown): value is PointValue {
  if (Array.isArray(value)) return value.every((entry) => typeof entry === "string");
  return value === null || ["number", "string", "boolean"].includes(typeof value);
}
