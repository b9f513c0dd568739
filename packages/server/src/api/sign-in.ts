import {
  isRefusal,
  type MeBody,
  meSchema,
  type OneTimeLinkBody,
  oneTimeLinkSchema,
  paths,
  type Refusal,
  refuse,
  signedOutSchema,
} from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import { addressPrefix } from "../access/address-prefix.ts";
import { writeCookie } from "../access/cookies.ts";
import { describePasswordFault } from "../access/passwords.ts";
import type { Person } from "../access/people.ts";
import type { Principal } from "../access/principal.ts";
import type { SignInRefusal } from "../access/sign-in.ts";
import { isoTime } from "../base/iso-time.ts";
import { auditEntry } from "../http/access-guard.ts";
import { defineRoute, type RouteDefinition } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import { beginSession, signedInBody } from "./begin-session.ts";
import type { PeopleParts } from "./people.ts";

const closed = { additionalProperties: false };
const credentialsSchema = Type.Object(
  {
    account: Type.String({ maxLength: 320, description: "Name or e-mail address" }),
    password: Type.String({ maxLength: 1_024 }),
  },
  closed,
);
const secretSchema = Type.Object({ token: Type.String({ maxLength: 256 }) }, closed);
const redeemSchema = Type.Object(
  {
    token: Type.String({ maxLength: 256 }),
    name: Type.Optional(Type.String({ maxLength: 320 })),
    email: Type.Optional(Type.String({ maxLength: 320 })),
    password: Type.Optional(Type.String({ maxLength: 1_024 })),
  },
  closed,
);
const passwordChangeSchema = Type.Object(
  { present: Type.String({ maxLength: 1_024 }), password: Type.String({ maxLength: 1_024 }) },
  closed,
);

const signOutQuery = Type.Object(
  { everywhere: Type.Boolean({ default: false, description: "In all browsers, and not only in this one" }) },
  closed,
);

