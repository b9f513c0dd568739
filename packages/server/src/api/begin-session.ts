import type { MeBody } from "@wattboard/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import { addressPrefix } from "../access/address-prefix.ts";
import { writeCookie } from "../access/cookies.ts";
import { knownBrowserMs } from "../access/known-browsers.ts";
import type { Person } from "../access/people.ts";
import { isoTime } from "../base/iso-time.ts";
import type { PeopleParts } from "./people.ts";

/** Signs somebody in in the browser that asks, in place of whoever was. */
export function beginSession(
  { authorizer, knownBrowsers, sessions }: Pick<PeopleParts, "authorizer" | "knownBrowsers" | "sessions">,
  request: FastifyRequest,
  reply: FastifyReply,
  person: Person,
): MeBody {
  const before = authorizer.sessionOf(request.raw);
  if (before !== null) sessions.end(before);
  const { address, browser } = authorizer.signInSourceOf(request.raw);
  const { session, secret } = sessions.begin(person.name, address);
  const ttlMs = session.expiresAtMs - session.createdAtMs;
  const known = knownBrowsers.remember(person.name, addressPrefix(address), browser);
  const isSecure = authorizer.hasSecureCookies(request.raw);
  reply.header("Set-Cookie", writeCookie("session", secret, isSecure, ttlMs));
  reply.header("Set-Cookie", writeCookie("browser", known, isSecure, knownBrowserMs));
  return signedInBody(person, session.expiresAtMs);
}

export function signedInBody({ name, role, devices, email }: Person, expiresAtMs: number | null): MeBody {
  return {
    kind: "person",
    name,
    role,
    devices: devices === null ? null : [...devices],
    shared_devices: [],
    email,
    session_expires_at: expiresAtMs === null ? null : isoTime(expiresAtMs),
  };
}
