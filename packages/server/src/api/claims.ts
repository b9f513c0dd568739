import {
  type ClaimableBody,
  type ClaimBody,
  type ClaimedBody,
  claimableSchema,
  claimedSchema,
  claimSchema,
  inspectClaimSchema,
  isRefusal,
  type NewClaimBody,
  newClaimSchema,
  paths,
  type Refusal,
  refuse,
} from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type Type from "typebox";
import { addressPrefix } from "../access/address-prefix.ts";
import { describePasswordFault } from "../access/passwords.ts";
import type { Person } from "../access/people.ts";
import { isoTime } from "../base/iso-time.ts";
import type { Device } from "../devices/device-registry.ts";
import { auditEntry, audited } from "../http/access-guard.ts";
import { defineRoute, deviceParams } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import type { Events } from "../observe/events.ts";
import { Throttle } from "../observe/throttle.ts";
import { beginSession, signedInBody } from "./begin-session.ts";
import { type ClaimDeviceParts, claimDevice, releaseDevice } from "./claim-device.ts";
import { rotationBody } from "./device-bodies.ts";
import { type DeviceParams, lookUpDevice } from "./device-lookup.ts";
import type { PeopleParts } from "./people.ts";
import { sendSignInRefusal } from "./sign-in.ts";

export interface ClaimParts extends Omit<PeopleParts, "publicUrl">, ClaimDeviceParts {
  readonly events: Events;
  /** Whether whoever has no account may make one with a claim. */
  readonly mayClaimantsSignUp: boolean;
}

type Inspection = Type.Static<typeof inspectClaimSchema>;

/** A contested claim is told so often for each device, ms. */
const contestedToldMs = 10 * 60_000;

