import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { accessFailure, accessFileName, accessSchema, lockAccessFile, readyAccessFile } from "../access/access-file.ts";
import { type Audit, auditFileName, auditSchema } from "../access/audit/audit.ts";
import { alarmsFileName, alarmsSchema } from "../alarms/alarm-database.ts";
import type { AlarmStore } from "../alarms/alarm-store.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { copyDatabase } from "../base/copy-database.ts";
import { besides, makePrivate } from "../base/database-file.ts";
import { type DataFile, upgrade } from "../base/upgrade.ts";
import { commandsFileName, commandsSchema } from "../commands/command-database.ts";
import type { CommandStoreClient } from "../commands/command-store-client.ts";
import type { Config } from "../config/config.ts";
import { notifyFileName, notifySchema } from "../notify/notify-database.ts";
import type { NotifyStoreClient } from "../notify/notify-store-client.ts";
import { storeFileName, storeSchema } from "../store/embedded/schema.ts";

/** In the order in which they are brought up to date. */
export const dataFiles: readonly DataFile[] = [
  { name: accessFileName, schema: accessSchema },
  { name: auditFileName, schema: auditSchema },
  { name: commandsFileName, schema: commandsSchema },
  { name: notifyFileName, schema: notifySchema },
  { name: alarmsFileName, schema: alarmsSchema },
  { name: storeFileName, schema: storeSchema, isLarge: true },
];

const otherFiles = /^(audit-\d{12}\.ndjson\.gz|general\.log(\.\d+)?|control\.json|revocations|version\.json)$/;

/**
 * Locks the data folder, looks at all that is in it, and brings it up to date where all of it can be. Gives the registrations, whose file is the
 * lock. Throws a `Failure` that says what to do: as `lockAccessFile`, and `data_newer`, `upgrade_failed`.
 */
export function openDataFolder(
  dataDir: string,
  {
    clock = systemClock,
    waitMs = 0,
    tell = () => {},
  }: { readonly clock?: Clock; readonly waitMs?: number; readonly tell?: (what: string) => void } = {},
): DatabaseSync {
  const database = lockAccessFile(dataDir, waitMs);
  try {
    makeAllPrivate(dataDir);
    const locked = { name: accessFileName, database };
    upgrade({ dataDir, files: dataFiles, locked, nowMs: clock.wallMs(), tell });
  } catch (error) {
    database.close();
    throw accessFailure(dataDir, error);
  }
  readyAccessFile(dataDir, database);
  return database;
}

/** The databases that a server has open, with their logs. */
export function openDatabases({ store }: Config): string[] {
  const names = dataFiles.map(({ name }) => name).filter((name) => name !== storeFileName || store.url === "embedded");
  return names.flatMap((name) => [name, `${name}-wal`]);
}

/** Copies all but the samples to a folder, for a backup. */
export async function copyAllButStore(
  {
    accessFile,
    audit,
    commandStore,
    notifyStore,
    alarmStore,
  }: {
    readonly accessFile: DatabaseSync;
    readonly audit: Audit;
    readonly commandStore: CommandStoreClient;
    readonly notifyStore: NotifyStoreClient;
    readonly alarmStore: AlarmStore;
  },
  folder: string,
): Promise<void> {
  await audit.copyTo(folder);
  await commandStore.copyTo(join(folder, commandsFileName));
  await notifyStore.copyTo(join(folder, notifyFileName));
  await alarmStore.copyTo(join(folder, alarmsFileName));
  await copyDatabase(accessFile, join(folder, accessFileName));
}

/** An older version, or a copy made by hand, may have left files that others can read. */
function makeAllPrivate(dataDir: string): void {
  const databases = dataFiles.flatMap(({ name }) => [name, ...besides.map((end) => name + end)]);
  for (const name of readdirSync(dataDir)) {
    if (databases.includes(name) || otherFiles.test(name)) makePrivate(join(dataDir, name));
  }
}
