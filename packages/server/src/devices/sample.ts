import type { PointValue, Scalar } from "@wattboard/protocol";

/** The values of one message, by section and field. Extra points outside any section stand under their own name, as do `device_id` and `timestamp`. */
export type Values = Readonly<Record<string, Scalar | Readonly<Record<string, PointValue>>>>;

/** What the gatekeeper makes of a valid message. It shares nothing with the frame. */
export interface Decoded {
  /** The device's clock, ms since 1970 UTC. */
  readonly deviceTimeMs: number;
  readonly values: Values;
}

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
}

/** One value of a reading: `pointValue(values, "battery", "soc")`. */
export function pointValue(values: Values, section: string, field: string): PointValue | undefined {
  const body = values[section];
  return typeof body === "object" && body !== null ? body[field] : undefined;
}
