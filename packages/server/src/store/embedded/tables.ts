import { statSync } from "node:fs";
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from "node:sqlite";
import { openDatabase } from "../../base/database-file.ts";
import { migrate } from "../../base/migrate.ts";
import { OpenFiles } from "../../base/open-files.ts";
import { storeSchema } from "./schema.ts";

type Row = Record<string, SQLOutputValue>;

/** Small pages: a block fills its last page half on average, and blocks are a few kilobytes. */
export const pageBytes = 2_048;
/** Pages in the write-ahead log before they are moved to the file between two requests; a commit does it at the latest at four times as many. */
const checkpointPages = 2_000;

/** The store's file and every statement on it. One connection, in the store's worker. */
export class Tables {
  readonly database: DatabaseSync;
  readonly path: string;
  readonly #files: OpenFiles;
  readonly #statements = new Map<string, ReturnType<DatabaseSync["prepare"]>>();

  /** `pagesMax`: the file grows no further, as if the disk were full; 0 sets no such bound. */
  constructor(path: string, pagesMax = 0) {
    this.path = path;
    this.database = openDatabase(path);
    this.database.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 0`);
    this.database.exec(`PRAGMA wal_autocheckpoint = ${4 * checkpointPages}; PRAGMA cache_size = -32000`);
    if (pagesMax > 0) this.database.exec(`PRAGMA max_page_count = ${pagesMax}`);
    migrate(this.database, storeSchema);
    this.#files = new OpenFiles([path, `${path}-wal`]);
  }

  /** Runs `task` as one transaction, durable when it returns. Throws where the file is not where it was: nobody would find what is in it. */
  durably<T>(task: () => T): T {
    this.#files.assertInPlace();
    const result = this.#transact("FULL", task);
    this.#files.assertInPlace();
    return result;
  }

  /**
   * Runs `task` as one transaction that may be undone by a power failure, whole. For what only puts acked samples in another place: undone,
   * they are still where they were. The next durable transaction makes this one durable too.
   */
  lazily<T>(task: () => T): T {
    return this.#transact("NORMAL", task);
  }

  run(sql: string, ...values: SQLInputValue[]): { readonly lastId: number; readonly changes: number } {
    const { lastInsertRowid, changes } = this.#prepare(sql).run(...values);
    return { lastId: Number(lastInsertRowid), changes: Number(changes) };
  }

  first(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values);
  }

  /** Row by row, without holding them all. The statement is not shared, so that two walks may go on side by side. */
  each(sql: string, ...values: SQLInputValue[]): IterableIterator<Row> {
    return this.database.prepare(sql).iterate(...values);
  }

  /** Moves what the write-ahead log has gathered to the file, where it is much. */
  checkpoint(): void {
    const logBytes = statSync(`${this.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (logBytes >= checkpointPages * pageBytes) this.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /** Bytes on disk that are in use. */
  usedBytes(): number {
    return (this.#pragma("page_count") - this.#pragma("freelist_count")) * this.#pragma("page_size");
  }

  close(): void {
    this.database.close();
  }

  #pragma(name: string): number {
    return Number(this.first(`PRAGMA ${name}`)?.[name]);
  }

  #transact<T>(synchronous: "FULL" | "NORMAL", task: () => T): T {
    this.database.exec(`PRAGMA synchronous = ${synchronous}`);
    this.database.exec("BEGIN IMMEDIATE");
    try {
      const result = task();
      this.database.exec("COMMIT");
      return result;
    } catch (error) {
      // SQLite may have rolled back by itself, as it does when the disk is full.
      if (this.database.isTransaction) this.database.exec("ROLLBACK");
      throw error;
    }
  }

  #prepare(sql: string): ReturnType<DatabaseSync["prepare"]> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
