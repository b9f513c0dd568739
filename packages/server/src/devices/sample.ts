import type { PointValue, Scalar } from "@wattboard/protocol";
import type { FaultyValue } from "./faulty-values.ts";

/** The values of one message, by section and field. Extra points outside any section stand under their own name, as do `device_id` and `timestamp`. */
export type Values = Record<string, Scalar | Record<string, PointValue>>;

/** What the gatekeeper makes of a valid message. It shares nothing with the frame. */
interface Decoded {
  /** The device's clock, ms since 1970 UTC. */
  readonly deviceTimeMs: number;
  readonly values: Values;
}

/** A message that may go on. */
export interface Judged extends Decoded {
  /** Whether the message says a time that can be read; else `deviceTimeMs` is the receipt. */
  readonly hasTime: boolean;
  /** What goes on: the frame as it came, or one that was made of what could be kept of it. */
  readonly frame: Buffer;
  /** Tells the set of points that it holds from others of the same device. */
  readonly pointSet: number;
  /** What was left out or marked; null where nothing was, as is usual. */
  readonly faults: readonly FaultyValue[] | null;
}

/** When the newest value of a point was measured, as filed, and received. */
export type PointTime = Pick<Sample, "observedAtMs" | "receivedAtMs">;

/** A validated sample, stamped by ingest. */
export interface Sample extends Decoded {
  readonly deviceId: string;
  /** When it was measured, as filed: the device's time, or the time of receipt where the device's clock is not believed. */
  readonly observedAtMs: number;
  readonly receivedAtMs: number;
  readonly clock: "device" | "server";
  /** Which link of the device sent it; grows with every connection, across restarts too. */
  readonly epoch: number;
  /** Its place on that link, from 0. (device, epoch, seq) names a sample for ever. */
  readonly seq: number;
  /** Whether epoch and seq are of the device's journal, and not of its link (ADR 70). */
  readonly isNumbered?: boolean;
}

/** One value of a reading: `pointValue(values, "battery", "soc")`. */
export function pointValue(values: Values, section: string, field: string): PointValue | undefined {
  const body = values[section];
  return typeof body === "object" && body !== null ? body[field] : undefined;
}

/** The points of a message by name: `battery.soc`. */
export function* pointsIn(values: Values): Generator<[name: string, value: PointValue]> {
  for (const section in values) {
    if (section === "device_id" || section === "timestamp") continue;
    const body = values[section] ?? null;
    if (typeof body !== "object" || body === null) yield [section, body];
    else for (const field in body) yield [`${section}.${field}`, body[field] ?? null];
  }
}
