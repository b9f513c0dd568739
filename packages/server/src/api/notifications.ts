import {
  channelsSchema,
  type EscalationBody,
  escalationSchema,
  failingChannelsSchema,
  isRefusal,
  type NotificationsBody,
  notificationSchema,
  notificationsSchema,
  paths,
  type Refusal,
  refuse,
} from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import { type Person, unknownPerson } from "../access/people.ts";
import type { Requester } from "../base/requester.ts";
import { cursorReader, writeCursor } from "../http/cursor.ts";
import { defineRoute, type RouteDefinition } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import { beSomebody } from "./channels.ts";
import { channelBody, notificationBody } from "./notify-bodies.ts";
import { auditedAndStored, type NotificationParts, personOf } from "./notify-parts.ts";

const listQuery = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 200, default: 50, description: "Notifications a page, at most" }),
    cursor: Type.Optional(Type.String({ description: "`next_cursor` of the page before", maxLength: 500 })),
  },
  { additionalProperties: false },
);
const readPlace = cursorReader(Type.Object({ before: Type.Integer() }, { additionalProperties: false }));
const personParams = Type.Object({ name: Type.String({ description: "The person's name", examples: ["ada"] }) });
const personChannelParams = Type.Object({
  ...personParams.properties,
  channel: Type.String({ description: "The channel's id" }),
});
const seenParams = Type.Object({
  message: Type.String({ description: "The message's id, as the browser was sent it" }),
});

interface NotificationsRoute {
  Querystring: Type.Static<typeof listQuery>;
}
interface WhoseParams {
  Params: { name: string };
}

/** Notifications and their lives: one's own, and for administrators everybody's; who is told when nobody acknowledges. */
export function registerNotificationsApi(app: FastifyInstance, parts: NotificationParts): void {
  const { people } = parts;
  const { channels, notifier, canMail, pushPublicKey, journal, store } = parts.notifications;
  const route = (role: "viewer" | "admin") => (about: Omit<RouteDefinition, "role" | "tag">) =>
    defineRoute({ ...about, tag: "Notifications", role, ...(role === "viewer" && { onRequest: beSomebody }) });
  const [own, admin] = [route("viewer"), route("admin")];

  app.get<NotificationsRoute>(
    `${paths.api}/me/notifications`,
    own({ summary: "What you were told, and what became of it", querystring: listQuery, answer: notificationsSchema }),
    (request, reply) => list(request, reply, personOf(request)),
  );

  app.post<{ Params: { message: string } }>(
    `${paths.api}/me/notifications/:message/seen`,
    own({
      summary: "The browser has shown a message",
      params: seenParams,
      answer: notificationSchema,
      errors: [404],
    }),
    async (request, reply) => {
      const person = personOf(request);
      const newest = await store.list({ person, limit: 200, before: null });
      const found = newest.find(({ record }) => record.messageId === request.params.message)?.record;
      if (found === undefined) return sendRefusal(reply, refuse("not_found", "You were sent no such message of late."));
      if (found.status !== "delivered") return notificationBody(found);
      const seen = { ...found, status: "seen" as const };
      journal.save({ table: "notification", id: found.notificationId, record: seen });
      return notificationBody(seen);
    },
  );

  app.get<NotificationsRoute>(
    `${paths.api}/notifications`,
    admin({ summary: "What everybody was told", querystring: listQuery, answer: notificationsSchema }),
    (request, reply) => list(request, reply, null),
  );

  app.get(
    `${paths.api}/notifications/failing`,
    admin({ summary: "Channels by which somebody cannot be told", answer: failingChannelsSchema }),
    () => ({
      channels: [...channels.all()]
        .filter(({ fault }) => fault !== null)
        .map((channel) => ({
          person: channel.person.name,
          ...channelBody(channel, notifier.waitingCount(channel.channelId)),
        })),
    }),
  );

  app.get<WhoseParams & NotificationsRoute>(
    `${paths.api}/people/:name/notifications`,
    admin({
      summary: "What somebody was told",
      params: personParams,
      querystring: listQuery,
      answer: notificationsSchema,
      errors: [404],
    }),
    (request, reply) => {
      const person = requesterOf(request.params.name);
      return isRefusal(person) ? sendRefusal(reply, person) : list(request, reply, person);
    },
  );

  app.get<WhoseParams>(
    `${paths.api}/people/:name/channels`,
    admin({ summary: "By what somebody is told", params: personParams, answer: channelsSchema, errors: [404] }),
    ({ params }, reply) => {
      const person = requesterOf(params.name);
      if (isRefusal(person)) return sendRefusal(reply, person);
      const bodies = channels
        .of(person)
        .map((channel) => channelBody(channel, notifier.waitingCount(channel.channelId)));
      return { channels: bodies, can_mail: canMail, push_public_key: pushPublicKey };
    },
  );

  app.post<{ Params: { name: string; channel: string } }>(
    `${paths.api}/people/:name/channels/:channel/test`,
    admin({
      summary: "Send somebody a test",
      params: personChannelParams,
      answer: notificationSchema,
      status: 202,
      errors: [404, 429],
    }),
    async (request, reply) => {
      const { name, channel: channelId } = request.params;
      const person = requesterOf(name);
      const found = isRefusal(person) ? person : channels.of(person).find((each) => each.channelId === channelId);
      if (found === undefined) return sendRefusal(reply, refuse("not_found", "They have no such channel."));
      if (isRefusal(found)) return sendRefusal(reply, found);
      const entry = { action: "channel.test", target: name, detail: { channel: found.name } };
      const sent = await auditedAndStored(parts, request, entry, () => notifier.test(found));
      return isRefusal(sent) ? sendRefusal(reply, sent) : reply.code(202).send(notificationBody(sent));
    },
  );

  app.get(
    `${paths.api}/escalation`,
    admin({ summary: "Who is told when nobody acknowledges", answer: escalationSchema }),
    () => ({ steps: notifier.escalation }),
  );

  app.put<{ Body: EscalationBody }>(
    `${paths.api}/escalation`,
    admin({
      summary: "Set who is told when nobody acknowledges",
      description: "Alarms that have been open for longer than a step says are told at once.",
      body: escalationSchema,
      answer: escalationSchema,
      errors: [404],
    }),
    async (request, reply) => {
      const { steps } = request.body;
      const unknown = steps.find(({ person }) => people.find(person) === undefined);
      if (unknown !== undefined) return sendRefusal(reply, unknownPerson(unknown.person));
      const entry = { action: "escalation.set", detail: { steps } };
      const set = await auditedAndStored(parts, request, entry, () => {
        notifier.setEscalation(steps);
        return { steps };
      });
      return isRefusal(set) ? sendRefusal(reply, set) : set;
    },
  );

  function requesterOf(name: string): Requester | Refusal {
    const person: Person | undefined = people.find(name);
    if (person === undefined) return unknownPerson(name);
    return { kind: "person", name: person.name, sinceMs: person.createdAtMs };
  }

  async function list(request: FastifyRequest, reply: FastifyReply, person: Requester | null) {
    const { limit, cursor } = request.query as NotificationsRoute["Querystring"];
    const place = cursor === undefined ? { before: null } : readPlace(cursor);
    if (place === null) return sendRefusal(reply, refuse("invalid_cursor"));
    await journal.settle();
    const found = await store.list({ person, limit, before: place.before });
    const last = found.at(-1);
    const body: NotificationsBody = {
      notifications: found.map(({ record }) => notificationBody(record)),
      next_cursor: last === undefined || found.length < limit ? null : writeCursor({ before: last.number }),
    };
    return body;
  }
}
