import type { DatabaseSync } from "node:sqlite";
import { databaseFault } from "../base/database-file.ts";

/** Drops rows of a table whose time is over. What the disk does not let go now goes at the next start: it counts no more either way. */
export function dropExpired(database: DatabaseSync, table: "session" | "share_link", nowMs: number): void {
  try {
    database.prepare(`DELETE FROM ${table} WHERE expires_at_ms <= ?`).run(nowMs);
  } catch (error) {
    if (databaseFault(error) !== "full") throw error;
  }
}
