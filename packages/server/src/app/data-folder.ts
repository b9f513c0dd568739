import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { accessFailure, accessFileName, accessSchema, lockAccessFile, readyAccessFile } from "../access/access-file.ts";
import { auditFileName, auditSchema } from "../access/audit/audit.ts";
import { systemClock } from "../base/clock.ts";
import { besides, makePrivate } from "../base/database-file.ts";
import { type DataFile, upgrade } from "../base/upgrade.ts";
import { commandsFileName, commandsSchema } from "../commands/command-database.ts";
import { storeFileName, storeSchema } from "../store/embedded/schema.ts";

/** In the order in which they are brought up to date. */
export const dataFiles: readonly DataFile[] = [
  { name: accessFileName, schema: accessSchema },
  { name: auditFileName, schema: auditSchema },
  { name: commandsFileName, schema: commandsSchema },
  { name: storeFileName, schema: storeSchema, isLarge: true },
];

const otherFiles = /^(audit-\d{12}\.ndjson\.gz|general\.log(\.\d+)?|control\.json|revocations|version\.json)$/;

/**
 * Locks the data folder, looks at all that is in it, and brings it up to date where all of it can be. Gives the registrations, whose file is the
 * lock. Throws a `Failure` that says what to do: as `lockAccessFile`, and `data_newer`, `upgrade_failed`.
 */
export function openDataFolder(
  dataDir: string,
  { waitMs = 0, tell = () => {} }: { readonly waitMs?: number; readonly tell?: (what: string) => void } = {},
): DatabaseSync {
  const database = lockAccessFile(dataDir, waitMs);
  try {
    makeAllPrivate(dataDir);
    const locked = { name: accessFileName, database };
    upgrade({ dataDir, files: dataFiles, locked, nowMs: systemClock.wallMs(), tell });
  } catch (error) {
    database.close();
    throw accessFailure(dataDir, error);
  }
  readyAccessFile(dataDir, database);
  return database;
}

/** An older version, or a copy made by hand, may have left files that others can read. */
function makeAllPrivate(dataDir: string): void {
  const databases = dataFiles.flatMap(({ name }) => [name, ...besides.map((end) => name + end)]);
  for (const name of readdirSync(dataDir)) {
    if (databases.includes(name) || otherFiles.test(name)) makePrivate(join(dataDir, name));
  }
}
