import { outstandingEntry } from "../api/outstanding-end.ts";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { databaseFault } from "../base/database-file.ts";
import { Failure } from "../base/failure.ts";
import { visitInSlices } from "../base/time-slices.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import type { DeviceStates } from "../devices/device-states.ts";
import type { Presence } from "../devices/presence.ts";
import type { Store, StoreEvents } from "../store/store.ts";
import { restoreLatest } from "../telemetry/restore.ts";
import type { TelemetryParts } from "./assemble-telemetry.ts";
import type { Defer } from "./closing.ts";

/** Takes up where the server before this one ended: samples and presence as soon as the store tells them, and commands. */
export async function restoreState(defer: Defer, parts: TelemetryParts): Promise<void> {
  const { clock, store, storeWatch, devices, latest, presence, fleetFeed, commandStore, commands, rollouts } = parts;
  const { alarms } = parts;
  await alarms.restore();
  const restore = async (): Promise<void> => {
    await restoreSamples(store, devices, latest);
    await restorePresence(presence, store, devices, latest);
    await alarms.devicesRestored(latest.all());
  };
  const stopRestoring = await restoreWhenPossible(restore, clock, {
    failed: (error) => storeWatch.failing(error),
    done() {
      for (const deviceId of devices.ids()) fleetFeed.markChanged(deviceId);
      storeWatch.recovered();
    },
  });
  defer("restoring", stopRestoring);
  const persisted = await commandStore.load();
  commands.restore(persisted, (deviceId, sinceMs) => {
    const device = devices.find(deviceId);
    return device !== undefined && device.createdAtMs <= sinceMs;
  });
  await rollouts.restore(persisted);
  // Rights may have been taken away while no server ran.
  const ended = parts.outstanding.endRefused();
  if (ended.length > 0) parts.audit.record({ who: "local", address: "", ...outstandingEntry(ended) });
}

interface RestoreObserver {
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
async function restoreWhenPossible(
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

/** Takes up the latest samples of registered devices; whatever other keys the store knows are noted as others'. */
async function restoreSamples(store: Store, devices: DeviceRegistry, latest: DeviceStates): Promise<void> {
  const former: string[] = [];
  await visitInSlices(await store.latest(), (sample) => {
    const device = devices.findRegistered(sample.key);
    if (device === undefined) former.push(sample.key);
    // A device that was removed and added again does not take up where the old one ended, also where it keeps its history.
    else if (sample.receivedAtMs >= device.createdAtMs) restoreLatest(latest, device, sample);
    return true;
  });
  devices.noteFormer(former);
  store.forget(former);
}

/** Events looked through at the start for when each device came or went. */
const presenceEventsMax = 20_000;

/** Takes up presence where the server before this one ended. */
async function restorePresence(
  presence: Presence,
  store: StoreEvents,
  devices: DeviceRegistry,
  latest: DeviceStates,
): Promise<void> {
  const seen = new Set<string>();
  await visitInSlices(await store.events({ limit: presenceEventsMax }), ({ kind, key, atMs }) => {
    if (key === null || seen.has(key) || (kind !== "connected" && kind !== "disconnected")) return true;
    seen.add(key);
    const device = devices.findRegistered(key);
    if (device === undefined || atMs < device.createdAtMs) return true;
    const { deviceId } = device;
    presence.restore(deviceId, kind, atMs, latest.find(deviceId)?.latest?.receivedAtMs ?? null);
    return true;
  });
}
