import { statSync } from "node:fs";
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from "node:sqlite";
import { openDatabase } from "../../base/database-file.ts";
import { migrate } from "../../base/migrate.ts";
import { OpenFiles } from "../../base/open-files.ts";
import { inTransaction } from "../../base/transaction.ts";
import { damageOf } from "./damage.ts";
import { columns, storeSchema } from "./schema.ts";

export type Row = Record<string, SQLOutputValue>;

/** Small pages: a block fills its last page half on average, and blocks are a few kilobytes. */
export const pageBytes = 2_048;
/** Pages in the write-ahead log before they are moved to the file between two requests; a commit does it at the latest at four times as many. */
const checkpointPages = 2_000;
/** Of a table that is read from its beginning to its end. */
const rowsAtOnce = 16;

/** What a damaged page of SQLite's tree may say. */
const outOfOrder = "rows are out of order, or stand there twice";

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
    // A page that cannot be one of SQLite's is told when it is read, and not taken for whatever it looks like.
    this.database.exec("PRAGMA cell_size_check = ON");
    if (pagesMax > 0) this.database.exec(`PRAGMA max_page_count = ${pagesMax}`);
    migrate(this.database, storeSchema);
    this.#checkTables();
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

  /** Runs `task` within the present transaction; where it throws, what it wrote is undone, and the transaction goes on. */
  attempt<T>(task: () => T): T {
    this.run("SAVEPOINT attempt");
    try {
      const result = task();
      this.run("RELEASE attempt");
      return result;
    } catch (error) {
      if (this.database.isTransaction) this.database.exec("ROLLBACK TO attempt; RELEASE attempt");
      throw error;
    }
  }

  /**
   * Row by row in the order of the key, which is the table's row id; others may write meanwhile. Where SQLite cannot read a row, or not find the next one,
   * `damaged` is told, and it goes on behind that.
   */
  *rows(table: string, key: string, damaged: (id: number | null, reason: string) => void): Generator<Row> {
    const next = `SELECT ${key} AS id FROM ${table} NOT INDEXED WHERE ${key} > ? ORDER BY ${key} LIMIT 1`;
    for (let after = Number.MIN_SAFE_INTEGER; ; ) {
      let batch: Row[] = [];
      try {
        const sql = `SELECT * FROM ${table} NOT INDEXED WHERE ${key} > ? ORDER BY ${key} LIMIT ${rowsAtOnce}`;
        batch = this.all(sql, after);
        if (batch.length === 0) return;
      } catch (error) {
        damageOf(error);
      }
      if (batch.length > 0) {
        const before = after;
        for (const row of batch) {
          const id = Number(row[key]);
          if (id > after) yield row;
          else damaged(null, outOfOrder);
          after = Math.max(after, id);
        }
        if (after === before) return;
        continue;
      }
      let id: number | undefined;
      try {
        id = this.#idOf(next, after);
      } catch (error) {
        damaged(null, damageOf(error));
        const readable = this.#nextReadable(next, after);
        if (readable === null) return;
        after = readable;
        continue;
      }
      if (id === undefined) return;
      after = id;
      try {
        const row = this.first(`SELECT * FROM ${table} NOT INDEXED WHERE ${key} = ?`, id);
        if (row === undefined) throw new RangeError("it is not where it should be");
        yield row;
      } catch (error) {
        damaged(id, damageOf(error));
      }
    }
  }

  /** As `rows`, in one go and without looking for each row, which finds those beside one whose number was changed too. Nobody may write meanwhile. */
  *scan(table: string, key: string, damaged: (id: number | null, reason: string) => void): Generator<Row> {
    const seen = new Set<number>();
    try {
      for (const row of this.each(`SELECT * FROM ${table} NOT INDEXED`)) {
        const id = Number(row[key]);
        if (seen.has(id)) damaged(null, outOfOrder);
        else yield row;
        seen.add(id);
      }
      return;
    } catch (error) {
      damageOf(error);
    }
    for (const row of this.rows(table, key, damaged)) if (!seen.has(Number(row[key]))) yield row;
  }

  /** The first id from which on rows can be found again, less one; null where none can be. */
  #nextReadable(next: string, after: number): number | null {
    const isReadable = (from: number): boolean => {
      try {
        this.#idOf(next, from);
        return true;
      } catch (error) {
        damageOf(error);
        return false;
      }
    };
    let unreadable = Math.max(after, 0);
    let step = 1;
    while (!isReadable(unreadable + step)) {
      unreadable += step;
      step *= 2;
      if (unreadable + step > Number.MAX_SAFE_INTEGER) return null;
    }
    let readable = unreadable + step;
    while (readable - unreadable > 1) {
      const middle = Math.floor((unreadable + readable) / 2);
      if (isReadable(middle)) readable = middle;
      else unreadable = middle;
    }
    return readable;
  }

  #idOf(sql: string, after: number): number | undefined {
    const row = this.first(sql, after);
    if (row === undefined) return undefined;
    const id = Number(row.id);
    if (id <= after) throw new RangeError(outOfOrder);
    return id;
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

  #checkTables(): void {
    try {
      for (const [table, names] of Object.entries(columns)) this.database.prepare(`SELECT ${names} FROM ${table}`);
    } catch (error) {
      this.database.close();
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`the database's list of tables is damaged: ${reason}. Restore a backup`, { cause: error });
    }
  }

  #pragma(name: string): number {
    return Number(this.first(`PRAGMA ${name}`)?.[name]);
  }

  #transact<T>(synchronous: "FULL" | "NORMAL", task: () => T): T {
    this.database.exec(`PRAGMA synchronous = ${synchronous}`);
    return inTransaction(this.database, task);
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
