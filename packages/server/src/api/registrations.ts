import { deviceSchema, devicesSchema, paths, provisionedSchema, refuse } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import type { ApiTokens } from "../access/api-tokens.ts";
import type { Audit } from "../access/audit/audit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import type { People } from "../access/people.ts";
import type { Revocations } from "../access/revocations.ts";
import type { ShareLinks } from "../access/share-links.ts";
import { visitInSlices } from "../base/time-slices.ts";
import type { Device, DeviceRegistry } from "../devices/device-registry.ts";
import { audited, auditedRevocation } from "../http/access-guard.ts";
import { cursorReader, writeCursor } from "../http/cursor.ts";
import { defineRoute, deviceParams, type RouteDefinition } from "../http/define-route.ts";
import { sendPage, writePage } from "../http/json-page.ts";
import { sendRefusal } from "../http/problem.ts";
import type { Log } from "../observe/log.ts";
import { deviceBody, provisionedBody } from "./device-bodies.ts";
import { visibleDevices } from "./device-lookup.ts";
import type { LiveDevices } from "./live-devices.ts";

export interface RegistrationParts {
  readonly apiTokens: ApiTokens;
  readonly audit: Audit;
  readonly authorizer: Authorizer;
  readonly devices: DeviceRegistry;
  readonly live: LiveDevices;
  readonly log: Log;
  readonly people: People;
  readonly revocations: Revocations;
  readonly shareLinks: ShareLinks;
}

const pageMax = 1_000;

// Types only: what a name, a property or a token may be is judged where they are kept, for the command line as well.
const newDeviceSchema = Type.Object(
  {
    device_id: Type.String({
      description: "1 to 64 of A-Z a-z 0-9 _ . -, first a letter or digit",
      examples: ["ems_001"],
    }),
    name: Type.Optional(Type.String({ description: "What people call it; left out: its id" })),
    properties: Type.Optional(
      Type.Record(Type.String(), Type.String(), { examples: [{ country: "AT", time_zone: "Europe/Vienna" }] }),
    ),
    token: Type.Optional(Type.String({ description: "A token of your own; left out: one is made" })),
    keep_history: Type.Optional(
      Type.Union([Type.Boolean(), Type.Integer({ minimum: 1 })], {
        description:
          "Where a device of this id was removed before: it is the same, and goes on under its last registration, or the one of this number (`former_registration`). Left out: the device begins anew",
      }),
    ),
  },
  { additionalProperties: false },
);
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
const newTokenSchema = Type.Object(
  { token: Type.Optional(Type.String({ description: "A token of your own; left out: one is made" })) },
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

interface DeviceParams {
  Params: { id: string };
}

/** `/api/v1/devices`: the registrations, for whoever may see the devices, and what administrators do with them. */
export function registerRegistrationsApi(app: FastifyInstance, parts: RegistrationParts): void {
  registerDeviceList(app, parts);
  registerDeviceChanges(app, parts);
  registerDeviceTokens(app, parts);
}

const admin = (about: Omit<RouteDefinition, "role" | "tag">) =>
  defineRoute({ ...about, role: "admin", tag: "Administration" });

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

  app.post<{ Body: Type.Static<typeof newDeviceSchema> }>(
    `${paths.api}/devices`,
    admin({
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
      if ("code" in added) return sendRefusal(reply, added);
      live.changed(deviceId);
      log.info({ device_id: deviceId }, "device added");
      return reply.code(201).send(provisionedBody(added));
    },
  );

  app.patch<DeviceParams & { Body: Type.Static<typeof deviceChangeSchema> }>(
    `${paths.api}/devices/:id`,
    admin({
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
      if ("code" in changed) return sendRefusal(reply, changed);
      live.changed(deviceId);
      return deviceBody(changed, live.isOnline(deviceId));
    },
  );

  app.delete<DeviceParams>(
    `${paths.api}/devices/:id`,
    admin({
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
      if ("code" in removed) return sendRefusal(reply, removed);
      live.tokenChanged(removed.deviceId, "removed with its device");
      for (const rights of [people, apiTokens, shareLinks]) rights.forgetDevice(removed.deviceId);
      live.removed(removed);
      return deviceBody(removed, false);
    },
  );
}

function registerDeviceTokens(app: FastifyInstance, parts: RegistrationParts): void {
  const { devices, live } = parts;

  app.post<DeviceParams & { Body: Type.Static<typeof newTokenSchema> | undefined }>(
    `${paths.api}/devices/:id/rotate`,
    admin({
      summary: "Give a device a new token; the old one is void at once",
      params: deviceParams,
      body: newTokenSchema,
      answer: provisionedSchema,
      errors: [404],
    }),
    (request, reply) => {
      const { id: deviceId } = request.params;
      const rotated = audited(parts, request, { action: "device.rotate", deviceId }, () =>
        devices.rotate(deviceId, request.body?.token),
      );
      if ("code" in rotated) return sendRefusal(reply, rotated);
      live.tokenChanged(rotated.device.deviceId, "rotated");
      return provisionedBody(rotated);
    },
  );

  app.post<DeviceParams>(
    `${paths.api}/devices/:id/revoke`,
    admin({ summary: "Void a device's token", params: deviceParams, answer: deviceSchema, errors: [404] }),
    (request, reply) => {
      const { id: deviceId } = request.params;
      const revoked = auditedRevocation(parts, request, { action: "device.revoke", deviceId }, () =>
        devices.revoke(deviceId),
      );
      if ("code" in revoked) return sendRefusal(reply, revoked);
      live.tokenChanged(revoked.deviceId, "revoked");
      return deviceBody(revoked, false);
    },
  );
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + separator.length)];
}
