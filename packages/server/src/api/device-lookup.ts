import { type Refusal, refuse } from "@wattboard/protocol";
import type { FastifyRequest } from "fastify";
import type { Authorizer } from "../access/authorizer.ts";
import { visitInSlices } from "../base/time-slices.ts";
import type { Device, DeviceRegistry } from "../devices/device-registry.ts";

interface LookupParts {
  readonly devices: DeviceRegistry;
  readonly authorizer: Authorizer;
}

/** The device that a request is about. One that whoever asks may not see is told from one that does not exist by nothing. */
export function lookUpDevice(
  { devices, authorizer }: LookupParts,
  { principal }: FastifyRequest,
  deviceId: string,
): Device | Refusal {
  const device = authorizer.mayView(principal, deviceId) ? devices.find(deviceId) : undefined;
  return device ?? refuse("unknown_device");
}

/** The devices that whoever asks may see, by id, those behind `after`. They are looked at one by one, as they are asked for. */
export function* visibleDevices(
  { devices, authorizer }: LookupParts,
  { principal }: FastifyRequest,
  after = "",
): Generator<Device> {
  for (const deviceId of [...devices.ids()].sort()) {
    if (deviceId <= after || !authorizer.mayView(principal, deviceId)) continue;
    const device = devices.find(deviceId);
    if (device !== undefined) yield device;
  }
}

/** All devices that whoever asks may see, by id; the event loop has its turns while they are gathered. */
export async function listDevices(parts: LookupParts, request: FastifyRequest): Promise<Device[]> {
  const found: Device[] = [];
  await visitInSlices(visibleDevices(parts, request), (device) => found.push(device) > 0);
  return found;
}

export interface DeviceFilter {
  /** Ids, with commas between them. */
  readonly devices?: string | undefined;
  /** `country:SE` */
  readonly property?: string | undefined;
}

/** The devices of a question about the fleet: never others than those that whoever asks may see. */
export async function selectDevices(
  parts: LookupParts,
  request: FastifyRequest,
  filter: DeviceFilter,
): Promise<Device[] | Refusal> {
  let chosen: Device[] = [];
  if (filter.devices === undefined) chosen = await listDevices(parts, request);
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
