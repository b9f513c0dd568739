import { parseRfc3339, type Refusal, refuse, type StrikeBody, strikesMax } from "@wattboard/protocol";
import { isoTime } from "../base/iso-time.ts";
import type { Device } from "../devices/device-registry.ts";
import type { NewStrike, StoreReader, StoreStrikes, Strike } from "../store/store.ts";

/** What somebody wants to have struck out, as it is said to the API. */
export interface StrikeOrder {
  readonly from: string;
  readonly to: string;
  readonly points?: readonly string[] | undefined;
}

/** A longer span is struck out in pieces: what it touches is counted anew each time that it is asked for. */
const spanMsMax = 31 * 24 * 60 * 60_000;

/** Strikes values out of a device's past, where that can be done. */
export async function strikeOut(
  store: StoreReader & StoreStrikes,
  { registration }: Device,
  { from, to, points }: StrikeOrder,
  { atMs, by }: Pick<NewStrike, "atMs" | "by">,
): Promise<Strike | Refusal> {
  const [fromMs, toMs] = [parseRfc3339(from), parseRfc3339(to)];
  if (!(fromMs < toMs)) {
    return refuse(
      "invalid_request",
      "from and to are RFC 3339 times, e.g. 2026-01-31T12:00:00Z, and from lies before to.",
    );
  }
  if (toMs - fromMs > spanMsMax) return refuse("range_too_large", "At most 31 days are struck out at once.");
  if (toMs <= registration.fromMs) {
    return refuse("invalid_request", `The device's own past begins at ${isoTime(registration.fromMs)}.`);
  }
  if (points !== undefined) {
    const known = new Set((await store.points(registration)).map(({ name }) => name));
    const unknown = points.find((name) => !known.has(name));
    if (unknown !== undefined) return refuse("unknown_point", `It is ${JSON.stringify(unknown.slice(0, 80))}.`);
  }
  if ((await store.strikes(registration)).length >= strikesMax) {
    return refuse("range_too_large", `The device has ${strikesMax} strikes; undo some that are not needed any more.`);
  }
  return await store.strike(registration, { fromMs, toMs, points: points ?? null, atMs, by });
}

/** Undoes one. */
export async function undoStrike(
  store: StoreStrikes,
  { registration }: Device,
  number: number,
): Promise<Strike | Refusal> {
  return (
    (await store.unstrike(registration, number)) ?? refuse("not_found", "The device has no strike of that number.")
  );
}

export function strikeBody(
  deviceId: string,
  { number, fromMs, toMs, points, atMs, by }: Strike,
  showsNames = true,
): StrikeBody {
  return {
    strike: number,
    device_id: deviceId,
    from: isoTime(fromMs),
    to: isoTime(toMs),
    points: points === null ? null : [...points],
    at: isoTime(atMs),
    by: showsNames ? by : null,
  };
}
