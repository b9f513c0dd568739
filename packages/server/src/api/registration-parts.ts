import type { ApiTokens } from "../access/api-tokens.ts";
import type { Audit } from "../access/audit/audit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import type { People } from "../access/people.ts";
import type { Revocations } from "../access/revocations.ts";
import type { ShareLinks } from "../access/share-links.ts";
import type { Clock } from "../base/clock.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import { defineRoute, type RouteDefinition } from "../http/define-route.ts";
import type { Log } from "../observe/log.ts";
import type { LiveDevices } from "./live-devices.ts";

/** What the routes about registrations work with. */
export interface RegistrationParts {
  readonly apiTokens: ApiTokens;
  readonly audit: Audit;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly devices: DeviceRegistry;
  readonly live: LiveDevices;
  readonly log: Log;
  readonly people: People;
  readonly revocations: Revocations;
  readonly shareLinks: ShareLinks;
}

export const administrativeRoute = (about: Omit<RouteDefinition, "role" | "tag">) =>
  defineRoute({ ...about, role: "admin", tag: "Administration" });
