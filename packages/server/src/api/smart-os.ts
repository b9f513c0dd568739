import {
  isRefusal,
  paths,
  provisionedSchema,
  refuse,
  smartOsDialect,
  type WaitingDeviceBody,
  waitingDevicesSchema,
} from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import type { Audit } from "../access/audit/audit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import { isoTime } from "../base/iso-time.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import type { WaitingDevice, WaitingDevices } from "../devices/waiting-devices.ts";
import { audited } from "../http/access-guard.ts";
import { defineRoute } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import type { Log } from "../observe/log.ts";
import type { FleetFeed } from "../telemetry/fleet-feed.ts";
import { provisionedBody } from "./device-bodies.ts";

export interface SmartOsParts {
  readonly audit: Audit;
  readonly devices: DeviceRegistry;
  readonly fleetFeed: FleetFeed;
  readonly authorizer: Authorizer;
  readonly log: Log;
  readonly waitingDevices: WaitingDevices;
}

/** `/api/v1/smart-os/waiting`: devices that have come to the SMART-OS door and are not registered, for administrators to accept. */
export function registerSmartOsApi(app: FastifyInstance, parts: SmartOsParts): void {
  const { devices, fleetFeed, log, waitingDevices } = parts;
  const admin = { tag: "Administration", role: "admin" } as const;

  app.get(
    `${paths.api}/smart-os/waiting`,
    defineRoute({ ...admin, summary: "Devices that wait at the SMART-OS door", answer: waitingDevicesSchema }),
    () => ({ waiting: waitingDevices.list().map(waitingBody) }),
  );

  const params = Type.Object({ id: Type.String({ description: "Its serial number", examples: ["0001"] }) });
  const noneWaits = () =>
    refuse("not_found", "No device of this serial number waits; it is listed when it has sent a message.");
  app.delete<{ Params: { id: string } }>(
    `${paths.api}/smart-os/waiting/:id`,
    defineRoute({
      ...admin,
      summary: "Refuse a device that waits at the SMART-OS door: it is listed no more until the server is started anew",
      params,
      answer: waitingDevicesSchema.properties.waiting.items,
      errors: [404],
    }),
    (request, reply) => {
      const { id: deviceId } = request.params;
      const refused = audited(parts, request, { action: "device.refuse", deviceId }, () => {
        const waiting = waitingDevices.list().find(({ serial }) => serial === deviceId);
        if (waiting === undefined) return noneWaits();
        waitingDevices.refuse(deviceId);
        return waitingBody(waiting);
      });
      return isRefusal(refused) ? sendRefusal(reply, refused) : refused;
    },
  );

  const accept = defineRoute({
    ...admin,
    summary: "Register a device that waits at the SMART-OS door",
    params,
    answer: provisionedSchema,
    status: 201,
    errors: [404, 409],
  });
  app.post<{ Params: { id: string } }>(`${paths.api}/smart-os/waiting/:id/accept`, accept, (request, reply) => {
    const { id: deviceId } = request.params;
    const accepted = audited(parts, request, { action: "device.accept", deviceId }, () => {
      if (!waitingDevices.has(deviceId)) {
        return noneWaits();
      }
      return devices.add({ deviceId, properties: { [smartOsDialect.key]: smartOsDialect.value } });
    });
    // Whoever registered it meanwhile has decided.
    if (!isRefusal(accepted) || accepted.code === "device_exists") waitingDevices.forget(deviceId);
    if (isRefusal(accepted)) return sendRefusal(reply, accepted);
    fleetFeed.markChanged(deviceId);
    log.info({ device_id: deviceId }, "waiting device accepted");
    return reply.code(201).send(provisionedBody(accepted));
  });
}

function waitingBody({ serial, firstSeenAtMs, lastSeenAtMs, messages, address }: WaitingDevice): WaitingDeviceBody {
  return {
    device_id: serial,
    first_seen_at: isoTime(firstSeenAtMs),
    last_seen_at: isoTime(lastSeenAtMs),
    messages,
    address,
  };
}
