import { isRefusal } from "@wattboard/protocol";
import type { Device } from "../devices/device-registry.ts";
import type { DeviceStates } from "../devices/device-states.ts";
import type { StoredSample } from "../store/store.ts";
import { decode } from "./gatekeeper.ts";

/** Puts what the store knew last of a device back in memory at start. Gives whether the sample could be read by today's rules. */
export function restoreLatest(latest: DeviceStates, registered: Device, sample: StoredSample): boolean {
  const device = latest.of(registered);
  const frame = Buffer.from(sample.message);
  const decoded = decode(device, frame, sample.receivedAtMs);
  if (isRefusal(decoded)) return false;
  // What has come since the start is newer, however long the store took to tell: it is no clock that was set back.
  if ((device.latest?.receivedAtMs ?? 0) > sample.receivedAtMs) return true;
  const { deviceId } = registered;
  const { observedAtMs, receivedAtMs, clock, epoch, seq } = sample;
  const { values, deviceTimeMs } = decoded;
  device.offer(
    { values, deviceTimeMs, deviceId, observedAtMs, receivedAtMs, clock, epoch, seq },
    decoded.frame,
    decoded.pointSet,
  );
  return true;
}
