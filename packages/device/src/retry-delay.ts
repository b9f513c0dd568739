import type { Outage } from "./outage.ts";

const firstMs = 5_000;
/** The first try comes within this and `2 * firstMs` less this: ten thousand devices that were cut at once are a thousand or so a second. */
const firstMsMin = 1_000;
const backoffMsMax = 60_000;
/** A server that asks for more patience than this is asked again all the same. */
const retryAfterMsMax = 5 * 60_000;

/**
 * How long to wait before the next try, in milliseconds, after `failures` earlier ones without a link that stayed up.
 * At first 5 s on average, within 1 to 9, so that a fleet does not come back as one; then full jitter: anywhere up to 10, 20, 40, 60 s, but at least 1 s.
 */
export function retryDelayMs(outage: Outage, failures: number, random: () => number): number {
  const { code, reconnect } = outage;
  const between = (fromMs: number, toMs: number) => fromMs + random() * (toMs - fromMs);
  switch (reconnect === "later" || reconnect === "never" ? reconnect : code) {
    case "later":
    case "replaced":
    case "revoked":
      // Two clones that share a token would else throw each other out without end.
      return between(30_000, 60_000);
    case "never":
    case "forbidden":
    case "unexpected_answer":
      // Only a person can mend this; hurry would hide the real devices' tries in the server's log.
      return between(48_000, 72_000);
    default: {
      if (outage.retryAfterMs !== undefined) {
        const askedMs = Math.min(Math.max(outage.retryAfterMs, 1_000), retryAfterMsMax);
        return between(askedMs, askedMs * 1.25);
      }
      if (failures === 0) return between(firstMsMin, 2 * firstMs - firstMsMin);
      return Math.max(1_000, random() * Math.min(backoffMsMax, firstMs * 2 ** failures));
    }
  }
}
