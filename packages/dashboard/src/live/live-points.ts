import { limits, parseRfc3339, type SampleBody, type Telemetry } from "@wattboard/protocol";
import type { PointValue } from "../domain/point-value.ts";
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
  /** The newest device time seen and when it was first seen, to notice a clock that stands still. */
  readonly deviceTime: { readonly text: string; readonly firstSeenMs: number } | null;
}

export const noLivePoints: LivePoints = { points: new Map(), newest: null, receivedAtMs: null, deviceTime: null };

/** Takes in a sample as the server filed it. */
export function seedSample(known: LivePoints, sample: SampleBody): LivePoints {
  const filed: Filed = { atMs: Date.parse(sample.observed_at), clock: sample.clock };
  return mergePoints(known, sample.telemetry, filed, Date.parse(sample.received_at));
}

/**
 * Takes in a message from the live stream, which carries only the device's own time. It is filed by the rule that the server has:
 * a clock that is far off or stands still is not believed, and the time of receipt counts.
 */
export function fileLive(known: LivePoints, telemetry: Telemetry, receivedAtMs: number): LivePoints {
  const observedAtMs = parseRfc3339(telemetry.timestamp);
  const { deviceTime } = known;
  const standsStill =
    deviceTime?.text === telemetry.timestamp && receivedAtMs - deviceTime.firstSeenMs > limits.clockStillMsMax;
  const believed = Math.abs(observedAtMs - receivedAtMs) <= limits.clockSkewMsMax && !standsStill;
  const filed: Filed = believed ? { atMs: observedAtMs, clock: "device" } : { atMs: receivedAtMs, clock: "server" };
  return mergePoints(known, telemetry, filed, receivedAtMs);
}

function mergePoints(known: LivePoints, telemetry: Telemetry, filed: Filed, receivedAtMs: number): LivePoints {
  // What lies ahead of now was stamped before the server's clock was set back: whatever comes now is newer.
  const isReplaced = (atMs: number): boolean => atMs <= filed.atMs || atMs > receivedAtMs + limits.clockSkewMsMax;
  const points = new Map(known.points);
  for (const [name, value] of flattenTelemetry(telemetry)) {
    const present = points.get(name);
    // A late sample never overwrites something newer.
    if (present === undefined || isReplaced(present.filedAtMs)) points.set(name, { value, filedAtMs: filed.atMs });
  }
  const { timestamp } = telemetry;
  return {
    points,
    newest: known.newest === null || isReplaced(known.newest.atMs) ? filed : known.newest,
    receivedAtMs:
      known.receivedAtMs === null || known.receivedAtMs > receivedAtMs + limits.clockSkewMsMax
        ? receivedAtMs
        : Math.max(known.receivedAtMs, receivedAtMs),
    deviceTime:
      known.deviceTime?.text === timestamp ? known.deviceTime : { text: timestamp, firstSeenMs: receivedAtMs },
  };
}

/** The number that a point holds, or null where it holds none. */
export function numberOf(points: ReadonlyMap<string, LivePoint>, name: string): number | null {
  const value = points.get(name)?.value;
  return typeof value === "number" ? value : null;
}