/** `/api/v1/me` and `/session`: who asks, signing in and out, one-time links, and a person's own password. */
export function registerSignInApi(app: FastifyInstance, parts: PeopleParts): void {
  const { audit, authorizer, oneTimeLinks, passwords, people, sessions, signIn, throttle } = parts;

  /** By the person themselves: whoever signs in is nobody until they have. */
  const record = (request: FastifyRequest, entry: { action: string; target: string; outcome: string }): void =>
    audit.record({ ...auditEntry(authorizer, request, entry), who: `person ${entry.target}` });

  /** Guessing must not fill the audit: of failures from one address it gets one each ten seconds, and how many it was not told. */
  const recordFailure = (request: FastifyRequest, entry: { action: string; target: string; outcome: string }): void => {
    const suppressed = throttle.pass(`sign-in ${addressPrefix(authorizer.addressOf(request.raw))}`);
    if (suppressed === null) return;
    audit.record(auditEntry(authorizer, request, { ...entry, detail: { suppressed } }));
  };

  /** The person who is signed in here; cookies alone make one. */
  const signedIn = (request: FastifyRequest): Person | null => {
    const session = request.principal?.kind === "person" ? authorizer.sessionOf(request.raw) : null;
    return session === null ? null : (people.find(session.person) ?? null);
  };

  /** Open to anyone: the handlers find out who it is. */
  const open = (about: Omit<RouteDefinition, "role" | "tag">) =>
    defineRoute({ ...about, tag: "Signing in", role: null });

  app.get(
    `${paths.api}/me`,
    defineRoute({
      tag: "Signing in",
      role: "viewer",
      summary: "Who asks, and what they may do",
      answer: meSchema,
    }),
    (request, reply) => {
      reply.header("Cache-Control", "no-store");
      const person = signedIn(request);
      const principal = request.principal as Principal;
      const expiresAtMs = authorizer.sessionOf(request.raw)?.expiresAtMs ?? null;
      const shared = [...principal.sharedDevices];
      if (person !== null) return { ...signedInBody(person, expiresAtMs), shared_devices: shared };
      const { kind, name, role, devices } = principal;
      const given = devices === null ? null : [...devices];
      const me: MeBody = {
        kind,
        name,
        role,
        devices: given,
        shared_devices: shared,
        email: null,
        session_expires_at: null,
      };
      return me;
    },
  );

  app.post<{ Body: Type.Static<typeof credentialsSchema> }>(
    `${paths.api}/session`,
    open({
      summary: "Sign in",
      description: "The session goes on in a cookie that scripts cannot read.",
      body: credentialsSchema,
      answer: meSchema,
      errors: [429],
    }),
    async (request, reply) => {
      const { account, password } = request.body;
      // What cannot be recorded is not done, and is not worth a hash.
      audit.assertWritable();
      const person = await signIn.attempt(account, password, authorizer.signInSourceOf(request.raw));
      if (isRefusal(person)) {
        recordFailure(request, { action: "sign_in", target: account, outcome: person.code });
        return sendSignInRefusal(reply, person);
      }
      record(request, { action: "sign_in", target: person.name, outcome: "done" });
      return beginSession(parts, request, reply, person);
    },
  );

  app.delete<{ Querystring: Type.Static<typeof signOutQuery> }>(
    `${paths.api}/session`,
    open({ summary: "Sign out; open connections end too", querystring: signOutQuery, answer: signedOutSchema }),
    (request, reply) => {
      const session = authorizer.sessionOf(request.raw);
      if (session !== null) {
        if (request.query.everywhere) sessions.endAll(session.person);
        else sessions.end(session);
        record(request, { action: "sign_out", target: session.person, outcome: "done" });
      }
      reply.header("Set-Cookie", writeCookie("session", "", authorizer.hasSecureCookies(request.raw), 0));
      return { signed_out: session !== null };
    },
  );

  app.post<{ Body: Type.Static<typeof passwordChangeSchema> }>(
    `${paths.api}/me/password`,
    open({
      summary: "Choose another password, and sign out everywhere else",
      body: passwordChangeSchema,
      answer: meSchema,
      errors: [429],
    }),
    async (request, reply) => {
      const person = signedIn(request);
      if (person === null) return sendRefusal(reply, refuse("unauthorized", "Only somebody who is signed in has one."));
      const { present, password } = request.body;
      const fault = describePasswordFault(password);
      if (fault !== null) return sendRefusal(reply, refuse("invalid_request", fault));
      audit.assertWritable();
      const checked = await signIn.attempt(person.name, present, authorizer.signInSourceOf(request.raw));
      if (isRefusal(checked)) {
        recordFailure(request, { action: "person.password", target: person.name, outcome: checked.code });
        const isWrong = checked.code === "wrong_credentials";
        return isWrong
          ? sendRefusal(reply, refuse("invalid_request", "The present password is wrong."))
          : sendSignInRefusal(reply, checked);
      }
      const hash = await passwords.hash(password);
      if (typeof hash === "object") return sendSignInRefusal(reply, hash);
      const changed = people.setPassword(person.name, hash);
      record(request, {
        action: "person.password",
        target: person.name,
        outcome: isRefusal(changed) ? changed.code : "done",
      });
      if (isRefusal(changed)) return sendRefusal(reply, changed);
      sessions.endAll(person.name, authorizer.sessionOf(request.raw));
      return signedInBody(changed, authorizer.sessionOf(request.raw)?.expiresAtMs ?? null);
    },
  );

  app.post<{ Body: Type.Static<typeof secretSchema> }>(
    `${paths.api}/one-time-links/inspect`,
    open({
      summary: "What a one-time link is for",
      body: secretSchema,
      answer: oneTimeLinkSchema,
      errors: [404, 429],
    }),
    (request, reply) => {
      const link = oneTimeLinks.find(request.body.token);
      if (isRefusal(link)) {
        signIn.noteFailure(authorizer.signInSourceOf(request.raw));
        return sendRefusal(reply, link);
      }
      const body: OneTimeLinkBody = { kind: link.kind, person: link.person, expires_at: isoTime(link.expiresAtMs) };
      return body;
    },
  );

  app.post<{ Body: Type.Static<typeof redeemSchema> }>(
    `${paths.api}/one-time-links/redeem`,
    open({
      summary: "Use a one-time link: choose a password, or sign in",
      body: redeemSchema,
      answer: meSchema,
      errors: [404, 409, 429],
    }),
    async (request, reply) => {
      audit.assertWritable();
      const person = await redeem(request.body);
      const action = "one_time_link.redeem";
      if (isRefusal(person)) {
        if (person.code === "link_not_valid") signIn.noteFailure(authorizer.signInSourceOf(request.raw));
        recordFailure(request, { action, target: request.body.name ?? "", outcome: person.code });
        return sendRefusal(reply, person);
      }
      record(request, { action, target: person.name, outcome: "done" });
      return beginSession(parts, request, reply, person);
    },
  );

  async function redeem({ token, name, email, password }: Type.Static<typeof redeemSchema>): Promise<Person | Refusal> {
    const link = oneTimeLinks.find(token);
    if (isRefusal(link)) return link;
    if (link.kind === "sign_in") {
      const person = people.find(link.person ?? "");
      return oneTimeLinks.use(token) && person !== undefined ? person : refuse("link_not_valid");
    }
    const fault = describePasswordFault(password ?? "");
    if (fault !== null) return refuse("invalid_request", fault);
    const hash = await passwords.hash(password ?? "");
    if (typeof hash === "object") return hash;
    // Of two who come at once, one has used it up meanwhile.
    const found = oneTimeLinks.find(token);
    if (isRefusal(found)) return found;
    const added =
      link.person === null
        ? people.add({ name: name ?? "", email: email ?? null, role: "admin", devices: null })
        : people.find(link.person);
    if (added === undefined) return refuse("link_not_valid");
    if (isRefusal(added)) return added;
    oneTimeLinks.use(token);
    oneTimeLinks.voidOf(link.person);
    sessions.endAll(added.name);
    return people.setPassword(added.name, hash);
  }
}

export function sendSignInRefusal(reply: FastifyReply, refusal: SignInRefusal): FastifyReply {
  if (refusal.retryAfterMs !== undefined) {
    reply.header("Retry-After", String(Math.ceil(refusal.retryAfterMs / 1_000)));
  }
  return sendRefusal(reply, refusal);
}
