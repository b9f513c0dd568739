import { type Refusal, refuse } from "@wattboard/protocol";
import type { FastifyRequest } from "fastify";
import type { Device, Devices } from "../access/devices.ts";
import type { Gate } from "../access/gate.ts";

interface LookupParts {
  readonly devices: Devices;
  readonly gate: Gate;
}

/** The device that a request is about. One that whoever asks may not see is told from one that does not exist by nothing. */
export function lookUpDevice(
  { devices, gate }: LookupParts,
  { principal }: FastifyRequest,
  deviceId: string,
): Device | Refusal {
  const device = gate.mayView(principal, deviceId) ? devices.find(deviceId) : undefined;
  return device ?? refuse("unknown_device");
}

/** The devices that whoever asks may see, by id. */
export function listDevices({ devices, gate }: LookupParts, { principal }: FastifyRequest): Device[] {
  return devices
    .list()
    .filter(({ deviceId }) => gate.mayView(principal, deviceId))
    .sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
}

export interface DeviceFilter {
  /** Ids, with commas between them. */
  readonly devices?: string | undefined;
  /** `country:SE` */
  readonly property?: string | undefined;
}

/** The devices of a question about the fleet: never others than those that whoever asks may see. */
export function selectDevices(parts: LookupParts, request: FastifyRequest, filter: DeviceFilter): Device[] | Refusal {
  let chosen: Device[] = [];
  if (filter.devices === undefined) chosen = listDevices(parts, request);
  else {
    for (const deviceId of new Set(filter.devices.split(","))) {
      const device = lookUpDevice(parts, request, deviceId);
      if ("code" in device) return refuse(device.code, `It was asked for as ${JSON.stringify(deviceId)} in devices.`);
      chosen.push(device);
    }
  }
  if (filter.property === undefined) return chosen;
  const colon = filter.property.indexOf(":");
  if (colon < 1) return refuse("invalid_request", "property is a name and a value, e.g. property=country:SE.");
  const [key, value] = [filter.property.slice(0, colon), filter.property.slice(colon + 1)];
  return chosen.filter(({ properties }) => properties[key] === value);
}
