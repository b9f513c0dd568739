import { type Refusal, refuse } from "@wattboard/protocol";
import type { FastifyRequest } from "fastify";
import type { Device, Devices } from "../access/devices.ts";

/** The device that a request is about. The one place that decides whether the one who asks may see it. */
export function lookUpDevice(devices: Devices, _request: FastifyRequest, deviceId: string): Device | Refusal {
  return devices.find(deviceId) ?? refuse("unknown_device");
}

/** The devices that the one who asks may see, by id. */
export function listDevices(devices: Devices, _request: FastifyRequest): Device[] {
  return devices.list().sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
}

export interface DeviceFilter {
  /** Ids, with commas between them. */
  readonly devices?: string | undefined;
  /** `country:SE` */
  readonly property?: string | undefined;
}

/** The devices of a question about the fleet. */
export function selectDevices(devices: Devices, request: FastifyRequest, filter: DeviceFilter): Device[] | Refusal {
  let chosen: Device[] = [];
  if (filter.devices === undefined) chosen = listDevices(devices, request);
  else {
    for (const deviceId of new Set(filter.devices.split(","))) {
      const device = lookUpDevice(devices, request, deviceId);
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
