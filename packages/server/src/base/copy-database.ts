import { chmodSync } from "node:fs";
import { backup, type DatabaseSync } from "node:sqlite";

/** Writes a consistent copy of a database that is in use to a new file, a few pages at a time and off the event loop. */
export async function copyDatabase(database: DatabaseSync, path: string): Promise<void> {
  await backup(database, path);
  chmodSync(path, 0o600);
}
