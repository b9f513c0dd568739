import {
  newShareLinkSchema,
  paths,
  refuse,
  type ShareLinkBody,
  shareLinkSchema,
  shareLinksSchema,
} from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import { writeCookie } from "../access/cookies.ts";
import { type ShareLink, shareTtlMsMax, shareTtlMsMin } from "../access/share-links.ts";
import { auditEntry, audited, auditedRevocation } from "./access-guard.ts";
import { describeRoute, deviceParams, type RouteDescription } from "./openapi.ts";
import type { PeopleParts } from "./people-api.ts";
import { sendRefusal } from "./problem.ts";
import { isoTime } from "./range.ts";

const newShareSchema = Type.Object(
  {
    label: Type.String({ maxLength: 320, description: "For whom it is" }),
    ttl_ms: Type.Integer({ minimum: shareTtlMsMin, maximum: shareTtlMsMax, description: "How long it holds, ms" }),
  },
  { additionalProperties: false },
);
const secretSchema = Type.Object({ token: Type.String({ maxLength: 256 }) }, { additionalProperties: false });

const shareParams = Type.Object({ ...deviceParams.properties, share: Type.String({ description: "The link's id" }) });

interface ShareParams {
  Params: { id: string; share: string };
}

/** Read-only links to single devices: made, listed and revoked by those who may command the device, opened by whoever has one. */
export function registerShareApi(app: FastifyInstance, parts: PeopleParts): void {
  const { audit, devices, gate, shareLinks, signIn, throttle } = parts;

  /** Who may not see the device is told the same as where there is none. */
  const mayShare = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { principal, params } = request;
    const { id: deviceId } = params as { id: string };
    if (principal === null) return void (await sendRefusal(reply, refuse("unauthorized")));
    if (!gate.mayView(principal, deviceId) || devices.find(deviceId) === undefined) {
      return void (await sendRefusal(reply, refuse("unknown_device")));
    }
    if (!gate.mayCommand(principal, deviceId)) {
      await sendRefusal(reply, refuse("not_permitted", "Who may command the device may share it."));
    }
  };

  /** Who asks is known, and may command the device: `mayShare` judges both. */
  const sharing = (about: Omit<RouteDescription, "role" | "tag">) =>
    describeRoute({
      params: deviceParams,
      ...about,
      tag: "Sharing",
      role: "viewer",
      onRequest: mayShare,
      errors: [404],
    });

  app.get<ShareParams>(
    `${paths.api}/devices/:id/share-links`,
    sharing({ summary: "The links to a device that hold", answer: shareLinksSchema }),
    ({ params }) => ({
      share_links: shareLinks.of(params.id).map(shareLinkBody),
    }),
  );

  app.post<ShareParams & { Body: Type.Static<typeof newShareSchema> }>(
    `${paths.api}/devices/:id/share-links`,
    sharing({
      summary: "Make a link to look at a device",
      body: newShareSchema,
      answer: newShareLinkSchema,
      status: 201,
    }),
    (request, reply) => {
      const { id: deviceId } = request.params;
      const { label, ttl_ms: ttlMs } = request.body;
      const entry = { action: "share_link.add", deviceId, target: label, detail: { ttl_ms: ttlMs } };
      const added = audited(parts, request, entry, () =>
        shareLinks.add(deviceId, { label, ttlMs, createdBy: request.principal?.name ?? "" }),
      );
      if ("code" in added) return sendRefusal(reply, added);
      return reply.code(201).send({ share_link: shareLinkBody(added.link), path: added.path });
    },
  );

  app.delete<ShareParams>(
    `${paths.api}/devices/:id/share-links/:share`,
    sharing({ summary: "Revoke a link", params: shareParams, answer: shareLinkSchema }),
    (request, reply) => {
      const { id: deviceId, share } = request.params;
      const revoked = auditedRevocation(parts, request, { action: "share_link.revoke", deviceId, target: share }, () =>
        shareLinks.revoke(deviceId, share),
      );
      return "code" in revoked ? sendRefusal(reply, revoked) : shareLinkBody(revoked);
    },
  );

  /** Opens a link: its secret comes in the body, never in an address, and goes on in a cookie that scripts cannot read. */
  app.post<{ Body: Type.Static<typeof secretSchema> }>(
    `${paths.api}/share-session`,
    describeRoute({
      tag: "Sharing",
      role: null,
      summary: "Open a share link in this browser",
      body: secretSchema,
      answer: shareLinkSchema,
      errors: [404, 429],
    }),
    (request, reply) => {
      const opened = shareLinks.open(request.body.token, gate.shareSessionOf(request.raw));
      const address = gate.addressOf(request.raw);
      if ("code" in opened) {
        signIn.noteFailure(address);
        return sendRefusal(reply, opened);
      }
      const { link, cookie, session } = opened;
      if (throttle.pass(`share ${link.shareId} ${address}`) !== null) {
        const { deviceId, label: target } = link;
        audit.record(auditEntry(gate, request, { action: "share_link.open", deviceId, target }));
      }
      const ttlMs = session.expiresAtMs - parts.clock.wallMs();
      reply.header("Set-Cookie", writeCookie("share", cookie, gate.hasSecureCookies(request.raw), ttlMs));
      return shareLinkBody(link);
    },
  );
}

function shareLinkBody({ shareId, deviceId, label, createdBy, createdAtMs, expiresAtMs }: ShareLink): ShareLinkBody {
  return {
    share_id: shareId,
    device_id: deviceId,
    label,
    created_by: createdBy,
    created_at: isoTime(createdAtMs),
    expires_at: isoTime(expiresAtMs),
  };
}
