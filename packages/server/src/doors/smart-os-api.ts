import { paths, refuse, smartOsDialect, type WaitingDeviceBody } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import type { Audit } from "../access/audit.ts";
import type { Devices } from "../access/devices.ts";
import type { Gate } from "../access/gate.ts";
import type { Log } from "../observe/log.ts";
import type { WaitingDevice, WaitingDevices } from "../smart-os/waiting-devices.ts";
import type { FleetFeed } from "../telemetry/fleet-feed.ts";
import { audited, requireRole } from "./access-guard.ts";
import { isoTime, provisionedBody } from "./api-bodies.ts";
import { sendRefusal } from "./problem.ts";

export interface SmartOsParts {
  readonly audit: Audit;
  readonly devices: Devices;
  readonly fleetFeed: FleetFeed;
  readonly gate: Gate;
  readonly log: Log;
  readonly waitingDevices: WaitingDevices;
}

/** `/api/v1/smart-os/waiting`: devices that have come to the SMART-OS door and are not registered, for administrators to accept. */
export function registerSmartOsApi(app: FastifyInstance, parts: SmartOsParts): void {
  const { devices, fleetFeed, log, waitingDevices } = parts;
  const admin = { onRequest: requireRole("admin") };

  app.get(`${paths.api}/smart-os/waiting`, admin, () => ({ waiting: waitingDevices.list().map(waitingBody) }));

  app.post<{ Params: { id: string } }>(`${paths.api}/smart-os/waiting/:id/accept`, admin, (request, reply) => {
    const { id: deviceId } = request.params;
    const accepted = audited(parts, request, { action: "device.accept", deviceId }, () => {
      if (!waitingDevices.has(deviceId)) {
        return refuse("not_found", "No device of this serial number waits; it is listed when it has sent a message.");
      }
      return devices.add({ deviceId, properties: { [smartOsDialect.key]: smartOsDialect.value } });
    });
    // Whoever registered it meanwhile has decided.
    if (!("code" in accepted) || accepted.code === "device_exists") waitingDevices.forget(deviceId);
    if ("code" in accepted) return sendRefusal(reply, accepted);
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
