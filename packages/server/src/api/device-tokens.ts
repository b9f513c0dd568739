import {
  deviceSchema,
  isRefusal,
  overlapSDefault,
  paths,
  type RotateBody,
  type RotatedBody,
  type RotationBody,
  refuse,
  rotatedSchema,
  rotateSchema,
  rotationsSchema,
} from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { audited, auditedRevocation } from "../http/access-guard.ts";
import { cursorReader, writeCursor } from "../http/cursor.ts";
import { deviceParams } from "../http/define-route.ts";
import { sendPage, writePage } from "../http/json-page.ts";
import { sendRefusal } from "../http/problem.ts";
import { deviceBody, rotationBody } from "./device-bodies.ts";
import type { DeviceParams } from "./device-lookup.ts";
import { administrativeRoute, type RegistrationParts } from "./registration-parts.ts";

const pageMax = 1_000;
const rotationsQuery = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: pageMax, default: 100, description: "Rotations a page, at most" }),
    cursor: Type.Optional(Type.String({ description: "`next_cursor` of the page before", maxLength: 500 })),
  },
  { additionalProperties: false },
);
const readPlace = cursorReader(Type.Object({ after: Type.String() }, { additionalProperties: false }));

/** Giving one device a new token, with the one before beside it for some time or not, and taking it back. */
export function registerDeviceTokensApi(app: FastifyInstance, parts: RegistrationParts): void {
  const { devices, live } = parts;
  const rotationOf = (deviceId: string) => rotationBody(devices, deviceId, live.handoverOf(deviceId));

  app.post<DeviceParams & { Body: RotateBody }>(
    `${paths.api}/devices/:id/rotate`,
    administrativeRoute({
      summary: "Give a device a new token",
      description:
        "The one before holds for `overlap_s` more, and ends as soon as the device has come with the new one. Devices that take tokens (`takes_tokens` in their hello) get it over their link, also when they come later within the overlap.",
      params: deviceParams,
      body: rotateSchema,
      answer: rotatedSchema,
      errors: [404, 409],
    }),
    (request, reply) => {
      const { id: deviceId } = request.params;
      const { token, overlap_s: overlapS = overlapSDefault } = request.body;
      const rotated = audited(parts, request, { action: "device.rotate", deviceId, detail: { overlapS } }, () =>
        devices.rotate(deviceId, token, overlapS * 1_000),
      );
      if (isRefusal(rotated)) return sendRefusal(reply, rotated);
      if (devices.rotations.find(deviceId) === undefined) live.tokenChanged(deviceId, "rotated");
      else live.rotated([deviceId]);
      const body: RotatedBody = { device_id: deviceId, token: rotated.token, rotation: rotationOf(deviceId) };
      return body;
    },
  );

  app.post<DeviceParams>(
    `${paths.api}/devices/:id/revoke`,
    administrativeRoute({
      summary: "Void a device's token, and those of before that still hold",
      params: deviceParams,
      answer: deviceSchema,
      errors: [404],
    }),
    (request, reply) => {
      const { id: deviceId } = request.params;
      const revoked = auditedRevocation(parts, request, { action: "device.revoke", deviceId }, () =>
        devices.revoke(deviceId),
      );
      if (isRefusal(revoked)) return sendRefusal(reply, revoked);
      live.tokenChanged(revoked.deviceId, "revoked");
      return deviceBody(revoked, false);
    },
  );

  app.get<{ Querystring: Type.Static<typeof rotationsQuery> }>(
    `${paths.api}/token-rotations`,
    administrativeRoute({
      summary: "Devices that have not come with their new token yet, page by page, by id",
      querystring: rotationsQuery,
      answer: rotationsSchema,
    }),
    async (request, reply) => {
      const { limit, cursor } = request.query;
      const place = cursor === undefined ? { after: "" } : readPlace(cursor);
      if (place === null) return sendRefusal(reply, refuse("invalid_cursor"));
      const found = devices.rotations
        .ids()
        .filter((deviceId) => deviceId > place.after)
        .map(rotationOf)
        .filter((each): each is RotationBody => each !== null);
      const page = await writePage(found, limit, (each) => each);
      return sendPage(reply, "rotations", page, {
        next_cursor: page.isMore ? writeCursor({ after: page.last?.device_id ?? "" }) : null,
      });
    },
  );
}
