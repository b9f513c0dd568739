import { AlarmStoreClient } from "../alarms/alarm-store-client.ts";
import { CommandStoreClient } from "../commands/command-store-client.ts";
import { ServerClockWatch } from "../observe/clock-watch.ts";
import { Events } from "../observe/events.ts";
import { FolderWatch } from "../observe/folder-watch.ts";
import { PendingStore } from "../store/pending-store.ts";
import type { StoreRenewal } from "../store/store.ts";
import { StoreWatch } from "../telemetry/store-watch.ts";
import type { ObservationParts } from "./assemble-observation.ts";
import type { Defer } from "./closing.ts";
import { openDatabases } from "./data-folder.ts";

/** A start waits so long for a database, and goes on without it then, ms. */
const databaseWaitMs = 5_000;
/** Events that the store has not taken are waited for so long, ms. */
const eventsMsMax = 1_000;

export type StoreParts = Awaited<ReturnType<typeof assembleStore>>;

/** Where samples, events and commands are stored, and who notices when they cannot be. */
export async function assembleStore(defer: Defer, parts: ObservationParts) {
  const { config, clock, devices, log, openStore } = parts;
  const isEmbedded = config.store.url === "embedded";
  // A database that does not answer must not keep the live lane waiting; the embedded store says at once where it cannot be opened.
  // What it makes anew it begins with, and may be done with, before there is anybody to tell: the first word and the last are kept.
  const untold: StoreRenewal[] = [];
  const renewal = { tell: (told: StoreRenewal): void => void untold.splice(1, 1, told) };
  const open = () => openStore((told) => renewal.tell(told));
  const store = await PendingStore.open(clock, open, isEmbedded ? Number.POSITIVE_INFINITY : databaseWaitMs);
  defer("the store", () => store.close());
  const commandStore = await CommandStoreClient.open(config.data_dir, clock);
  defer("the store of commands", () => commandStore.close());
  const alarmStore = await AlarmStoreClient.open(config.data_dir, clock);
  defer("the store of alarms", () => alarmStore.close());
  const events = new Events(clock, log, store, (deviceId) => devices.registrationOf(deviceId).key);
  defer("the events", (graceMs) => events.close(Math.min(eventsMsMax, graceMs)));
  const clockWatch = new ServerClockWatch(clock, events);
  defer("the look at the clock", () => clockWatch.stop());
  const folderWatch = new FolderWatch({ ...parts, events }, config.data_dir, openDatabases(config));
  defer("the look at the folder", () => folderWatch.stop());
  const storeWatch = new StoreWatch(
    { ...parts, events },
    { queueBytesMax: config.store.queue_bytes, mayTellReason: isEmbedded },
  );
  store.watchDamage((damage) => storeWatch.damaged(damage));
  renewal.tell = (told) => storeWatch.renewing(told);
  for (const told of untold) storeWatch.renewing(told);
  return { ...parts, clockWatch, store, commandStore, alarmStore, events, storeWatch };
}
