import { isDeviceId } from "@wattboard/protocol";
import type { Role } from "./principal.ts";

/** The devices given to a person or a token; null: all there are, also those to come. */
export type DeviceList = ReadonlySet<string> | null;

const devicesMax = 10_000;

/** What is wrong with the devices given to someone of this role, in words; null where they can be given. */
export function describeDevicesFault(role: Role, devices: readonly string[] | null): string | null {
  if (devices === null) return null;
  if (role === "admin") return "An administrator has all devices; give the list to an operator or a viewer.";
  if (devices.length > devicesMax) return `At most ${devicesMax} devices can be listed; give all of them instead.`;
  const odd = devices.find((deviceId) => !isDeviceId(deviceId));
  return odd === undefined ? null : `${JSON.stringify(odd.slice(0, 80))} is no device id.`;
}

export function packDevices(devices: DeviceList): string | null {
  return devices === null ? null : JSON.stringify([...devices]);
}

export function unpackDevices(column: unknown): DeviceList {
  return column === null ? null : new Set(JSON.parse(String(column)) as string[]);
}

/** The list without a device that is gone, so that a later one of the same name is not theirs; the same object where it was not in it. */
export function withoutDevice(devices: DeviceList, deviceId: string): DeviceList {
  if (devices === null || !devices.has(deviceId)) return devices;
  return new Set([...devices].filter((each) => each !== deviceId));
}
