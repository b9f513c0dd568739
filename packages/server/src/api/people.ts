import {
  type ChangedPersonBody,
  changedPersonSchema,
  type IssuedLinkBody,
  invitedSchema,
  isRefusal,
  issuedLinkSchema,
  outstandingSchema,
  type PersonBody,
  paths,
  peopleSchema,
  personSchema,
  type Refusal,
  refuse,
} from "@wattboard/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import Type from "typebox";
import type { Audit } from "../access/audit/audit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import type { KnownBrowsers } from "../access/known-browsers.ts";
import type { LoginSessions } from "../access/login-sessions.ts";
import type { IssuedLink, OneTimeLinks } from "../access/one-time-links.ts";
import type { Outstanding } from "../access/outstanding.ts";
import { describePasswordFault, type Passwords } from "../access/passwords.ts";
import { type People, type Person, unknownPerson } from "../access/people.ts";
import { type Principal, requesterOf, roles } from "../access/principal.ts";
import type { Revocations } from "../access/revocations.ts";
import type { ShareLinks } from "../access/share-links.ts";
import type { SignIn } from "../access/sign-in.ts";
import type { Clock } from "../base/clock.ts";
import { isoTime } from "../base/iso-time.ts";
import type { Requester } from "../base/requester.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import { audited, auditedRevocation } from "../http/access-guard.ts";
import { defineRoute, type RouteDefinition } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import type { Throttle } from "../observe/throttle.ts";
import { endOutstanding, outstandingBody } from "./outstanding-end.ts";

export interface PeopleParts {
  readonly audit: Audit;
  readonly clock: Clock;
  readonly devices: DeviceRegistry;
  readonly authorizer: Authorizer;
  readonly knownBrowsers: KnownBrowsers;
  readonly oneTimeLinks: OneTimeLinks;
  readonly outstanding: Outstanding;
  readonly passwords: Passwords;
  readonly people: People;
  /** What links begin with; null where the server has not been told. */
  readonly publicUrl: string | null;
  readonly revocations: Revocations;
  readonly sessions: LoginSessions;
  readonly shareLinks: ShareLinks;
  readonly signIn: SignIn;
  readonly throttle: Throttle;
}

const closed = { additionalProperties: false };
const roleSchema = Type.Enum([...roles], { description: "What they may do; each role includes the ones before it" });
const devicesSchema = Type.Union([Type.Null(), Type.Array(Type.String())], {
  description: "The devices given to them; null: all there are",
});
const emailSchema = Type.Union([Type.Null(), Type.String({ maxLength: 320 })]);
const newPersonSchema = Type.Object(
  {
    name: Type.String({ maxLength: 320 }),
    email: Type.Optional(emailSchema),
    role: roleSchema,
    // Null: all there are. It has to be said: nobody gets devices by being silent about them.
    devices: devicesSchema,
  },
  closed,
);
const personChangeSchema = Type.Object(
  { email: Type.Optional(emailSchema), role: Type.Optional(roleSchema), devices: Type.Optional(devicesSchema) },
  closed,
);
const personParams = Type.Object({
  name: Type.String({ description: "The person's name, or their e-mail address", examples: ["ada"] }),
});
const passwordSchema = Type.Object({ password: Type.String({ maxLength: 1_024 }) }, closed);

interface PersonParams {
  Params: { name: string };
}

