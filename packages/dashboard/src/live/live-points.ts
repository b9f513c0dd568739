import {
  DeviceClock,
  limits,
  type PointValue,
  readDeviceTime,
  type StateBody,
  type Telemetry,
} from "@wattboard/protocol";
import { own } from "../ui/own.ts";
import { flattenTelemetry } from "./flatten-telemetry.ts";

/** Under which time a sample counts, and whose clock that is. */
interface Filed {
  readonly atMs: number;
  readonly clock: "device" | "server";
}

/** The latest value of one point. A device may leave points out of a message, so each has a time of its own. */
export interface LivePoint {
  readonly value: PointValue;
  readonly filedAtMs: number;
}

/** What is known of a device now. Replaced as a whole by each sample, so that React sees the change. */
export interface LivePoints {
  readonly points: ReadonlyMap<string, LivePoint>;
  /** How the newest sample is filed; null before the first one. */
  readonly newest: Filed | null;
  /** When anything was last received, however it is filed. */
  readonly receivedAtMs: number | null;
  /** How the device's clock goes; learns from each sample. Null before the first. */
  readonly clock: DeviceClock | null;
}

export const noLivePoints: LivePoints = { points: new Map(), newest: null, receivedAtMs: null, clock: null };

/** Takes in the device's state as the server knows it. */
export function seedSample(known: LivePoints, sample: StateBody): LivePoints {
  const { telemetry, older_points = {} } = sample;
  const filed: Filed = { atMs: Date.parse(sample.observed_at), clock: sample.clock };
  const clock = known.clock ?? new DeviceClock();
  // What the server has corrected the device's time by.
  if (filed.clock === "server") clock.offsetMs = (readDeviceTime(telemetry.timestamp)?.ms ?? filed.atMs) - filed.atMs;
  const atMsOf = (name: string): number => {
    const time = own(older_points, name);
    return time === undefined ? filed.atMs : Date.parse(time.observed_at);
  };
  return merge({ ...known, clock }, telemetry, filed, Date.parse(sample.received_at), atMsOf);
}

/** Takes in a message from the live stream, which carries only the device's own time. It is filed by the rule that the server has (`DeviceClock`). */
export function fileLive(known: LivePoints, telemetry: Telemetry, receivedAtMs: number): LivePoints {
  const clock = known.clock ?? new DeviceClock();
  const time = readDeviceTime(telemetry.timestamp);
  if (time !== null) clock.place(time.ms, receivedAtMs, 0);
  const filed: Filed =
    time === null ? { atMs: receivedAtMs, clock: "server" } : { atMs: clock.observedAtMs, clock: clock.clock };
  return merge({ ...known, clock }, telemetry, filed, receivedAtMs, () => filed.atMs);
}

function merge(
  known: LivePoints,
  telemetry: Telemetry,
  filed: Filed,
  receivedAtMs: number,
  atMsOf: (name: string) => number,
): LivePoints {
  // What lies ahead of now was stamped before the server's clock was set back: whatever comes now is newer.
  const isReplaced = (atMs: number, byMs: number): boolean =>
    atMs <= byMs || atMs > receivedAtMs + limits.clockSkewMsMax;
  const points = new Map(known.points);
  for (const [name, value] of flattenTelemetry(telemetry)) {
    const present = points.get(name);
    const filedAtMs = atMsOf(name);
    // A late sample never overwrites something newer.
    if (present === undefined || isReplaced(present.filedAtMs, filedAtMs)) points.set(name, { value, filedAtMs });
  }
  return {
    points,
    newest: known.newest === null || isReplaced(known.newest.atMs, filed.atMs) ? filed : known.newest,
    receivedAtMs:
      known.receivedAtMs === null || known.receivedAtMs > receivedAtMs + limits.clockSkewMsMax
        ? receivedAtMs
        : Math.max(known.receivedAtMs, receivedAtMs),
    clock: known.clock,
  };
}

/** The number that a point holds, or null where it holds none. */
export function liveNumber(points: ReadonlyMap<string, LivePoint>, name: string): number | null {
  const value = points.get(name)?.value;
  return typeof value === "number" ? value : null;
}
