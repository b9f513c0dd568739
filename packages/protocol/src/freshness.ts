import { limits } from "./limits.ts";
import { isOfSmartOs } from "./smart-os.ts";

/** How much the latest sample of a device says of the present moment. */
export const freshnesses = ["live", "late", "idle", "stale", "offline", "none"] as const;
export type Freshness = (typeof freshnesses)[number];

interface Subject {
  readonly online: boolean;
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * How fresh a device, or one of its values, is at an age in ms; a null age says that it was never heard. An age below zero is that of a clock a
 * little ahead, and counts as zero; beyond what a clock may be ahead nothing is the present. One that is gone is `offline` however
 * young its last value is. A device of SMART-OS sends only on change: while its link is there it is idle, and what it said holds, for an hour at most.
 */
export function freshnessOf({ online, properties }: Subject, ageMs: number | null): Freshness {
  if (!online) return "offline";
  if (ageMs === null) return "none";
  // From a time to come: the clock that it was stamped by has been set back since, and nobody knows how old it is.
  if (ageMs < -limits.clockSkewMsMax) return "stale";
  if (ageMs <= limits.lateAfterMs) return "live";
  if (isOfSmartOs(properties)) return ageMs <= limits.idleMsMax ? "idle" : "stale";
  return ageMs <= limits.staleAfterMs ? "late" : "stale";
}

/** Whether what is this fresh is shown, summed and drawn as the present. */
export function isPresent(freshness: Freshness): boolean {
  return freshness === "live" || freshness === "late" || freshness === "idle";
}
