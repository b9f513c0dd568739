import {
  type ChannelChangeBody,
  type ChannelsBody,
  channelChangeSchema,
  channelSchema,
  channelsSchema,
  isRefusal,
  madeChannelSchema,
  type NewChannelBody,
  type NotificationPreferencesBody,
  newChannelSchema,
  notificationPreferencesSchema,
  notificationSchema,
  paths,
  preferencesChangeSchema,
  type Refusal,
  refuse,
  verifyChannelSchema,
} from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import type { Requester } from "../base/requester.ts";
import { defineRoute, type RouteDefinition } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import type { NotifyChannel } from "../notify/records.ts";
import {
  addressOf,
  channelBody,
  defaultName,
  madeChannelBody,
  notificationBody,
  preferencesBody,
  scopeOf,
} from "./notify-bodies.ts";
import { auditedAndStored, type NotificationParts, personOf } from "./notify-parts.ts";

const channelParams = Type.Object({ channel: Type.String({ description: "The channel's id" }) });

interface ChannelParams {
  Params: { channel: string };
}

/** `/api/v1/me/channels`: by what somebody is told. A channel is its person's alone; administrators see whether it works (`people/{name}/channels`). */
export function registerChannelsApi(app: FastifyInstance, parts: NotificationParts): void {
  const { channels, notifier, verifications, canMail, pushPublicKey } = parts.notifications;
  const own = (about: Omit<RouteDefinition, "role" | "tag">) =>
    defineRoute({ ...about, tag: "Notifications", role: "viewer", onRequest: beSomebody });
  const ofOne = (about: Omit<RouteDefinition, "role" | "tag">) =>
    own({ ...about, params: channelParams, errors: [404, ...(about.errors ?? [])] });
  const caller = (request: FastifyRequest): Requester => personOf(request) as Requester;
  const bodyOf = (channel: NotifyChannel) => channelBody(channel, notifier.waitingCount(channel.channelId));
  const madeBody = (channel: NotifyChannel) => madeChannelBody(channel, notifier.waitingCount(channel.channelId));

  app.get(
    `${paths.api}/me/channels`,
    own({ summary: "By what you are told", answer: channelsSchema }),
    (request): ChannelsBody => ({
      channels: channels.of(caller(request)).map(bodyOf),
      can_mail: canMail,
      push_public_key: pushPublicKey,
    }),
  );

  app.post<{ Body: NewChannelBody }>(
    `${paths.api}/me/channels`,
    own({
      summary: "Be told by one thing more",
      description:
        "An e-mail address is sent a code, and nothing else until that is given to `verify`. The answer has the secret of a standard webhook, which is shown only this once.",
      body: newChannelSchema,
      answer: madeChannelSchema,
      status: 201,
      errors: [409, 429],
    }),
    async (request, reply) => {
      const { body } = request;
      if (body.kind === "email" && !canMail) {
        return sendRefusal(reply, refuse("invalid_request", "The server has no notify.smtp_url, so it sends no mail."));
      }
      const name = body.name ?? defaultName(body);
      const detail = { kind: body.kind, ...(body.kind === "webhook" && { preset: body.preset ?? "standard" }) };
      const made = await auditedAndStored(parts, request, { action: "channel.add", target: name, detail }, () =>
        channels.add(caller(request), { name, address: addressOf(body), scope: scopeOf(body) }),
      );
      if (isRefusal(made)) return sendRefusal(reply, made);
      const refusal = made.isVerified ? null : await verifications.send(made);
      if (refusal !== null) return sendRefusal(reply, refusal);
      return reply.code(201).send(madeBody(channels.find(made.channelId) ?? made));
    },
  );

  app.patch<ChannelParams & { Body: ChannelChangeBody }>(
    `${paths.api}/me/channels/:channel`,
    ofOne({ summary: "Change what is told there", body: channelChangeSchema, answer: channelSchema }),
    (request, reply) =>
      change(request, reply, "channel.change", (channel) => {
        const { name, ...scope } = request.body;
        return channels.change(channel, { ...(name !== undefined && { name }), scope: scopeOf(scope) });
      }),
  );

  app.delete<ChannelParams>(
    `${paths.api}/me/channels/:channel`,
    ofOne({ summary: "Be told there no more", answer: channelSchema }),
    (request, reply) =>
      change(request, reply, "channel.remove", (channel) => {
        channels.remove(channel);
        return channel;
      }),
  );

  app.post<ChannelParams>(
    `${paths.api}/me/channels/:channel/test`,
    ofOne({ summary: "Send a test there", answer: notificationSchema, status: 202, errors: [429] }),
    async (request, reply) => {
      const channel = find(request);
      const sent = isRefusal(channel) ? channel : notifier.test(channel);
      return isRefusal(sent) ? sendRefusal(reply, sent) : reply.code(202).send(notificationBody(sent));
    },
  );

  app.post<ChannelParams>(
    `${paths.api}/me/channels/:channel/verification`,
    ofOne({ summary: "Have another code sent to an e-mail address", answer: channelSchema, errors: [429] }),
    async (request, reply) => {
      const channel = find(request);
      if (isRefusal(channel)) return sendRefusal(reply, channel);
      if (channel.isVerified) return bodyOf(channel);
      const refusal = await verifications.send(channel);
      return refusal === null ? bodyOf(channels.find(channel.channelId) ?? channel) : sendRefusal(reply, refusal);
    },
  );

  app.post<ChannelParams & { Body: { code: string } }>(
    `${paths.api}/me/channels/:channel/verify`,
    ofOne({ summary: "Confirm an e-mail address", body: verifyChannelSchema, answer: channelSchema }),
    (request, reply) =>
      change(request, reply, "channel.verify", (channel) => channels.verify(channel, request.body.code)),
  );

  app.post<ChannelParams>(
    `${paths.api}/me/channels/:channel/rotate-secret`,
    ofOne({
      summary: "A new secret for a standard webhook",
      description: "For a day messages are signed with both, the old one and the new one.",
      answer: madeChannelSchema,
    }),
    async (request, reply) => {
      const found = find(request);
      if (isRefusal(found)) return sendRefusal(reply, found);
      const entry = { action: "channel.rotate_secret", target: found.name };
      const rotated = await auditedAndStored(parts, request, entry, () => channels.rotateSecret(found));
      return isRefusal(rotated) ? sendRefusal(reply, rotated) : madeBody(rotated);
    },
  );

  app.get(
    `${paths.api}/me/notification-preferences`,
    own({ summary: "When you are told", answer: notificationPreferencesSchema }),
    (request) => preferencesBody(channels.preferencesOf(caller(request))),
  );

  app.patch<{ Body: Partial<NotificationPreferencesBody> }>(
    `${paths.api}/me/notification-preferences`,
    own({ summary: "Change when you are told", body: preferencesChangeSchema, answer: notificationPreferencesSchema }),
    async (request, reply) => {
      const { time_zone: timeZone, quiet_hours: quietHours } = request.body;
      const changed = await auditedAndStored(parts, request, { action: "notification_preferences.change" }, () =>
        channels.changePreferences(caller(request), {
          ...(timeZone !== undefined && { timeZone }),
          ...(quietHours !== undefined && { quietHours }),
        }),
      );
      return isRefusal(changed) ? sendRefusal(reply, changed) : preferencesBody(changed);
    },
  );

  function find(request: FastifyRequest): NotifyChannel | Refusal {
    const { channel: channelId } = request.params as ChannelParams["Params"];
    const found = channels.of(caller(request)).find((channel) => channel.channelId === channelId);
    return found ?? refuse("not_found", "You have no such channel.");
  }

  async function change(
    request: FastifyRequest,
    reply: FastifyReply,
    action: string,
    act: (channel: NotifyChannel) => NotifyChannel | Refusal,
  ) {
    const found = find(request);
    if (isRefusal(found)) return sendRefusal(reply, found);
    const changed = await auditedAndStored(parts, request, { action, target: found.name }, () => act(found));
    notifier.lookAgain(found.channelId);
    return isRefusal(changed) ? sendRefusal(reply, changed) : bodyOf(changed);
  }
}

/** Tokens have no mailbox. */
export async function beSomebody(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (personOf(request) !== null) return;
  await sendRefusal(
    reply,
    refuse("unauthorized", "Channels belong to people: only somebody who is signed in has some."),
  );
}
