import type { Device } from "../devices/device-registry.ts";
import type { FleetTotals } from "../store/store.ts";

/** Of how many devices something is expected in each bucket: of those that are registered by its end, or as many as there were before. */
export function expectedDevices(
  registered: readonly Pick<Device, "createdAtMs">[],
  { fromMs, bucketMs, devices }: FleetTotals,
): number[] {
  const createdAtMs = Float64Array.from(registered, (device) => device.createdAtMs).sort();
  let count = 0;
  let most = 0;
  return devices.map((present, at) => {
    const endMs = fromMs + (at + 1) * bucketMs;
    while (count < createdAtMs.length && (createdAtMs[count] as number) < endMs) count++;
    most = Math.max(most, present, count);
    return most;
  });
}

/** 0 where nothing is expected. */
export function shareOf(covered: number, expected: number): number {
  return expected > 0 ? Math.min(1, covered / expected) : 0;
}
