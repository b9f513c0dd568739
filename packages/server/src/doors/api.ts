import { disconnects, parseRfc3339, paths, refuse } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import type { ApiTokens } from "../access/api-tokens.ts";
import type { Audit } from "../access/audit.ts";
import type { Devices } from "../access/devices.ts";
import type { Gate } from "../access/gate.ts";
import type { People } from "../access/people.ts";
import { type Principal, roles } from "../access/principal.ts";
import type { ShareLinks } from "../access/share-links.ts";
import type { Clock } from "../base/clock.ts";
import type { Dispatcher } from "../commands/dispatcher.ts";
import type { Events } from "../observe/events.ts";
import type { Log } from "../observe/log.ts";
import type { Registry } from "../registry/registry.ts";
import type { Store } from "../store/store.ts";
import type { FleetFeed } from "../telemetry/fleet-feed.ts";
import type { Latest } from "../telemetry/latest.ts";
import { audited, requireRole } from "./access-guard.ts";
import { apiTokenBody, detailBody, deviceBody, provisionedBody, storedSampleBody } from "./api-bodies.ts";
import { sendRefusal } from "./problem.ts";

export interface ApiParts {
  readonly apiTokens: ApiTokens;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly commands: Dispatcher;
  readonly devices: Devices;
  readonly events: Events;
  readonly fleetFeed: FleetFeed;
  readonly gate: Gate;
  readonly latest: Latest;
  readonly log: Log;
  readonly people: People;
  readonly registry: Registry;
  readonly shareLinks: ShareLinks;
  readonly store: Store;
}

const spanMsMax = 60 * 60_000;
const samplesMax = 10_000;

// Types only: what a name, a property or a token may be is judged where they are kept, for the command line as well.
const newDeviceSchema = Type.Object(
  {
    device_id: Type.String(),
    name: Type.Optional(Type.String()),
    properties: Type.Optional(Type.Record(Type.String(), Type.String())),
    token: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);
const deviceChangeSchema = Type.Object(
  {
    name: Type.Optional(Type.String()),
    properties: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]))),
  },
  { additionalProperties: false },
);
const newTokenSchema = Type.Object({ token: Type.Optional(Type.String()) }, { additionalProperties: false });
const newApiTokenSchema = Type.Object(
  {
    name: Type.String(),
    role: Type.Enum([...roles]),
    // Absent: it does not expire. Null must not say so: Fastify would take 0 and "" for it.
    ttl_ms: Type.Optional(Type.Integer({ minimum: 1_000 })),
    // Absent: all there are.
    devices: Type.Optional(Type.Array(Type.String())),
  },
  { additionalProperties: false },
);
const samplesQuerySchema = Type.Object({
  from: Type.Optional(Type.String()),
  to: Type.Optional(Type.String()),
  limit: limitSchema(samplesMax),
});
const listQuerySchema = Type.Object({ limit: limitSchema(1_000) });

/** A query holds text; nothing else is taken for a number. */
export function limitSchema(max: number) {
  return Type.Optional(Type.String({ pattern: "^[1-9][0-9]*$", maxLength: String(max).length }));
}

interface DeviceParams {
  Params: { id: string };
}

