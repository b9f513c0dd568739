import type { RoleName } from "@wattboard/protocol";

export const roleNames: readonly RoleName[] = ["viewer", "operator", "admin"];

export function roleWord(role: RoleName): string {
  return { viewer: "Viewer", operator: "Operator", admin: "Administrator" }[role];
}

/** What the role allows, in words. */
export function roleMeaning(role: RoleName): string {
  return {
    viewer: "looks, and changes nothing",
    operator: "looks, commands devices and shares them",
    admin: "does everything, with all devices",
  }[role];
}

/** Which devices somebody was given; null: all there are. */
export function describeDevices(devices: readonly string[] | null): string {
  if (devices === null) return "all devices";
  if (devices.length === 0) return "no devices";
  return devices.length > 3 ? `${devices.length} devices` : devices.join(", ");
}
