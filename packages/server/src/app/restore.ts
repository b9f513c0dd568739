import type { CancelTimer, Clock } from "../base/clock.ts";
import { databaseFault } from "../base/database-file.ts";
import { Failure } from "../base/failure.ts";
import { visitInSlices } from "../base/time-slices.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import type { DeviceStates } from "../devices/device-states.ts";
import type { Presence } from "../devices/presence.ts";
import type { Store } from "../store/store.ts";
import { restoreLatest } from "../telemetry/restore.ts";

export interface RestoreObserver {
  /** It cannot be done now. */
  failed(error: unknown): void;
  /** It is done after all. */
  done(): void;
}

const retryMs = 1_000;

/**
 * Takes up what the store knows; where the store cannot say it now, later, as often as it takes. Rejects with what is no fault of the world. Gives
 * what ends the waiting.
 */
export async function restoreWhenPossible(
  restore: () => Promise<void>,
  clock: Clock,
  observer: RestoreObserver,
): Promise<CancelTimer> {
  let cancel: CancelTimer = () => {};
  let isStopped = false;
  const failed = (error: unknown): void => {
    if (!(error instanceof Failure) && databaseFault(error) === null) throw error;
    observer.failed(error);
    cancel = clock.after(retryMs, retry);
  };
  const retry = (): void => {
    restore().then(
      () => (isStopped ? undefined : observer.done()),
      (error: unknown) => (isStopped ? undefined : failed(error)),
    );
  };
  await restore().catch(failed);
  return () => {
    isStopped = true;
    cancel();
  };
}

/** Takes up the latest samples of registered devices; whatever other ids the store knows are noted as others'. */
export async function restoreSamples(store: Store, devices: DeviceRegistry, latest: DeviceStates): Promise<void> {
  const unregistered: string[] = [];
  await visitInSlices(await store.latest(), (sample) => {
    const device = devices.find(sample.deviceId);
    if (device === undefined) unregistered.push(sample.deviceId);
    // A device that was removed and added again does not take up where the old one ended.
    else if (sample.receivedAtMs >= device.createdAtMs) restoreLatest(latest, sample);
    return true;
  });
  devices.noteFormer(unregistered);
  store.forget(unregistered);
}

/** Events looked through at the start for when each device came or went. */
const presenceEventsMax = 20_000;

/** Takes up presence where the server before this one ended. */
export async function restorePresence(
  presence: Presence,
  store: Store,
  devices: DeviceRegistry,
  latest: DeviceStates,
): Promise<void> {
  const seen = new Set<string>();
  await visitInSlices(await store.events({ limit: presenceEventsMax }), ({ kind, deviceId, atMs }) => {
    if (deviceId === null || seen.has(deviceId) || (kind !== "connected" && kind !== "disconnected")) return true;
    seen.add(deviceId);
    const device = devices.find(deviceId);
    if (device === undefined || atMs < device.createdAtMs) return true;
    presence.restore(deviceId, kind, atMs, latest.find(deviceId)?.latest?.receivedAtMs ?? null);
    return true;
  });
}
