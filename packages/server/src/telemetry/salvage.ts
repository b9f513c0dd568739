import {
  isBelievable,
  isNotAvailable,
  isUsual,
  limits,
  type PointSpec,
  parseDecimal,
  type Refusal,
  refuse,
  type Scalar,
  sectionNames,
  type ValueFault,
  valueFaults,
} from "@wattboard/protocol";
import type { DeviceState } from "../devices/device-state.ts";
import type { FaultyValue } from "../devices/faulty-values.ts";
import type { Judged, Values } from "../devices/sample.ts";
import { isFieldName, isScalarValue, knownPoints, readMessageTime } from "./known-points.ts";
import { withoutNaN } from "./without-nan.ts";

type Section = Record<string, Scalar | readonly string[]>;

/** Of a frame that no JSON reader takes, what it is without NaN and Infinity, which Python and C write; `error` is the reader's. */
export function salvageText(device: DeviceState, frame: Buffer, error: unknown, nowMs: number): Judged | Refusal {
  let message: unknown;
  try {
    message = JSON.parse(withoutNaN(frame.toString()));
  } catch {
    return refuse("invalid_json", error instanceof Error ? shownShort(error.message) : undefined);
  }
  return salvage(device, frame, message, nowMs);
}

/**
 * Keeps of a message what can be kept, value by value; the slow way, for messages in which something is odd. Where a value was left out, or read
 * as another kind, a new message goes on; else the frame as it came.
 */
export function salvage(device: DeviceState, frame: Buffer, message: unknown, nowMs: number): Judged | Refusal {
  if (typeof message !== "object" || message === null || Array.isArray(message)) return refuse("invalid_json");
  const { device_id: deviceId, timestamp } = message as Record<string, unknown>;
  if (typeof deviceId !== "string") return refuse("invalid_schema", "device_id must be a text.");
  if (deviceId !== device.deviceId) {
    return refuse("wrong_device", `The message says ${shownShort(deviceId)}, the link is ${device.deviceId}'s.`);
  }
  if (!sectionNames.some((name) => Object.hasOwn(message, name))) return refuse("no_section");
  const reader = new Salvage(device, nowMs);
  const values = reader.read(message as Record<string, unknown>);
  if (reader.isEmpty) {
    const [first] = reader.faults;
    const why = first === undefined ? "" : `${shownShort(first.point)}: ${valueFaults[first.fault].message}`;
    return refuse("nothing_usable", why);
  }
  const time = readMessageTime(timestamp);
  const faults = [...(time.faults ?? []), ...reader.faults];
  return {
    deviceTimeMs: time.ms ?? nowMs,
    hasTime: time.ms !== null,
    values,
    frame: reader.isChanged ? Buffer.from(JSON.stringify(values)) : frame,
    pointSet: reader.pointSet,
    faults: faults.length === 0 ? null : faults,
  };
}

/** Reads one message. */
class Salvage {
  readonly faults: FaultyValue[] = [];
  /** Whether what is kept differs from what was sent. */
  isChanged = false;
  readonly #device: DeviceState;
  readonly #nowMs: number;
  #keptCount = 0;
  #pointSet = 0;
  readonly #extraPoints: string[] = [];

  constructor(device: DeviceState, nowMs: number) {
    this.#device = device;
    this.#nowMs = nowMs;
  }

  get isEmpty(): boolean {
    return this.#keptCount === 0 && this.isChanged;
  }

