import { windowFrom, windowMs } from "./algebra/window.ts";

/**
 * One registration of a device, as the store knows it. A device that is removed and added anew is another one, with a key of its own: whoever asks
 * for this one cannot reach what the one before it sent.
 */
export interface Registration {
  /** Under it samples, summaries, points and events are stored. It tells which device it is, and the how manyeth registration of that id. */
  readonly key: string;
  /**
   * 0, but for a device that began anew before there were keys, which went on under the key of the one before it: what was measured under the key
   * before this time is another's, ms. Where only summaries are read, its own time begins with the first whole window.
   */
  readonly fromMs: number;
}

/** Of the key of every registration of an id but the first, between the id, in which there is none, and its number. */
const separator = "#";

/** The key of the registration that is the `number`th of that device id: `ems_001`, then `ems_001#2`. */
export function registrationKey(deviceId: string, number: number): string {
  return number === 1 ? deviceId : `${deviceId}${separator}${number}`;
}

/** The first registration of an id. */
export function firstRegistration(deviceId: string): Registration {
  return { key: registrationKey(deviceId, 1), fromMs: 0 };
}

/** Of which device a key is, and which of its registrations. */
export function readRegistrationKey(key: string): { readonly deviceId: string; readonly number: number } {
  const [deviceId = "", number = "1"] = key.split(separator);
  return { deviceId, number: Number(number) };
}

/** From when on figures are the registration's own, where they come in buckets of that width. */
export function ownFromMs({ fromMs }: Registration, bucketMs: number): number {
  return bucketMs < windowMs ? fromMs : windowFrom(fromMs) * windowMs;
}
