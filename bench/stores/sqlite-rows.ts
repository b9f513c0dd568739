import { DatabaseSync } from "node:sqlite";
import { answerOfRows, columnList, columns, rowsOf, sqlOf } from "./rows.ts";
import { folderBytes, freeBytesOf, ownCpuMs } from "./store-port.ts";
import type { Subject } from "./subject.ts";

/** A row a sample in SQLite, as durable as Wattboard's store, with the same memory for pages. */
export function openSqliteRows(folder: string): Subject {
  const database = new DatabaseSync(`${folder}/rows.db`);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32000");
  database.exec(`CREATE TABLE sample (${columnList}, PRIMARY KEY (device, epoch, seq)) WITHOUT ROWID`);
  database.exec("CREATE INDEX sample_by_time ON sample (device, observed_ms)");
  const insert = database.prepare(`INSERT OR IGNORE INTO sample VALUES (${columns.map(() => "?").join(", ")})`);
  return {
    append(batch) {
      database.exec("BEGIN IMMEDIATE");
      for (const row of rowsOf(batch)) insert.run(...row);
      database.exec("COMMIT");
    },
    seal: () => database.exec("PRAGMA wal_checkpoint(TRUNCATE)"),
    cpuMs: ownCpuMs,
    ask(question) {
      const { sql, values } = sqlOf(question);
      return answerOfRows(database.prepare(sql).all(...values));
    },
    close() {
      database.close();
      return { bytes: folderBytes(folder), freeBytes: freeBytesOf(`${folder}/rows.db`) };
    },
  };
}
