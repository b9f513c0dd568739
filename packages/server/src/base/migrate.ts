import type { DatabaseSync } from "node:sqlite";

/** Brings a database up to date: numbered steps, forward only; `PRAGMA user_version` says how many have run. Each is one transaction. */
export function migrate(database: DatabaseSync, migrations: readonly string[]): void {
  const done = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  if (done > migrations.length) {
    throw new Error(`it was written by a newer Wattboard (schema ${done}; this one knows ${migrations.length})`);
  }
  for (const [index, sql] of migrations.entries()) {
    if (index >= done) database.exec(`BEGIN; ${sql} PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}
