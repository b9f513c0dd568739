import {
  allShareLinksSchema,
  isRefusal,
  newShareLinkSchema,
  paths,
  refuse,
  type ShareLinkBody,
  shareLinkSchema,
  shareLinksSchema,
} from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import { addressPrefix } from "../access/address-prefix.ts";
import { writeCookie } from "../access/cookies.ts";
import { hasRole, type Principal, requesterOf } from "../access/principal.ts";
import { type ShareLink, shareTtlMsMax, shareTtlMsMin } from "../access/share-links.ts";
import { isoTime } from "../base/iso-time.ts";
import { isSameRequester } from "../base/requester.ts";
import { auditEntry, audited, auditedRevocation } from "../http/access-guard.ts";
import { cursorReader, writeCursor } from "../http/cursor.ts";
import { defineRoute, deviceParams, type RouteDefinition } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import type { PeopleParts } from "./people.ts";
import { sendSignInRefusal } from "./sign-in.ts";

const newShareSchema = Type.Object(
  {
    label: Type.String({ maxLength: 320, description: "For whom it is" }),
    ttl_ms: Type.Integer({ minimum: shareTtlMsMin, maximum: shareTtlMsMax, description: "How long it holds, ms" }),
  },
  { additionalProperties: false },
);
const secretSchema = Type.Object({ token: Type.String({ maxLength: 256 }) }, { additionalProperties: false });

const pageMax = 1_000;
const allQuery = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: pageMax, default: 100, description: "Links a page, at most" }),
    cursor: Type.Optional(Type.String({ description: "`next_cursor` of the page before", maxLength: 500 })),
  },
  { additionalProperties: false },
);
const readPlace = cursorReader(Type.Object({ after: Type.String() }, { additionalProperties: false }));

const shareParams = Type.Object({ ...deviceParams.properties, share: Type.String({ description: "The link's id" }) });

interface ShareParams {
  Params: { id: string; share: string };
}

/** Read-only links to single devices: made, listed and revoked by those who may command the device, opened by whoever has one. */
export function registerShareApi(app: FastifyInstance, parts: PeopleParts): void {
  const { audit, devices, authorizer, publicUrl, shareLinks, signIn, throttle } = parts;

  /** Who may not see the device is told the same as where there is none. */
  const mayShare = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { principal, params } = request;
    const { id: deviceId } = params as { id: string };
    if (principal === null) return void (await sendRefusal(reply, refuse("unauthorized")));
    if (!authorizer.mayView(principal, deviceId) || devices.find(deviceId) === undefined) {
      return void (await sendRefusal(reply, refuse("unknown_device")));
    }
    if (!authorizer.mayCommand(principal, deviceId)) {
      await sendRefusal(reply, refuse("not_permitted", "Who may command the device may share it."));
    }
  };

  /** Who asks is known, and may command the device: `mayShare` judges both. */
  const sharing = (about: Omit<RouteDefinition, "role" | "tag">) =>
    defineRoute({
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
      share_links: shareLinks.of(params.id).map((link) => shareLinkBody(link)),
    }),
  );

  app.get<{ Querystring: Type.Static<typeof allQuery> }>(
    `${paths.api}/share-links`,
    defineRoute({
      tag: "Sharing",
      role: "operator",
      summary: "Share links in one place, page by page: all for administrators, for others those that they made",
      querystring: allQuery,
      answer: allShareLinksSchema,
    }),
    ({ principal, query }, reply) => {
      const place = query.cursor === undefined ? { after: "" } : readPlace(query.cursor);
      if (place === null) return sendRefusal(reply, refuse("invalid_cursor"));
      // Operators are known.
      const requester = requesterOf(principal as Principal);
      const isListed = ({ shareId, madeBy }: ShareLink): boolean =>
        shareId > place.after && (hasRole(principal, "admin") || isSameRequester(madeBy, requester));
      const found = shareLinks
        .current()
        .filter(isListed)
        .sort((one, other) => (one.shareId < other.shareId ? -1 : 1));
      const page = found.slice(0, query.limit);
      return {
        share_links: page.map((link) => shareLinkBody(link)),
        next_cursor: found.length > page.length ? writeCursor({ after: page.at(-1)?.shareId ?? "" }) : null,
      };
    },
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
        shareLinks.add(deviceId, { label, ttlMs, madeBy: requesterOf(request.principal as Principal) }),
      );
      if (isRefusal(added)) return sendRefusal(reply, added);
      const { path } = added;
      const url = publicUrl === null ? null : publicUrl + path;
      return reply.code(201).send({ share_link: shareLinkBody(added.link), path, url });
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
      return isRefusal(revoked) ? sendRefusal(reply, revoked) : shareLinkBody(revoked);
    },
  );

  /** Opens a link: its secret comes in the body, never in an address, and goes on in a cookie that scripts cannot read. */
  app.post<{ Body: Type.Static<typeof secretSchema> }>(
    `${paths.api}/share-session`,
    defineRoute({
      tag: "Sharing",
      role: null,
      summary: "Open a share link in this browser",
      body: secretSchema,
      answer: shareLinkSchema,
      errors: [404, 429],
    }),
    (request, reply) => {
      const address = authorizer.addressOf(request.raw);
      const limited = signIn.takeOpening(address);
      if (limited !== null) return sendSignInRefusal(reply, limited);
      const opened = shareLinks.open(request.body.token, {
        before: authorizer.readCookie(request.raw, "share"),
        address: addressPrefix(address),
      });
      if (isRefusal(opened)) {
        signIn.noteFailure(authorizer.signInSourceOf(request.raw));
        return sendRefusal(reply, opened);
      }
      const { link, cookie, session } = opened;
      if (throttle.pass(`share ${link.shareId} ${addressPrefix(address)}`) !== null) {
        const { deviceId, label: target } = link;
        audit.record(auditEntry(authorizer, request, { action: "share_link.open", deviceId, target }));
      }
      const ttlMs = session.expiresAtMs - parts.clock.wallMs();
      reply.header("Set-Cookie", writeCookie("share", cookie, authorizer.hasSecureCookies(request.raw), ttlMs));
      return shareLinkBody(link, authorizer.mayViewNames(request.principal));
    },
  );
}

function shareLinkBody(
  { shareId, deviceId, label, madeBy, createdAtMs, expiresAtMs }: ShareLink,
  mayViewNames = true,
): ShareLinkBody {
  return {
    share_id: shareId,
    device_id: deviceId,
    label,
    created_by: mayViewNames ? madeBy.name : null,
    created_at: isoTime(createdAtMs),
    expires_at: isoTime(expiresAtMs),
  };
}