/** `/api/v1/claims`: whoever holds a box, and so the code on its label, takes it over; and gives it up again. */
export function registerClaimsApi(app: FastifyInstance, parts: ClaimParts): void {
  const { audit, authorizer, claims, devices, live, mayClaimantsSignUp } = parts;
  const judge = judgeOfCodes(parts);

  app.post<{ Body: Inspection }>(
    `${paths.api}/claims/inspect`,
    defineRoute({
      tag: "Claiming",
      role: null,
      summary: "What a label is for",
      body: inspectClaimSchema,
      answer: claimableSchema,
      errors: [404, 409, 429],
    }),
    (request, reply) => {
      const device = judge(request, request.body);
      if (isRefusal(device)) return sendClaimRefusal(reply, device);
      const body: ClaimableBody = {
        device_id: device.deviceId,
        name: device.name,
        may_sign_up: mayClaimantsSignUp,
        signed_in_as: signedIn(parts, request)?.name ?? null,
        is_own: claims.ownerOf(device.deviceId) !== null,
      };
      return body;
    },
  );

  app.post<{ Body: NewClaimBody }>(
    `${paths.api}/claims`,
    defineRoute({
      tag: "Claiming",
      role: null,
      summary: "Claim a box with the code of its label",
      description:
        "It becomes theirs who are signed in, or who make an account with it: others who had it in their lists have it no longer, links to it end, and its token is rotated. The code is used up.",
      body: newClaimSchema,
      answer: claimedSchema,
      errors: [404, 409, 429],
    }),
    async (request, reply) => {
      audit.assertWritable();
      const early = judge(request, request.body);
      if (isRefusal(early)) return sendClaimRefusal(reply, early);
      const { deviceId } = early;
      const own = signedIn(parts, request);
      if (own !== null && claims.ownerOf(deviceId) !== null) return claimedBody(early, signedInBody(own, null), null);
      const hash = own === null ? await hashFor(parts, request) : null;
      if (isRefusal(hash)) return sendClaimRefusal(reply, hash);
      // Of two who come at once, one has used it up meanwhile.
      const device = hash === null ? early : judge(request, request.body);
      if (isRefusal(device)) return sendClaimRefusal(reply, device);
      const name = request.body.account?.name ?? "";
      const claimed = audited(parts, request, { action: "device.claim", deviceId, target: own?.name ?? name }, () =>
        claimAs(parts, request, deviceId, own ?? { name, hash: hash ?? "" }),
      );
      if (isRefusal(claimed)) return sendRefusal(reply, claimed);
      const { person, token } = claimed;
      const me =
        own === null
          ? beginSession(parts, request, reply, person)
          : signedInBody(person, authorizer.sessionOf(request.raw)?.expiresAtMs ?? null);
      reply.header("Cache-Control", "no-store");
      return claimedBody(claimed.device, me, token);
    },
  );

  app.get<DeviceParams>(
    `${paths.api}/devices/:id/claim`,
    defineRoute({
      tag: "Claiming",
      role: "viewer",
      summary: "Whose a device is",
      params: deviceParams,
      answer: claimSchema,
      errors: [404],
    }),
    (request, reply) => {
      const device = lookUpCommandable(parts, request);
      return isRefusal(device) ? sendRefusal(reply, device) : claimBody(parts, request, device.deviceId);
    },
  );

  app.delete<DeviceParams>(
    `${paths.api}/devices/:id/claim`,
    defineRoute({
      tag: "Claiming",
      role: "viewer",
      summary: "Give a claimed device up",
      description:
        "By whoever has claimed it, or an administrator. Nobody has it in their list any more, and it begins anew: whoever claims it next sees nothing of what it sent before. That takes a new label. Where nobody has claimed it, nothing is done.",
      params: deviceParams,
      answer: claimSchema,
      errors: [404, 409],
    }),
    (request, reply) => {
      const device = lookUpCommandable(parts, request);
      if (isRefusal(device)) return sendRefusal(reply, device);
      const { deviceId } = device;
      const isClaimed = (claims.find(deviceId)?.owner ?? null) !== null;
      if (!isClaimed) return claimBody(parts, request, deviceId);
      const released = audited(parts, request, { action: "device.release", deviceId }, () =>
        mayRelease(parts, request, deviceId) ? releaseDevice(parts, request, deviceId) : refuse("device_claimed"),
      );
      return isRefusal(released) ? sendRefusal(reply, released) : claimBody(parts, request, deviceId);
    },
  );

  /** `token`: null where there is no new one. It is shown where the device does not get it over its link just now. */
  function claimedBody({ deviceId, name }: Device, me: ClaimedBody["me"], token: string | null): ClaimedBody {
    const rotation = rotationBody(devices, deviceId, live.handoverOf(deviceId));
    return { device_id: deviceId, name, me, token: rotation?.state === "offered" ? null : token, rotation };
  }
}

/** A refusal that may say when to try again. */
interface ClaimRefusal extends Refusal {
  readonly retryAfterMs?: number;
}

function sendClaimRefusal(reply: FastifyReply, refusal: ClaimRefusal): FastifyReply {
  return sendSignInRefusal(reply, refusal);
}

/**
 * Judges the code that somebody has: the device that may be claimed with it, or that they have claimed. What is wrong looks the same and takes the
 * same time whether there is a device of that id or not; what is told of it comes after the answer.
 */
function judgeOfCodes({ audit, authorizer, claims, clock, devices, events, throttle, ...parts }: ClaimParts) {
  const told = new Throttle(clock, contestedToldMs);
  const contest = (deviceId: string, how: string): void => {
    if (told.pass(deviceId) === null) return;
    events.report("claim_contested", deviceId, `the claim to ${deviceId} is contested: ${how}`);
  };
  const record = (request: FastifyRequest, deviceId: string, outcome: string): void => {
    const suppressed = throttle.pass(`claim ${addressPrefix(authorizer.addressOf(request.raw))}`);
    if (suppressed === null) return;
    audit.record(
      auditEntry(authorizer, request, { action: "device.claim", deviceId, outcome, detail: { suppressed } }),
    );
  };

  return (request: FastifyRequest, { device_id: deviceId, code }: Inspection): Device | ClaimRefusal => {
    const address = authorizer.addressOf(request.raw);
    const waitMs = claims.waitMs(address);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1_000);
      return { ...refuse("too_many_attempts", `Try again in ${seconds} s.`), retryAfterMs: waitMs };
    }
    const isCode = claims.isCode(deviceId, code);
    const device = devices.find(deviceId);
    const owner = claims.find(deviceId)?.owner ?? null;
    if (!isCode || device === undefined) {
      const isRepeated = claims.noteWrong(deviceId, address);
      clock.nextTurn(() => {
        record(request, deviceId, "claim_not_valid");
        if (isRepeated && claims.find(deviceId) !== undefined) contest(deviceId, "wrong codes come again and again");
      });
      return refuse("claim_not_valid");
    }
    if (owner === null) return device;
    const own = signedIn({ authorizer, ...parts }, request);
    if (own?.name === owner.name && own.createdAtMs === owner.sinceMs) return device;
    record(request, deviceId, "device_claimed");
    contest(deviceId, "somebody else has the code of its label, which was used before");
    return refuse("device_claimed");
  };
}

