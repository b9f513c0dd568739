import type { Requester } from "../base/requester.ts";

/** Whom a notification may tell of what, asked whenever one is made and again whenever it is sent. */
export interface NotifyRights {
  /** The devices given to them; null: all there are; undefined: they are gone. */
  devicesOf(person: Requester): ReadonlySet<string> | null | undefined;
  mayAdminister(person: Requester): boolean;
}

/** Those of the devices that they may see. Goes through the smaller of both lists. */
export function viewable(deviceIds: readonly string[], given: ReadonlySet<string> | null): readonly string[] {
  return given === null ? deviceIds : deviceIds.filter((deviceId) => given.has(deviceId));
}
