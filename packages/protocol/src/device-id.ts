/** The same rule for JSON Schema and for people. */
export const deviceIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Whether `text` may name a device: 1 to 64 of `A-Z a-z 0-9 _ . -`, first a letter or digit. */
export function isDeviceId(text: string): boolean {
  return deviceIdPattern.test(text);
}

/** Which devices somebody was given, in words; null: all there are. */
export function describeDevices(devices: readonly string[] | null): string {
  if (devices === null) return "all devices";
  if (devices.length === 0) return "no devices";
  return devices.length > 3 ? `${devices.length} devices` : devices.join(", ");
}
