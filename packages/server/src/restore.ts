import type { Devices } from "./access/devices.ts";
import type { PresenceLog } from "./observe/presence-log.ts";
import type { Store } from "./store/store.ts";
import type { Latest } from "./telemetry/latest.ts";
import { restoreLatest } from "./telemetry/restore.ts";

/** Takes up the latest samples of registered devices; whatever other ids the store knows are noted as others'. */
export async function restoreSamples(store: Store, devices: Devices, latest: Latest): Promise<void> {
  const unregistered: string[] = [];
  for (const sample of await store.latest()) {
    const device = devices.find(sample.deviceId);
    if (device === undefined) unregistered.push(sample.deviceId);
    // A device that was removed and added again does not take up where the old one ended.
    else if (sample.receivedAtMs >= device.createdAtMs) restoreLatest(latest, sample);
  }
  devices.noteFormer(unregistered);
  store.forget(unregistered);
}

/** Events looked through at the start for when each device came or went. */
const presenceEventsMax = 20_000;

/** Takes up presence where the server before this one ended. */
export async function restorePresence(
  presence: PresenceLog,
  store: Store,
  devices: Devices,
  latest: Latest,
): Promise<void> {
  const seen = new Set<string>();
  for (const { kind, deviceId, atMs } of await store.events({ limit: presenceEventsMax })) {
    if (deviceId === null || seen.has(deviceId) || (kind !== "connected" && kind !== "disconnected")) continue;
    seen.add(deviceId);
    const device = devices.find(deviceId);
    if (device === undefined || atMs < device.createdAtMs) continue;
    presence.restore(deviceId, kind, atMs, latest.find(deviceId)?.latest?.receivedAtMs ?? null);
  }
}
