import { DatabaseSync } from "node:sqlite";

/** Of those that SQLite lists. */
const faultsMax = 20;

/**
 * What is wrong with the file's own structure, in words: SQLite's check of all pages and indexes. It reads the file as it is at one moment, through a connection of its
 * own, and takes as long as that takes: in a thread of its own no commit waits for it.
 */
export function checkStructure(path: string): string[] {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    const rows = database.prepare(`PRAGMA integrity_check(${faultsMax})`).all();
    return rows
      .map((row) => String(row.integrity_check))
      .flatMap((text) => (text === "ok" ? [] : [`The file: ${text}`]));
  } catch (error) {
    return [`The file: ${error instanceof Error ? error.message : String(error)}`];
  } finally {
    database?.close();
  }
}