  get pointSet(): number {
    if (this.#extraPoints.length === 0) return this.#pointSet;
    return (this.#pointSet * 31 + this.#device.extraPoints.noteAll(this.#extraPoints, this.#nowMs)) & 0x3fff_ffff;
  }

  read(message: Record<string, unknown>): Values {
    const values: Values = {};
    for (const [section, body] of Object.entries(message)) {
      if (section === "device_id") values[section] = body as string;
      else if (section === "timestamp") {
        if (isScalarValue(body) && body !== undefined) values[section] = body;
        else this.isChanged = true;
      } else if (typeof body === "object" && body !== null && !Array.isArray(body)) {
        const kept = this.#section(section, body as Record<string, unknown>);
        if (kept !== null) values[section] = kept;
      } else if (!isSectionName(section)) this.#keepOwn(values as Section, message, section, section, body);
      // A section without a value is none; the fields of one that is a number, nobody knows.
      else if (isNoValue(body)) this.isChanged = true;
      else this.#leaveOut(section, "wrong_kind");
    }
    // The contract asks for one of its sections in every message.
    if (!sectionNames.some((name) => Object.hasOwn(values, name))) values.system_status = {};
    return values;
  }

  /** Null where nothing of it can be kept. */
  #section(section: string, body: Record<string, unknown>): Section | null {
    if (!isFieldName(section)) return this.#leaveOut(section, "invalid_name");
    const known = knownPoints.get(section);
    const kept: Section = {};
    const fields = Object.entries(body);
    for (const [field, value] of fields) {
      const point = known?.get(field);
      const name = `${section}.${field}`;
      if (point === undefined || isList(value, point.spec)) this.#keepOwn(kept, body, field, name, value);
      else {
        const read = this.#known(point.spec, value);
        if (read !== undefined) {
          kept[field] = read;
          this.#keptCount++;
          this.#pointSet |= point.bit;
        }
        if (read !== value && !(Array.isArray(value) && isSameList(value, read))) this.isChanged = true;
      }
    }
    return fields.length > 0 && Object.keys(kept).length === 0 ? null : kept;
  }

  /** What the catalogue's point holds then; undefined where it is left out. */
  #known(spec: PointSpec, value: unknown): Scalar | readonly string[] | undefined {
    if (spec.kind === "flags") return this.#flags(spec, value);
    if (isNoValue(value)) return null;
    if (spec.kind === "text") return this.#word(spec.name, value);
    const number = typeof value === "string" ? parseDecimal(value.trim()) : value;
    if (typeof number !== "number") {
      this.#leaveOut(spec.name, isNested(value) ? "nested_value" : "wrong_kind");
      return undefined;
    }
    if (!Number.isFinite(number)) {
      this.#leaveOut(spec.name, "not_a_number");
      return undefined;
    }
    const isCode = isNotAvailable(spec, number);
    if (isCode || !isBelievable(spec, this.#device.rating, number)) {
      this.#leaveOut(spec.name, isCode ? "not_available" : "beyond_belief");
      return null;
    }
    if (!isUsual(spec, number)) this.faults.push({ point: spec.name, fault: "outside_range" });
    return number;
  }

  /** A word of the state machine, or any other; some devices send a number for it. */
  #word(name: string, value: unknown): string | undefined {
    if (typeof value === "number" && Number.isFinite(value)) return String(value);
    if (typeof value === "string" && value.length <= limits.textLengthMax) return value;
    const fault = typeof value === "string" ? "text_too_long" : isNested(value) ? "nested_value" : "wrong_kind";
    this.#leaveOut(name, fault);
    return undefined;
  }

  /** Flags may be numbers, and one may stand without a list; 0 and an empty text are none. */
  #flags({ name }: PointSpec, value: unknown): readonly string[] | null | undefined {
    if (value === null) return null;
    const items: readonly unknown[] = Array.isArray(value) ? value : value === 0 || value === "" ? [] : [value];
    const flags: string[] = [];
    for (const item of items) {
      const flag = this.#word(name, item);
      if (flag !== undefined) flags.push(flag);
    }
    if (items.length > 0 && flags.length === 0) return undefined;
    if (flags.length > limits.errorFlagsMax) this.#leaveOut(name, "too_many_flags");
    return flags.slice(0, limits.errorFlagsMax);
  }

  /** A point of the device's own, or the points of a flat list of numbers. `sent` is what the field stands in. */
  #keepOwn(into: Section, sent: Readonly<Record<string, unknown>>, field: string, name: string, value: unknown): void {
    if (!isFieldName(field)) this.#leaveOut(name, "invalid_name");
    else if (typeof value === "string" && value.length > limits.textLengthMax) this.#leaveOut(name, "text_too_long");
    else if (typeof value === "number" && !Number.isFinite(value)) this.#leaveOut(name, "not_a_number");
    else if (isScalarValue(value)) this.#put(into, field, name, value);
    else if (isNoValue(value)) {
      this.isChanged = true;
      this.#put(into, field, name, null);
    } else if (isFlatNumbers(value)) this.#spread(into, sent, field, name, value);
    else this.#leaveOut(name, "nested_value");
  }

  #spread(
    into: Section,
    sent: Readonly<Record<string, unknown>>,
    field: string,
    name: string,
    numbers: readonly (number | null)[],
  ): void {
    this.isChanged = true;
    for (const [at, number] of numbers.entries()) {
      const own = `${field}_${at + 1}`;
      // What the device sends under that name itself goes over it.
      if (Object.hasOwn(sent, own)) continue;
      this.#keepOwn(into, sent, own, `${name}_${at + 1}`, number);
    }
  }

  #put(into: Section, field: string, name: string, value: Scalar): void {
    if (!this.#device.extraPoints.note(name, this.#nowMs)) {
      this.#leaveOut(name, "too_many_points");
      return;
    }
    into[field] = value;
    this.#keptCount++;
    this.#extraPoints.push(name);
  }

  #leaveOut(point: string, fault: ValueFault): null {
    this.faults.push({ point, fault });
    this.isChanged = true;
    return null;
  }
}

function isSectionName(name: string): boolean {
  return sectionNames.some((each) => each === name);
}

function isNoValue(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

function isNested(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function isFlatNumbers(value: unknown): value is (number | null)[] {
  return (
    Array.isArray(value) &&
    value.length <= limits.listNumbersMax &&
    value.some((each) => typeof each === "number") &&
    value.every((each) => each === null || typeof each === "number")
  );
}

/** Whether a number's point was sent as a list: three voltages for one. */
function isList(value: unknown, { kind }: PointSpec): boolean {
  return kind === "number" && isFlatNumbers(value);
}

function isSameList(sent: readonly unknown[], kept: unknown): boolean {
  return Array.isArray(kept) && kept.length === sent.length && kept.every((each, at) => each === sent[at]);
}

/** A bit of what the peer sent, safe for a log line and an error text. */
function shownShort(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
