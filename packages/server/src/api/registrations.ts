import {
  deviceSchema,
  devicesSchema,
  isRefusal,
  type NewDeviceBody,
  newDeviceSchema,
  paths,
  provisionedSchema,
  refuse,
} from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { visitInSlices } from "../base/time-slices.ts";
import type { Device } from "../devices/device-registry.ts";
import { audited } from "../http/access-guard.ts";
import { cursorReader, writeCursor } from "../http/cursor.ts";
import { defineRoute, deviceParams } from "../http/define-route.ts";
import { sendPage, writePage } from "../http/json-page.ts";
import { sendRefusal } from "../http/problem.ts";
import { registerBulkDevicesApi } from "./bulk-devices.ts";
import { deviceBody, provisionedBody } from "./device-bodies.ts";
import { type DeviceParams, visibleDevices } from "./device-lookup.ts";
import { registerDeviceTokensApi } from "./device-tokens.ts";
import { administrativeRoute, type RegistrationParts } from "./registration-parts.ts";

const pageMax = 1_000;

const deviceChangeSchema = Type.Object(
  {
    name: Type.Optional(Type.String({ description: "What people call it" })),
    properties: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]), {
        description: "Those named are set, or taken away by null; the others stay",
      }),
    ),
  },
  { additionalProperties: false },
);
const devicesQuery = Type.Object(
  {
    online: Type.Optional(Type.Boolean({ description: "Only those that are connected, or only those that are not" })),
    q: Type.Optional(
      Type.String({ description: "Only those with this in their id or name, in any case", maxLength: 120 }),
    ),
    property: Type.Optional(
      Type.String({
        pattern: "^[a-z][a-z0-9_]*:",
        description: "Only those with this property",
        examples: ["country:SE"],
      }),
    ),
    limit: Type.Integer({ minimum: 1, maximum: pageMax, default: 100, description: "Devices a page, at most" }),
    cursor: Type.Optional(Type.String({ description: "`next_cursor` of the page before", maxLength: 500 })),
  },
  { additionalProperties: false },
);
const readPlace = cursorReader(Type.Object({ after: Type.String() }, { additionalProperties: false }));

/** `/api/v1/devices`: the registrations, for whoever may see the devices, and what administrators do with them. */
export function registerRegistrationsApi(app: FastifyInstance, parts: RegistrationParts): void {
  registerDeviceList(app, parts);
  registerDeviceChanges(app, parts);
  registerDeviceTokensApi(app, parts);
  registerBulkDevicesApi(app, parts);
}

function registerDeviceList(app: FastifyInstance, parts: RegistrationParts): void {
  const { live } = parts;
  app.get<{ Querystring: Type.Static<typeof devicesQuery> }>(
    `${paths.api}/devices`,
    defineRoute({
      tag: "Devices",
      role: "viewer",
      summary: "Devices, page by page, by id",
      querystring: devicesQuery,
      answer: devicesSchema,
    }),
    async (request, reply) => {
      const { online, q, property, limit, cursor } = request.query;
      const place = cursor === undefined ? { after: "" } : readPlace(cursor);
      if (place === null) return sendRefusal(reply, refuse("invalid_cursor"));
      const text = q?.toLowerCase();
      const [key = "", value] = property === undefined ? [] : splitOnce(property, ":");
      const isAsked = ({ deviceId, name, properties }: Device): boolean =>
        (online === undefined || live.isOnline(deviceId) === online) &&
        (text === undefined || deviceId.toLowerCase().includes(text) || name.toLowerCase().includes(text)) &&
        (value === undefined || properties[key] === value);
      const found: Device[] = [];
      // One more than the page has tells whether there are more; a page is cut by its bytes as well.
      await visitInSlices(visibleDevices(parts, request, place.after), (device) => {
        if (isAsked(device)) found.push(device);
        return found.length <= limit;
      });
      const page = await writePage(found, limit, (device) => deviceBody(device, live.isOnline(device.deviceId)));
      const next = page.isMore ? writeCursor({ after: page.last?.deviceId ?? "" }) : null;
      return sendPage(reply, "devices", page, { next_cursor: next });
    },
  );
}

function registerDeviceChanges(app: FastifyInstance, parts: RegistrationParts): void {
  const { apiTokens, devices, live, log, people, shareLinks } = parts;

  app.post<{ Body: NewDeviceBody }>(
    `${paths.api}/devices`,
    administrativeRoute({
      summary: "Register a device",
      body: newDeviceSchema,
      answer: provisionedSchema,
      status: 201,
      errors: [409],
    }),
    (request, reply) => {
      const { device_id: deviceId, keep_history: keepHistory, ...rest } = request.body;
      const entry = { action: "device.add", deviceId, ...(keepHistory && { detail: { keep_history: keepHistory } }) };
      const added = audited(parts, request, entry, () => devices.add({ deviceId, keepHistory, ...rest }));
      if (isRefusal(added)) return sendRefusal(reply, added);
      live.changed(deviceId);
      log.info({ device_id: deviceId }, "device added");
      return reply.code(201).send(provisionedBody(added));
    },
  );

  app.patch<DeviceParams & { Body: Type.Static<typeof deviceChangeSchema> }>(
    `${paths.api}/devices/:id`,
    administrativeRoute({
      summary: "Change a device's name or properties",
      params: deviceParams,
      body: deviceChangeSchema,
      answer: deviceSchema,
      errors: [404],
    }),
    (request, reply) => {
      const { id: deviceId } = request.params;
      const entry = { action: "device.change", deviceId, detail: request.body };
      const changed = audited(parts, request, entry, () => devices.change(deviceId, request.body));
      if (isRefusal(changed)) return sendRefusal(reply, changed);
      live.changed(deviceId);
      return deviceBody(changed, live.isOnline(deviceId));
    },
  );

  app.delete<DeviceParams>(
    `${paths.api}/devices/:id`,
    administrativeRoute({
      summary: "Forget a device",
      description:
        "Its samples stay in the store and are not shown any more. A device that is registered under its id later begins anew, unless `keep_history` says otherwise.",
      params: deviceParams,
      answer: deviceSchema,
      errors: [404],
    }),
    (request, reply) => {
      const { id: deviceId } = request.params;
      const removed = audited(parts, request, { action: "device.remove", deviceId }, () => devices.remove(deviceId));
      if (isRefusal(removed)) return sendRefusal(reply, removed);
      live.tokenChanged(removed.deviceId, "removed with its device");
      for (const rights of [people, apiTokens, shareLinks]) rights.forgetDevice(removed.deviceId);
      live.removed(removed);
      return deviceBody(removed, false);
    },
  );
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + separator.length)];
}
