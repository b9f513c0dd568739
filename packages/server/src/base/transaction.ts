import type { DatabaseSync } from "node:sqlite";

/** Does all of a task in a database, or nothing of it; what it throws is thrown. */
export function inTransaction<T>(database: DatabaseSync, task: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = task();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // After some failures, a full disk among them, SQLite has rolled back by itself.
    if (database.isOpen && database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
