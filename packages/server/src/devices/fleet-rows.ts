import { type FleetPoint, type FleetRow, fleetPoints, limits, type Scalar } from "@wattboard/protocol";
import { type Device, propertiesOf } from "./device-registry.ts";
import type { DeviceStates } from "./device-states.ts";
import { type PointTime, pointsIn, pointValue, type Sample, type Values } from "./sample.ts";

/** Who is registered. */
interface FleetDirectory {
  find(deviceId: string): Pick<Device, "name" | "properties" | "reported"> | undefined;
  ids(): Iterable<string>;
}

/** Who is connected. */
interface FleetSessions {
  find(deviceId: string): object | undefined;
}

/** The fleet as pages show it and conditions judge it: a row a device, made when it is asked for. */
export class FleetRows {
  readonly #latest: DeviceStates;
  readonly #directory: FleetDirectory;
  readonly #sessions: FleetSessions;

  constructor(latest: DeviceStates, directory: FleetDirectory, sessions: FleetSessions) {
    this.#latest = latest;
    this.#directory = directory;
    this.#sessions = sessions;
  }

  ids(): Iterable<string> {
    return this.#directory.ids();
  }

  /** Undefined if no device of this id is registered. */
  find(id: string): FleetRow | undefined {
    const registration = this.#directory.find(id);
    if (registration === undefined) return undefined;
    const device = this.#latest.find(id);
    const reading = device?.latest;
    const times = device?.pointTimes ?? noTimes;
    const values = reading?.values ?? {};
    const flags = pointValue(values, "system_status", "error_flags");
    return {
      id,
      name: registration.name,
      online: this.#sessions.find(id) !== undefined,
      properties: propertiesOf(registration),
      observed_at_ms: reading?.observedAtMs ?? null,
      received_at_ms: reading?.receivedAtMs ?? null,
      clock: reading?.clock ?? "device",
      // The gatekeeper lets only texts in there.
      state: (pointValue(values, "system_status", "state") ?? null) as FleetRow["state"],
      mode: (pointValue(values, "system_status", "mode") ?? null) as FleetRow["mode"],
      error_flags: Array.isArray(flags) ? flags : [],
      points: fleetPointsOf(values),
      others: otherPointsOf(values),
      ...ownTimesOf(reading, times),
    };
  }
}

const noTimes: ReadonlyMap<string, PointTime> = new Map();

/** What came long after it was measured is not as young as its receipt; nor is what an earlier message held. */
function ownTimesOf(
  newest: Sample | null | undefined,
  times: ReadonlyMap<string, PointTime>,
): Pick<FleetRow, "observed_at_ms_of"> {
  const own = new Map([...times].map(([name, { observedAtMs }]) => [name, observedAtMs]));
  if (newest != null && newest.receivedAtMs - newest.observedAtMs > limits.lateAfterMs) {
    for (const [name] of pointsIn(newest.values)) if (!own.has(name)) own.set(name, newest.observedAtMs);
  }
  return own.size === 0 ? {} : { observed_at_ms_of: Object.fromEntries(own) };
}

const pointPaths = fleetPoints.map((name) => [name, ...name.split(".")] as [FleetPoint, string, string]);

function fleetPointsOf(values: Values): Partial<Record<FleetPoint, number>> {
  const found: Partial<Record<FleetPoint, number>> = {};
  for (const [name, section, field] of pointPaths) {
    const value = pointValue(values, section, field);
    if (typeof value === "number") found[name] = value;
  }
  return found;
}

/** What stands in a row under a name of its own. */
const toldApart: ReadonlySet<string> = new Set([
  ...fleetPoints,
  "device_id",
  "timestamp",
  "system_status.state",
  "system_status.mode",
]);

/** Bounded by the message that they came in. Lists, such as error flags, are no scalars, and not among them. */
function otherPointsOf(values: Values): Record<string, Scalar> {
  const found: Record<string, Scalar> = {};
  for (const section in values) {
    const body = values[section] ?? null;
    if (typeof body !== "object" || body === null) {
      if (!toldApart.has(section)) found[section] = body;
      continue;
    }
    for (const field in body) {
      const name = `${section}.${field}`;
      const value = body[field] ?? null;
      if (!toldApart.has(name) && (typeof value !== "object" || value === null)) found[name] = value;
    }
  }
  return found;
}
