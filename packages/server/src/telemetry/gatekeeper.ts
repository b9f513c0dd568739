import {
  isBelievable,
  isNotAvailable,
  isUsual,
  parseRfc3339,
  type Refusal,
  sectionNames,
  type Telemetry,
} from "@wattboard/protocol";
import { telemetryValidator } from "@wattboard/protocol/validate";
import type { DeviceState } from "../devices/device-state.ts";
import type { FaultyValue } from "../devices/faulty-values.ts";
import type { Judged, Values } from "../devices/sample.ts";
import { isFieldName, isKeepable, isScalarValue, knownPoints, readMessageTime } from "./known-points.ts";
import { salvage, salvageText } from "./salvage.ts";

/**
 * Decodes and judges one telemetry message (DESIGN §3.1), value by value: what cannot be kept is left out, and the rest goes on (`salvage.ts`). A
 * message in which all is well, as most are, is told by the compiled schema and goes on as it came. Refused is what is no JSON object, another
 * device's, or without anything that can be used. `frame` is UTF-8, which `ws` has checked. Where a name stands twice in an object the last
 * one counts, as in every JSON reader of the dashboards that get the same bytes.
 */
export function decode(device: DeviceState, frame: Buffer, nowMs: number): Judged | Refusal {
  let message: unknown;
  try {
    message = JSON.parse(frame.toString());
  } catch (error) {
    return salvageText(device, frame, error, nowMs);
  }
  if (telemetryValidator.check(message) && message.device_id === device.deviceId) {
    const judged = judgeWhole(device, frame, message, nowMs);
    if (judged !== null) return judged;
  }
  return salvage(device, frame, message, nowMs);
}

function hasSection(message: Telemetry): boolean {
  for (const section of sectionNames) if (message[section] !== undefined) return true;
  return false;
}

/**
 * Judges what the schema leaves open: names, depth, the points that nobody has described, and what no measurement shows. Null where something
 * must be left out. The message becomes the values as it is: parsing has built it afresh, it shares nothing with the frame, and nobody else holds
 * it. Copying it once more cost 0.4 µs a message.
 */
function judgeWhole(device: DeviceState, frame: Buffer, message: Telemetry, nowMs: number): Judged | null {
  if (!hasSection(message)) return null;
  let faults: FaultyValue[] | null = null;
  let hasTime = true;
  let deviceTimeMs = typeof message.timestamp === "string" ? parseRfc3339(message.timestamp) : Number.NaN;
  if (Number.isNaN(deviceTimeMs)) {
    const time = readMessageTime(message.timestamp);
    deviceTimeMs = time.ms ?? nowMs;
    hasTime = time.ms !== null;
    faults = time.faults;
  }
  const values = message as unknown as Values;
  const { rating } = device;
  let pointSet = 0;
  let extraPoints: string[] | null = null;
  for (const section in values) {
    if (section === "device_id" || section === "timestamp") continue;
    const body = values[section];
    const known = knownPoints.get(section);
    if (known === undefined && !isFieldName(section)) return null;
    if (isScalarValue(body)) {
      if (!isKeepable(body)) return null;
      extraPoints ??= [];
      extraPoints.push(section);
      continue;
    }
    if (typeof body !== "object" || Array.isArray(body)) return null;
    for (const field in body) {
      const value = body[field];
      const point = known?.get(field);
      // Of what the catalogue knows, the schema has checked the kind.
      if (point !== undefined) {
        pointSet |= point.bit;
        if (typeof value !== "number") continue;
        if (value >= point.plainMin && value <= point.plainMax && rating === null) continue;
        const { spec } = point;
        if (isNotAvailable(spec, value) || !isBelievable(spec, rating, value)) return null;
        if (isUsual(spec, value)) continue;
        faults ??= [];
        faults.push({ point: spec.name, fault: "outside_range" });
        continue;
      }
      if (!isFieldName(field) || !isScalarValue(value) || !isKeepable(value)) return null;
      extraPoints ??= [];
      extraPoints.push(`${section}.${field}`);
    }
  }
  // Noted at the end and together, so that a message that is judged anew uses up none of the device's points.
  if (extraPoints !== null) {
    const extraSet = device.extraPoints.noteAll(extraPoints, nowMs);
    if (extraSet === -1) return null;
    pointSet = (pointSet * 31 + extraSet) & 0x3fff_ffff;
  }
  return { deviceTimeMs, hasTime, values, frame, pointSet, faults };
}