/** The person who is signed in in the browser that asks. */
function signedIn(
  { authorizer, people }: Pick<ClaimParts, "authorizer" | "people">,
  { principal, raw }: FastifyRequest,
) {
  const session = principal?.kind === "person" ? authorizer.sessionOf(raw) : null;
  return session === null ? null : (people.find(session.person) ?? null);
}

/** The hash of the password that somebody without an account has chosen. */
async function hashFor(
  { mayClaimantsSignUp, passwords, people }: ClaimParts,
  { body }: FastifyRequest<{ Body: NewClaimBody }>,
): Promise<string | ClaimRefusal> {
  if (body.account === undefined) return refuse("unauthorized", "Or make an account with the claim.");
  if (!mayClaimantsSignUp)
    return refuse("not_permitted", "Accounts are made by an administrator here: ask for an invitation.");
  const fault = describePasswordFault(body.account.password);
  if (fault !== null) return refuse("invalid_request", fault);
  // Told only to whoever has the code.
  if (people.find(body.account.name) !== undefined) {
    return refuse("person_exists", "If it is you, sign in, and claim then.");
  }
  return await passwords.hash(body.account.password);
}

/** Claims for a person, or for one whose account is made with it. */
function claimAs(
  parts: ClaimParts,
  request: FastifyRequest,
  deviceId: string,
  who: Person | { readonly name: string; readonly hash: string },
) {
  if (!("hash" in who)) return claimDevice(parts, request, who, deviceId);
  const { people } = parts;
  const added = people.add({ name: who.name, role: "operator", devices: [] });
  const person = isRefusal(added) ? added : people.setPassword(added.name, who.hash);
  if (isRefusal(person)) return person;
  const claimed = claimDevice(parts, request, person, deviceId);
  if (isRefusal(claimed)) people.remove(person.name);
  return claimed;
}

/** Whose a device is concerns those who may command it. */
function lookUpCommandable(parts: ClaimParts, request: FastifyRequest<DeviceParams>): Device | Refusal {
  const device = lookUpDevice(parts, request, request.params.id);
  if (isRefusal(device) || parts.authorizer.mayCommand(request.principal, device.deviceId)) return device;
  return refuse("not_permitted", "Whose a device is concerns those who may command it.");
}

function mayRelease({ claims }: ClaimParts, { principal }: FastifyRequest, deviceId: string): boolean {
  if (principal?.role === "admin") return true;
  const owner = claims.ownerOf(deviceId);
  return principal?.kind === "person" && owner?.name === principal.name && owner.sinceMs === principal.sinceMs;
}

function claimBody(parts: ClaimParts, request: FastifyRequest, deviceId: string): ClaimBody {
  const claim = parts.claims.find(deviceId);
  const isClaimed = (claim?.owner ?? null) !== null;
  return {
    device_id: deviceId,
    state: claim === undefined ? "none" : isClaimed ? "claimed" : "labelled",
    labelled_at: claim === undefined ? null : isoTime(claim.labelledAtMs),
    owner: claim?.owner?.name ?? null,
    claimed_at: (claim?.claimedAtMs ?? null) === null ? null : isoTime(claim?.claimedAtMs ?? 0),
    may_release: isClaimed && mayRelease(parts, request, deviceId),
  };
}