/** `/api/v1`: devices, their samples, events, and the administration that the command line uses. */
export function registerApi(app: FastifyInstance, parts: ApiParts): void {
  const { apiTokens, devices, events, fleetFeed, gate, latest, log, people, registry, shareLinks, store } = parts;
  const viewer = { onRequest: requireRole("viewer") };
  const admin = { onRequest: requireRole("admin") };

  /** The device, where it exists and whoever asks may see it: the two are told apart by nothing. */
  const findVisible = (principal: Principal | null, deviceId: string) =>
    gate.mayView(principal, deviceId) ? devices.find(deviceId) : undefined;

  /** A changed token ends the session that was opened with it. */
  const tokenChanged = (deviceId: string, what: string): void => {
    registry.disconnect(deviceId, disconnects.revoked);
    events.report("token_changed", deviceId, `the token of ${deviceId} was ${what}`);
  };

  app.get(`${paths.api}/devices`, viewer, ({ principal }) => ({
    devices: devices
      .list()
      .filter(({ deviceId }) => gate.mayView(principal, deviceId))
      .map((device) => deviceBody(device, registry.find(device.deviceId) !== undefined)),
  }));

  app.get<DeviceParams>(`${paths.api}/devices/:id`, viewer, (request, reply) => {
    const device = findVisible(request.principal, request.params.id);
    if (device === undefined) return sendRefusal(reply, refuse("unknown_device"));
    return detailBody(device, registry.find(device.deviceId), latest.find(device.deviceId));
  });

  app.get<DeviceParams & { Querystring: Type.Static<typeof samplesQuerySchema> }>(
    `${paths.api}/devices/:id/samples`,
    { ...viewer, schema: { querystring: samplesQuerySchema } },
    async (request, reply) => {
      const { from, to, limit = "1000" } = request.query;
      const toMs = to === undefined ? parts.clock.wallMs() + 1 : parseRfc3339(to);
      const fromMs = from === undefined ? toMs - 5 * 60_000 : parseRfc3339(from);
      if (findVisible(request.principal, request.params.id) === undefined) {
        return sendRefusal(reply, refuse("unknown_device"));
      }
      if (Number.isNaN(toMs) || Number.isNaN(fromMs)) {
        return sendRefusal(
          reply,
          refuse("invalid_request", "from and to are RFC 3339 times, e.g. 2026-01-31T12:00:00Z."),
        );
      }
      if (fromMs > toMs || toMs - fromMs > spanMsMax) {
        return sendRefusal(reply, refuse("invalid_request", "from must be before to, and they may be one hour apart."));
      }
      const deviceId = request.params.id;
      const query = { deviceId, fromMs, toMs, take: "last", limit: Math.min(samplesMax, Number(limit)) } as const;
      const samples = await store.samples(query);
      return { samples: samples.map((sample) => storedSampleBody(deviceId, sample)) };
    },
  );

  app.get<{ Querystring: Type.Static<typeof listQuerySchema> }>(
    `${paths.api}/events`,
    { ...viewer, schema: { querystring: listQuerySchema } },
    ({ principal, query }) => {
      const isVisible = (deviceId: string | null): boolean =>
        deviceId === null ? gate.mayViewAll(principal) : gate.mayView(principal, deviceId);
      const visible = events.list(1_000).filter((event) => isVisible(event.device_id));
      return { events: visible.slice(0, Number(query.limit ?? 100)) };
    },
  );

  app.post<{ Body: Type.Static<typeof newDeviceSchema> }>(
    `${paths.api}/devices`,
    { ...admin, schema: { body: newDeviceSchema } },
    (request, reply) => {
      const { device_id: deviceId, ...rest } = request.body;
      const added = audited(parts, request, { action: "device.add", deviceId }, () =>
        devices.add({ deviceId, ...rest }),
      );
      if ("code" in added) return sendRefusal(reply, added);
      fleetFeed.markChanged(deviceId);
      log.info({ device_id: deviceId }, "device added");
      return reply.code(201).send(provisionedBody(added));
    },
  );

  app.patch<DeviceParams & { Body: Type.Static<typeof deviceChangeSchema> }>(
    `${paths.api}/devices/:id`,
    { ...admin, schema: { body: deviceChangeSchema } },
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
    { ...admin, schema: { body: newTokenSchema } },
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

  app.post<DeviceParams>(`${paths.api}/devices/:id/revoke`, admin, (request, reply) => {
    const { id: deviceId } = request.params;
    const revoked = audited(parts, request, { action: "device.revoke", deviceId }, () => devices.revoke(deviceId));
    if ("code" in revoked) return sendRefusal(reply, revoked);
    tokenChanged(revoked.deviceId, "revoked");
    return deviceBody(revoked, false);
  });

  app.delete<DeviceParams>(`${paths.api}/devices/:id`, admin, (request, reply) => {
    const { id: deviceId } = request.params;
    const removed = audited(parts, request, { action: "device.remove", deviceId }, () => devices.remove(deviceId));
    if ("code" in removed) return sendRefusal(reply, removed);
    tokenChanged(removed.deviceId, "removed with its device");
    for (const rights of [people, apiTokens, shareLinks]) rights.forgetDevice(removed.deviceId);
    latest.forget(removed.deviceId);
    parts.commands.forget(removed.deviceId);
    fleetFeed.markRemoved(removed.deviceId);
    return deviceBody(removed, false);
  });

  app.get(`${paths.api}/api-tokens`, admin, () => ({ api_tokens: apiTokens.list().map(apiTokenBody) }));

  app.post<{ Body: Type.Static<typeof newApiTokenSchema> }>(
    `${paths.api}/api-tokens`,
    { ...admin, schema: { body: newApiTokenSchema } },
    (request, reply) => {
      const { name, role, ttl_ms: ttlMs = null, devices: given = null } = request.body;
      const detail = { role, ttl_ms: ttlMs, devices: given };
      const added = audited(parts, request, { action: "api_token.add", target: name, detail }, () =>
        apiTokens.add(name, role, ttlMs, given),
      );
      return "code" in added ? sendRefusal(reply, added) : reply.code(201).send(added);
    },
  );

  app.delete<{ Params: { name: string } }>(`${paths.api}/api-tokens/:name`, admin, (request, reply) => {
    const { name } = request.params;
    const removed = audited(parts, request, { action: "api_token.remove", target: name }, () => apiTokens.remove(name));
    return "code" in removed ? sendRefusal(reply, removed) : apiTokenBody(removed);
  });
}
