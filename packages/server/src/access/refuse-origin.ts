import type { IncomingMessage } from "node:http";
import { type Refusal, refuse } from "@wattboard/protocol";
import type { Log } from "../observe/log.ts";
import type { Throttle } from "../observe/throttle.ts";
import { addressPrefix } from "./address-prefix.ts";
import type { Authorizer } from "./authorizer.ts";

interface OriginParts {
  readonly authorizer: Authorizer;
  readonly log: Log;
  readonly throttle: Throttle;
}

/** Refuses what a page of another site asks, and says, in the log too, by which setting it would be let in. */
export function refuseOrigin(request: IncomingMessage, { authorizer, log, throttle }: OriginParts): Refusal | null {
  if (authorizer.isOriginAllowed(request)) return null;
  const origin = String(request.headers.origin).slice(0, 100);
  const address = authorizer.addressOf(request);
  const suppressed = throttle.pass(`origin ${addressPrefix(address)}`);
  if (suppressed !== null) {
    const host = authorizer.hostOf(request)?.slice(0, 100);
    log.warn(
      { address, origin, host, suppressed },
      "a page of another origin was refused; list it in access.origins, or the proxy in access.trusted_proxies, if it is yours",
    );
  }
  return refuse("cross_origin", `It is ${JSON.stringify(origin)}. To let its pages in, list it in access.origins.`);
}
