import {
  deviceDetailSchema,
  eventsSchema,
  isRefusal,
  latestSchema,
  limits,
  parseRfc3339,
  paths,
  pointCatalogueSchema,
  points,
  refuse,
} from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import type { DeviceSessions } from "../devices/device-sessions.ts";
import type { DeviceStates } from "../devices/device-states.ts";
import type { Presence } from "../devices/presence.ts";
import type { TokenHandover } from "../devices/token-handover.ts";
import { cursorReader, writeCursor } from "../http/cursor.ts";
import { defineRoute, deviceParams, type RouteDefinition } from "../http/define-route.ts";
import { sendPage, writePage } from "../http/json-page.ts";
import { sendRefusal } from "../http/problem.ts";
import type { Events, RecordedEvent } from "../observe/events.ts";
import { detailBody, eventBody, latestBody, rotationBody } from "./device-bodies.ts";
import { type DeviceParams, listDevices, lookUpDevice } from "./device-lookup.ts";
import { registerFleetApi } from "./fleet.ts";
import { type HistoryParts, registerHistoryApi } from "./history.ts";

export interface ApiParts extends HistoryParts {
  readonly events: Events;
  readonly handover: TokenHandover;
  readonly latest: DeviceStates;
  readonly presence: Presence;
  readonly registry: DeviceSessions;
}

const pageMax = 1_000;

const eventsQuery = Type.Object(
  {
    device_id: Type.Optional(Type.String({ description: "Only of this device", maxLength: limits.deviceIdLengthMax })),
    kind: Type.Optional(Type.String({ description: "Only of this kind", maxLength: 64, examples: ["disconnected"] })),
    from: Type.Optional(Type.String({ description: "Only from this RFC 3339 time on" })),
    to: Type.Optional(Type.String({ description: "Only before this RFC 3339 time" })),
    limit: Type.Integer({ minimum: 1, maximum: pageMax, default: 100, description: "Events a page, at most" }),
    cursor: Type.Optional(Type.String({ description: "`next_cursor` of the page before", maxLength: 500 })),
  },
  { additionalProperties: false },
);
const readEventsPlace = cursorReader(Type.Object({ before: Type.Integer() }, { additionalProperties: false }));

/** `/api/v1`: one device and what it sent last, its past, the fleet, and events. */
export function registerDevicesApi(app: FastifyInstance, parts: ApiParts): void {
  const { clock, devices, events, authorizer, latest, presence, registry } = parts;
  const viewer = (about: Omit<RouteDefinition, "role">) => defineRoute({ ...about, role: "viewer" });

  /** Not of another device that had the id before. */
  const isOfPresent = ({ key, atMs }: RecordedEvent): boolean => key === null || devices.isShown(key, atMs);

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
      if (isRefusal(device)) return sendRefusal(reply, device);
      const { deviceId } = device;
      const now = {
        session: registry.find(deviceId),
        offlineSinceMs: presence.offlineSinceMs(deviceId),
        state: latest.find(deviceId),
        nowMs: clock.wallMs(),
        rotation: rotationBody(devices, deviceId, parts.handover.stateOf(deviceId)),
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
      if (isRefusal(device)) return sendRefusal(reply, device);
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
      let keys: readonly string[] | undefined;
      if (deviceId !== undefined)
        keys = authorizer.mayView(principal, deviceId) ? [devices.registrationOf(deviceId).key] : [];
      else if (!authorizer.mayViewAll(principal))
        keys = (await listDevices(parts, request)).map(({ registration }) => registration.key);
      const page = await events.list({ ...place, keys, kind, fromMs, toMs, limit });
      // Each has some hundred bytes, so that a page is bounded by its rows.
      const written = await writePage(page.events.filter(isOfPresent), limit, eventBody);
      return sendPage(reply, "events", written, {
        next_cursor: page.next === null ? null : writeCursor({ before: page.next }),
        complete: page.isComplete,
      });
    },
  );
}
