import { isRefusal, overlapSDefault, type Refusal, refuse } from "@wattboard/protocol";
import type { FastifyRequest } from "fastify";
import type { Outstanding } from "../access/outstanding.ts";
import type { Person, PersonChange } from "../access/people.ts";
import type { Provisioned } from "../devices/device-registry.ts";
import { endOutstanding } from "./outstanding-end.ts";
import type { RegistrationParts } from "./registration-parts.ts";

export interface ClaimDeviceParts extends RegistrationParts {
  readonly outstanding: Outstanding;
}

/**
 * Makes the device this person's, and no other's: gives it a new token, takes it from everybody who has it in a list, and ends share links and what
 * rests on rights that are gone. Whoever has all devices keeps it. In this order, so that whoever is cut off in between comes again with the same code.
 */
export function claimDevice(
  parts: ClaimDeviceParts,
  request: FastifyRequest,
  person: Person,
  deviceId: string,
): (Provisioned & { readonly person: Person }) | Refusal {
  const { claims, devices, live, people } = parts;
  const change = changeOf(person, deviceId);
  if (isRefusal(change)) return change;
  const rotated = devices.rotate(deviceId, undefined, overlapSDefault * 1_000);
  if (isRefusal(rotated)) return rotated;
  const owner = change === null ? person : people.change(person.name, change);
  if (isRefusal(owner)) return owner;
  claims.claim(deviceId, { name: owner.name, sinceMs: owner.createdAtMs });
  takeFromOthers(parts, deviceId, owner.name);
  endOutstanding(parts, request);
  if (devices.rotations.find(deviceId) === undefined) live.tokenChanged(deviceId, "rotated");
  else live.rotated([deviceId]);
  return { ...rotated, person: owner };
}

/** Gives the device up: it is nobody's, and begins anew, so that whoever claims it next sees nothing of this household. */
export function releaseDevice(parts: ClaimDeviceParts, request: FastifyRequest, deviceId: string): object | Refusal {
  const { claims, devices, live } = parts;
  const former = devices.find(deviceId);
  const anew = devices.beginAnew(deviceId);
  if (former === undefined || isRefusal(anew)) return refuse("unknown_device");
  claims.release(deviceId);
  takeFromOthers(parts, deviceId, null);
  endOutstanding(parts, request);
  live.begunAnew(former);
  return anew;
}

/** What makes it theirs; null: they have it already. A role counts for all of somebody's devices, so a viewer of others cannot become operator of one. */
function changeOf({ role, devices }: Person, deviceId: string): PersonChange | null | Refusal {
  if (role === "viewer" && devices?.size !== 0) {
    return refuse(
      "not_permitted",
      "Your account may only look at devices, and a claim makes you operator. Claim with another account, or ask an administrator.",
    );
  }
  if (devices === null || (role !== "viewer" && devices.has(deviceId))) return null;
  return { role: "operator", devices: [...devices, deviceId] };
}

function takeFromOthers(
  { apiTokens, people, shareLinks }: ClaimDeviceParts,
  deviceId: string,
  owner: string | null,
): void {
  for (const { name, devices } of people.list()) {
    if (name === owner || devices === null || !devices.has(deviceId)) continue;
    people.change(name, { devices: [...devices].filter((each) => each !== deviceId) });
  }
  apiTokens.forgetDevice(deviceId);
  shareLinks.forgetDevice(deviceId);
}
