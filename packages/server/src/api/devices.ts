import {
  apiTokensSchema,
  deviceDetailSchema,
  deviceSchema,
  devicesSchema,
  disconnects,
  eventsSchema,
  latestSchema,
  limits,
  newApiTokenSchema,
  parseRfc3339,
  paths,
  pointCatalogueSchema,
  points,
  provisionedSchema,
  refuse,
  removedApiTokenSchema,
} from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import type { ApiTokens } from "../access/api-tokens.ts";
import type { Audit } from "../access/audit/audit.ts";
import type { Outstanding } from "../access/outstanding.ts";
import type { People } from "../access/people.ts";
import { type Principal, requesterOf, roles } from "../access/principal.ts";
import type { Revocations } from "../access/revocations.ts";
import type { ShareLinks } from "../access/share-links.ts";
import { visitInSlices } from "../base/time-slices.ts";
import type { Dispatcher } from "../commands/dispatcher.ts";
import { type Device, isOwn } from "../devices/device-registry.ts";
import type { DeviceSessions } from "../devices/device-sessions.ts";
import type { DeviceStates } from "../devices/device-states.ts";
import type { Presence } from "../devices/presence.ts";
import { audited, auditedRevocation } from "../http/access-guard.ts";
import { cursorReader, writeCursor } from "../http/cursor.ts";
import { defineRoute, deviceParams, type RouteDefinition } from "../http/define-route.ts";
import { sendPage, writePage } from "../http/json-page.ts";
import { sendRefusal } from "../http/problem.ts";
import type { Events, RecordedEvent } from "../observe/events.ts";
import type { Log } from "../observe/log.ts";
import type { Store } from "../store/store.ts";
import type { FleetFeed } from "../telemetry/fleet-feed.ts";
import { apiTokenBody, detailBody, deviceBody, eventBody, latestBody, provisionedBody } from "./device-bodies.ts";
import { listDevices, lookUpDevice, visibleDevices } from "./device-lookup.ts";
import { registerFleetApi } from "./fleet.ts";
import { type HistoryParts, registerHistoryApi } from "./history.ts";
import { endOutstanding } from "./outstanding-end.ts";

