import { type Scalar, smartOsFields, smartOsSection } from "@wattboard/protocol";
import { sortInSteps } from "../../base/time-slices.ts";
import type { DeviceStates } from "../../devices/device-states.ts";
import { pointValue, type Sample, type Values } from "../../devices/sample.ts";
import { allocateTextFrame } from "../../link/frame.ts";
import { sectionOf } from "./sample.ts";

/** A registered device, as the dataset needs it. Replaced by another object whenever anything of it changes. */
interface DatasetDevice {
  readonly deviceId: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly reported: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
}

export interface DatasetDirectory {
  find(deviceId: string): DatasetDevice | undefined;
  ids(): Iterable<string>;
}

/** A device as web clients see it; `serial_number` first. */
export type Row = Readonly<Record<string, Scalar>>;

/** A row, and its JSON. */
export interface DatasetEntry {
  readonly row: Row;
  readonly text: string;
}

interface CachedEntry extends DatasetEntry {
  readonly device: DatasetDevice;
  readonly reading: Sample | null;
}

const frameStart = Buffer.from('{"type": "INIT", "message": [');
const frameEnd = Buffer.from("]}");
const comma = ", ";

/**
 * The table of all devices, of both dialects, as SMART-OS's web clients expect it. A row is made anew only where its device has changed; one a
 * device is kept, and none of a device that is gone. A fleet may be large: what goes over all of it goes in steps of one device.
 */
export class Dataset {
  readonly #directory: DatasetDirectory;
  readonly #latest: DeviceStates;
  readonly #entries = new Map<string, CachedEntry>();

  constructor(directory: DatasetDirectory, latest: DeviceStates) {
    this.#directory = directory;
    this.#latest = latest;
  }

  /** The rows of those devices that a client may see, by serial number. */
  *entries(mayView: (deviceId: string) => boolean): Generator<void, DatasetEntry[]> {
    for (const deviceId of this.#entries.keys()) {
      if (this.#directory.find(deviceId) === undefined) this.#entries.delete(deviceId);
      yield;
    }
    const found: DatasetEntry[] = [];
    for (const deviceId of yield* sortInSteps([...this.#directory.ids()], compareSerials)) {
      const entry = mayView(deviceId) ? this.#entryOf(deviceId) : undefined;
      if (entry !== undefined) found.push(entry);
      yield;
    }
    return found;
  }

  #entryOf(deviceId: string): DatasetEntry | undefined {
    const device = this.#directory.find(deviceId);
    if (device === undefined) return undefined;
    const reading = this.#latest.find(deviceId)?.latest ?? null;
    const known = this.#entries.get(deviceId);
    if (known?.reading === reading && known.device === device) return known;
    const row = datasetRow(device, reading);
    const made = { device, reading, row, text: JSON.stringify(row) };
    this.#entries.set(deviceId, made);
    return made;
  }
}

/** An INIT frame with these rows, in steps of one row. */
export function* datasetFrame(entries: readonly DatasetEntry[]): Generator<void, Buffer> {
  let bytes = frameStart.length + frameEnd.length + comma.length * Math.max(0, entries.length - 1);
  for (const { text } of entries) {
    bytes += Buffer.byteLength(text);
    yield;
  }
  const frame = allocateTextFrame(bytes);
  let at = frame.length - bytes;
  at += frameStart.copy(frame, at);
  for (const [place, { text }] of entries.entries()) {
    if (place > 0) at += frame.write(comma, at);
    at += frame.write(text, at);
    yield;
  }
  frameEnd.copy(frame, at);
  return frame;
}

function compareSerials(one: string, other: string): number {
  return one < other ? -1 : 1;
}

/** The fields of a device of the other dialect that a sample holds, as a web client is told of them: points that SMART-OS has no name for keep theirs. */
export function fieldsOf(values: Values): Record<string, Scalar> {
  const fields: Record<string, Scalar> = {};
  for (const { name, section, field } of mapped) {
    const value = pointValue(values, section, field);
    if (value !== undefined) fields[name] = value as Scalar;
  }
  for (const [section, body] of Object.entries(values)) {
    if (section === "device_id" || section === "timestamp" || section === smartOsSection) continue;
    if (typeof body !== "object" || body === null) {
      fields[section] = body;
      continue;
    }
    for (const [field, value] of Object.entries(body)) {
      const point = `${section}.${field}`;
      if (mappedPoints.has(point)) continue;
      fields[point] = typeof value === "object" && value !== null ? value.join(" ") : (value as Scalar);
    }
  }
  for (const [name, value] of sectionOf(values)) fields[name] = value;
  return fields;
}

const mapped = smartOsFields.flatMap(({ name, point }) => {
  const [section = "", field = ""] = point?.split(".") ?? [];
  return point === undefined ? [] : [{ name, section, field }];
});
const mappedPoints: ReadonlySet<string> = new Set(mapped.map(({ section, field }) => `${section}.${field}`));

function datasetRow({ deviceId, properties, reported, createdAtMs }: DatasetDevice, reading: Sample | null): Row {
  const fields = reading === null ? {} : fieldsOf(reading.values);
  const said: Readonly<Record<string, string>> = { ...reported, ...properties };
  const row: Record<string, Scalar> = {};
  for (const { name, kind, kept } of smartOsFields) {
    // What a device has not told yet is empty or 0, as in SMART-OS's own table.
    if (kept === "property") row[name] = kind === "number" ? numberOr(said[name] ?? "0") : (said[name] ?? "");
    else row[name] = fields[name] ?? (kind === "number" && !Object.hasOwn(fields, name) ? 0 : null);
  }
  row.serial_number = deviceId;
  if (row.manufacturing_date === "") row.manufacturing_date = new Date(createdAtMs).toISOString();
  row.last_status_update = reading === null ? null : new Date(reading.receivedAtMs).toISOString();
  for (const [name, value] of [...Object.entries(said), ...Object.entries(fields)]) {
    if (!Object.hasOwn(row, name)) row[name] = value;
  }
  return row;
}

/** A number where the text is one. */
function numberOr(text: string): Scalar {
  return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
}