/** `/api/v1/people`: accounts, their rights, and the one-time links by which people choose their passwords. */
export function registerPeopleApi(app: FastifyInstance, parts: PeopleParts): void {
  const { audit, oneTimeLinks, passwords, people, publicUrl, sessions } = parts;
  const admin = (about: Omit<RouteDefinition, "role" | "tag">) =>
    defineRoute({ ...about, tag: "People", role: "admin" });
  const bodyOf = (person: Person): PersonBody => personBody(person, sessions.of(person.name).length);
  const linkBody = ({ path, expiresAtMs }: IssuedLink): IssuedLinkBody => ({
    path,
    url: publicUrl === null ? null : publicUrl + path,
    expires_at: isoTime(expiresAtMs),
  });
  /** Administrators are known. */
  const callerOf = ({ principal }: FastifyRequest) => requesterOf(principal as Principal);

  app.get(`${paths.api}/people`, admin({ summary: "All accounts", answer: peopleSchema }), () => ({
    people: people.list().map(bodyOf),
  }));

  app.post<{ Body: Type.Static<typeof newPersonSchema> }>(
    `${paths.api}/people`,
    admin({
      summary: "Make an account",
      description: "The answer has the link by which they choose their password.",
      body: newPersonSchema,
      answer: invitedSchema,
      status: 201,
      errors: [404, 409],
    }),
    (request, reply) => {
      const { name, ...detail } = request.body;
      const added = audited(parts, request, { action: "person.add", target: name, detail }, () =>
        people.add(request.body),
      );
      if (isRefusal(added)) return sendRefusal(reply, added);
      const link = linkBody(oneTimeLinks.issue("password", added.name, callerOf(request)));
      return reply.code(201).send({ person: bodyOf(added), link });
    },
  );

  app.patch<PersonParams & { Body: Type.Static<typeof personChangeSchema> }>(
    `${paths.api}/people/:name`,
    admin({
      summary: "Change somebody's rights or address; it holds at once, on open connections too",
      description: "What they had set going and may not any more ends with that; `ended` lists it.",
      params: personParams,
      body: personChangeSchema,
      answer: changedPersonSchema,
      errors: [404, 409],
    }),
    (request, reply) => {
      const { name } = request.params;
      const changed = audited(parts, request, { action: "person.change", target: name, detail: request.body }, () =>
        people.change(name, request.body),
      );
      if (isRefusal(changed)) return sendRefusal(reply, changed);
      const body: ChangedPersonBody = { ...bodyOf(changed), ended: endOutstanding(parts, request) };
      return body;
    },
  );

  app.get<PersonParams>(
    `${paths.api}/people/:name/outstanding`,
    admin({
      summary: "What rests on somebody: what they have set going, and what ends when they are removed",
      description:
        "Share links, commands that no device has been given yet, fleet commands that run, API tokens and one-time links; also those of the API tokens.",
      params: personParams,
      answer: outstandingSchema,
      errors: [404],
    }),
    ({ params }, reply) => {
      const person = people.find(params.name);
      if (person === undefined) return sendRefusal(reply, unknownPerson(params.name));
      return outstandingBody(parts.outstanding.of(requesterOfPerson(person)));
    },
  );

  app.delete<PersonParams>(
    `${paths.api}/people/:name`,
    admin({
      summary: "Remove an account, and end what rests on it",
      params: personParams,
      answer: changedPersonSchema,
      errors: [404, 409],
    }),
    (request, reply) => {
      const { name } = request.params;
      const removed = auditedRevocation(parts, request, { action: "person.remove", target: name }, () =>
        removePerson(parts, name),
      );
      if (isRefusal(removed)) return sendRefusal(reply, removed);
      const body: ChangedPersonBody = { ...personBody(removed, 0), ended: endOutstanding(parts, request) };
      return body;
    },
  );

  /** A new link to choose a password, for somebody who forgot theirs or lost their invitation. The present one holds until it is used. */
  app.post<PersonParams>(
    `${paths.api}/people/:name/link`,
    admin({
      summary: "A new link to choose a password",
      params: personParams,
      answer: issuedLinkSchema,
      errors: [404],
    }),
    (request, reply) => {
      const { name } = request.params;
      const person = audited(
        parts,
        request,
        { action: "person.link", target: name },
        (): Person | Refusal => people.find(name) ?? unknownPerson(name),
      );
      if (isRefusal(person)) return sendRefusal(reply, person);
      return linkBody(oneTimeLinks.issue("password", person.name, callerOf(request)));
    },
  );

  app.put<PersonParams & { Body: Type.Static<typeof passwordSchema> }>(
    `${paths.api}/people/:name/password`,
    admin({
      summary: "Set somebody's password, and sign them out everywhere",
      params: personParams,
      body: passwordSchema,
      answer: personSchema,
      errors: [404, 429],
    }),
    async (request, reply) => {
      const { name } = request.params;
      const { password } = request.body;
      const fault = describePasswordFault(password);
      if (fault !== null) return sendRefusal(reply, refuse("invalid_request", fault));
      audit.assertWritable();
      const hash = await passwords.hash(password);
      if (typeof hash === "object") return sendRefusal(reply, hash);
      const changed = audited(parts, request, { action: "person.password", target: name }, () =>
        people.setPassword(name, hash),
      );
      if (isRefusal(changed)) return sendRefusal(reply, changed);
      sessions.endAll(changed.name);
      oneTimeLinks.voidOf(changed.name);
      return bodyOf(changed);
    },
  );

  app.post(
    `${paths.api}/setup-link`,
    admin({ summary: "A link that creates another administrator", answer: issuedLinkSchema }),
    (request) => {
      const link = audited(parts, request, { action: "setup_link.issue" }, () =>
        oneTimeLinks.issue("setup", null, callerOf(request)),
      );
      return isRefusal(link) ? link : linkBody(link);
    },
  );
}

/** Removes somebody with all that lets them in. */
function removePerson(
  {
    knownBrowsers,
    oneTimeLinks,
    people,
    sessions,
  }: Pick<PeopleParts, "knownBrowsers" | "oneTimeLinks" | "people" | "sessions">,
  name: string,
): Person | Refusal {
  const removed = people.remove(name);
  if (isRefusal(removed)) return removed;
  sessions.endAll(removed.name);
  knownBrowsers.forgetPerson(removed.name);
  oneTimeLinks.forget(removed.name);
  return removed;
}

function requesterOfPerson({ name, createdAtMs }: Person): Requester {
  return { kind: "person", name, sinceMs: createdAtMs };
}

function personBody({ name, email, role, devices, createdAtMs, passwordHash }: Person, sessions: number): PersonBody {
  return {
    name,
    email,
    role,
    devices: devices === null ? null : [...devices],
    created_at: isoTime(createdAtMs),
    active: passwordHash !== null,
    sessions,
  };
}