export interface ApiParts extends HistoryParts {
  readonly apiTokens: ApiTokens;
  readonly audit: Audit;
  readonly commands: Dispatcher;
  readonly events: Events;
  readonly fleetFeed: FleetFeed;
  readonly latest: DeviceStates;
  readonly log: Log;
  readonly outstanding: Outstanding;
  readonly people: People;
  readonly presence: Presence;
  readonly registry: DeviceSessions;
  readonly revocations: Revocations;
  readonly shareLinks: ShareLinks;
  readonly store: Store;
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
      Type.Boolean({
        description:
          "Where a device of this id was removed before: show what it sent as this one's. Left out: the device begins anew",
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
const newApiTokenBodySchema = Type.Object(
  {
    name: Type.String({ examples: ["wallboard"] }),
    role: Type.Enum([...roles], { description: "What its bearer may do" }),
    // Absent: it does not expire. Null must not say so.
    ttl_ms: Type.Optional(
      Type.Integer({ minimum: 1_000, description: "How long it is valid, ms; left out: for ever" }),
    ),
    devices: Type.Optional(
      Type.Array(Type.String(), { description: "The devices that it is for; left out: all there are" }),
    ),
  },
  { additionalProperties: false },
);
const nameParams = Type.Object({ name: Type.String({ description: "The token's name", examples: ["wallboard"] }) });
const cursorProperty = Type.Optional(Type.String({ description: "`next_cursor` of the page before", maxLength: 500 }));
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
    cursor: cursorProperty,
  },
  { additionalProperties: false },
);
const eventsQuery = Type.Object(
  {
    device_id: Type.Optional(Type.String({ description: "Only of this device", maxLength: limits.deviceIdLengthMax })),
    kind: Type.Optional(Type.String({ description: "Only of this kind", maxLength: 64, examples: ["disconnected"] })),
    from: Type.Optional(Type.String({ description: "Only from this RFC 3339 time on" })),
    to: Type.Optional(Type.String({ description: "Only before this RFC 3339 time" })),
    limit: Type.Integer({ minimum: 1, maximum: pageMax, default: 100, description: "Events a page, at most" }),
    cursor: cursorProperty,
  },
  { additionalProperties: false },
);
const readDevicesPlace = cursorReader(Type.Object({ after: Type.String() }, { additionalProperties: false }));
const readEventsPlace = cursorReader(Type.Object({ before: Type.Integer() }, { additionalProperties: false }));

interface DeviceParams {
  Params: { id: string };
}

/** `/api/v1`: devices, what they sent, events, and the administration that the command line uses. */
export function registerDevicesApi(app: FastifyInstance, parts: ApiParts): void {
  const {
    apiTokens,
    clock,
    devices,
    events,
    fleetFeed,
    authorizer,
    latest,
    log,
    people,
    presence,
    registry,
    shareLinks,
  } = parts;
  const viewer = (about: Omit<RouteDefinition, "role">) => defineRoute({ ...about, role: "viewer" });
  const admin = (about: Omit<RouteDefinition, "role" | "tag">) =>
    defineRoute({ ...about, role: "admin", tag: "Administration" });
  const isOnline = (deviceId: string): boolean => registry.find(deviceId) !== undefined;

  /** Not of another device that had the id before. */
  const isOfPresent = ({ deviceId, atMs }: RecordedEvent): boolean =>
    deviceId === null || isOwn(devices.find(deviceId), atMs);

  /** A changed token ends the session that was opened with it. */
  const tokenChanged = (deviceId: string, what: string): void => {
    registry.disconnect(deviceId, disconnects.revoked);
    events.report("token_changed", deviceId, `the token of ${deviceId} was ${what}`);
  };

  registerHistoryApi(app, parts);
  registerFleetApi(app, parts);

  // What the catalogue says is open: it is the same everywhere.
  app.get(
    `${paths.api}/points`,
    defineRoute({
      tag: "Devices",
      role: null,
      summary: "The points that Wattboard knows by name",
      answer: pointCatalogueSchema,
    }),
    () => ({ points }),
  );

  app.get<{ Querystring: Type.Static<typeof devicesQuery> }>(
    `${paths.api}/devices`,
    viewer({
      tag: "Devices",
      summary: "Devices, page by page, by id",
      querystring: devicesQuery,
      answer: devicesSchema,
    }),
    async (request, reply) => {
      const { online, q, property, limit, cursor } = request.query;
      const place = cursor === undefined ? { after: "" } : readDevicesPlace(cursor);
      if (place === null) return sendRefusal(reply, refuse("invalid_cursor"));
      const text = q?.toLowerCase();
      const [key = "", value] = property === undefined ? [] : splitOnce(property, ":");
      const isAsked = ({ deviceId, name, properties }: Device): boolean =>
        (online === undefined || isOnline(deviceId) === online) &&
        (text === undefined || deviceId.toLowerCase().includes(text) || name.toLowerCase().includes(text)) &&
        (value === undefined || properties[key] === value);
      const found: Device[] = [];
      // One more than the page has tells whether there are more; a page is cut by its bytes as well.
      await visitInSlices(visibleDevices(parts, request, place.after), (device) => {
        if (isAsked(device)) found.push(device);
        return found.length <= limit;
      });
      const page = await writePage(found, limit, (device) => deviceBody(device, isOnline(device.deviceId)));
      const next = page.isMore ? writeCursor({ after: page.last?.deviceId ?? "" }) : null;
      return sendPage(reply, "devices", page, { next_cursor: next });
    },
  );

  app.get<DeviceParams>(
    `${paths.api}/devices/:id`,
    viewer({
      tag: "Devices",
      summary: "One device",
      params: deviceParams,
      answer: deviceDetailSchema,
      errors: [404],
    }),
    (request, reply) => {
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      const { deviceId } = device;
      const now = {
        session: registry.find(deviceId),
        offlineSinceMs: presence.offlineSinceMs(deviceId),
        state: latest.find(deviceId),
        nowMs: clock.wallMs(),
      };
      return detailBody(device, now, parts.timeZone);
    },
  );

  app.get<DeviceParams>(
    `${paths.api}/devices/:id/latest`,
    viewer({
      tag: "Devices",
      summary: "Its latest sample",
      params: deviceParams,
      answer: latestSchema,
      errors: [404],
    }),
    (request, reply) => {
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      const { deviceId } = device;
      return latestBody(device, {
        session: registry.find(deviceId),
        state: latest.find(deviceId),
        nowMs: clock.wallMs(),
      });
    },
  );

  app.get<{ Querystring: Type.Static<typeof eventsQuery> }>(
    `${paths.api}/events`,
    viewer({
      tag: "Events",
      summary: "Events, newest first, page by page",
      description:
        "The newest 100,000 are kept. Who has devices of their own sees the events of these; those of the server as a whole need the sight of all.",
      querystring: eventsQuery,
      answer: eventsSchema,
      timeoutMs: parts.queryMsMax,
    }),
    async (request, reply) => {
      const { device_id: deviceId, kind, from, to, limit, cursor } = request.query;
      const place = cursor === undefined ? {} : readEventsPlace(cursor);
      if (place === null) return sendRefusal(reply, refuse("invalid_cursor"));
      const fromMs = from === undefined ? undefined : parseRfc3339(from);
      const toMs = to === undefined ? undefined : parseRfc3339(to);
      if (Number.isNaN(fromMs) || Number.isNaN(toMs)) {
        return sendRefusal(
          reply,
          refuse("invalid_request", "from and to are RFC 3339 times, e.g. 2026-01-31T12:00:00Z."),
        );
      }
      const { principal } = request;
      let deviceIds: readonly string[] | undefined;
      if (deviceId !== undefined) deviceIds = authorizer.mayView(principal, deviceId) ? [deviceId] : [];
      else if (!authorizer.mayViewAll(principal))
        deviceIds = (await listDevices(parts, request)).map((each) => each.deviceId);
      const page = await events.list({ ...place, deviceIds, kind, fromMs, toMs, limit });
      // Each has some hundred bytes, so that a page is bounded by its rows.
      const written = await writePage(page.events.filter(isOfPresent), limit, eventBody);
      return sendPage(reply, "events", written, {
        next_cursor: page.next === null ? null : writeCursor({ before: page.next }),
        complete: page.isComplete,
      });
    },
  );

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
      const entry = { action: "device.add", deviceId, ...(keepHistory && { detail: { keep_history: true } }) };
      const added = audited(parts, request, entry, () => devices.add({ deviceId, keepHistory, ...rest }));
      if ("code" in added) return sendRefusal(reply, added);
      fleetFeed.markChanged(deviceId);
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
      fleetFeed.markChanged(deviceId);
      return deviceBody(changed, registry.find(deviceId) !== undefined);
    },
  );

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
      tokenChanged(rotated.device.deviceId, "rotated");
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
      tokenChanged(revoked.deviceId, "revoked");
      return deviceBody(revoked, false);
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
      tokenChanged(removed.deviceId, "removed with its device");
      for (const rights of [people, apiTokens, shareLinks]) rights.forgetDevice(removed.deviceId);
      latest.forget(removed.deviceId);
      parts.commands.forget(removed.deviceId);
      presence.forget(removed.deviceId);
      parts.store.forget([removed.deviceId]);
      fleetFeed.markRemoved(removed.deviceId);
      return deviceBody(removed, false);
    },
  );

  app.get(`${paths.api}/api-tokens`, admin({ summary: "API tokens", answer: apiTokensSchema }), async (_, reply) => {
    // A token may be for a whole fleet of devices, and names each.
    const page = await writePage(apiTokens.list(), Number.POSITIVE_INFINITY, apiTokenBody);
    return sendPage(reply, "api_tokens", page, {});
  });

  app.post<{ Body: Type.Static<typeof newApiTokenBodySchema> }>(
    `${paths.api}/api-tokens`,
    admin({
      summary: "Make an API token",
      body: newApiTokenBodySchema,
      answer: newApiTokenSchema,
      status: 201,
      errors: [409],
    }),
    (request, reply) => {
      const { name, role, ttl_ms: ttlMs = null, devices: given = null } = request.body;
      const detail = { role, ttl_ms: ttlMs, devices: given };
      const added = audited(parts, request, { action: "api_token.add", target: name, detail }, () =>
        apiTokens.add(name, role, ttlMs, given, requesterOf(request.principal as Principal)),
      );
      return "code" in added ? sendRefusal(reply, added) : reply.code(201).send(added);
    },
  );

  app.delete<{ Params: { name: string } }>(
    `${paths.api}/api-tokens/:name`,
    admin({
      summary: "Remove an API token, and end what rests on it",
      params: nameParams,
      answer: removedApiTokenSchema,
      errors: [404],
    }),
    (request, reply) => {
      const { name } = request.params;
      const removed = auditedRevocation(parts, request, { action: "api_token.remove", target: name }, () =>
        apiTokens.remove(name),
      );
      if ("code" in removed) return sendRefusal(reply, removed);
      return { ...apiTokenBody(removed), ended: endOutstanding(parts, request) };
    },
  );
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + separator.length)];
}
