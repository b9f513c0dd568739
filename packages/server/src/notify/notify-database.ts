import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { limits } from "@wattboard/protocol/constants";
import { copyDatabase } from "../base/copy-database.ts";
import { openDatabase, readingFrom } from "../base/database-file.ts";
import { migrate, type Schema } from "../base/migrate.ts";
import { OpenFiles } from "../base/open-files.ts";
import type { Requester } from "../base/requester.ts";
import { inTransaction } from "../base/transaction.ts";
import {
  isOver,
  type MaintenanceWindow,
  type NotificationRecord,
  type NotificationsQuery,
  type NotifyChannel,
  type NotifyRow,
  type PersistedNotify,
  type Preferences,
  personKey,
  type ToldSubject,
} from "./records.ts";

const steps = [
  `
  -- Each record is one JSON text: it is written and read as a whole, and nobody asks for a part of it. Those of channels hold secrets.
  CREATE TABLE channel (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE preferences (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE subject (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE maintenance_window (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE setting (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE notification (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    sent_at_ms INTEGER,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX notification_open ON notification (number) WHERE is_open = 1;
  CREATE INDEX notification_by_person ON notification (person, number);
  CREATE INDEX notification_sent ON notification (sent_at_ms) WHERE sent_at_ms IS NOT NULL;
  `,
];

export const notifyFileName = "notify.db";
export const notifySchema: Schema = { steps };

type RecordTable = Exclude<NotifyRow["table"], "notification">;
const recordTables: readonly RecordTable[] = ["channel", "preferences", "subject", "maintenance_window", "setting"];

/** `notify.db`: used by one thread, which waits for the disk. */
export class NotifyDatabase {
  readonly #path: string;
  readonly #files: OpenFiles;
  readonly #database: DatabaseSync;
  readonly #put: Readonly<Record<string, StatementSync>>;
  readonly #drop: Readonly<Record<string, StatementSync>>;
  readonly #saveNotification: StatementSync;
  readonly #forgetOldest: StatementSync;

  constructor(path: string) {
    this.#path = path;
    this.#database = openDatabase(path);
    // The lock first: without it SQLite needs room for a file that threads share, and there may be none.
    this.#database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    migrate(this.#database, notifySchema);
    this.#files = new OpenFiles(path === ":memory:" ? [] : [path, `${path}-wal`]);
    const each = (sql: (table: string) => string) =>
      Object.fromEntries(recordTables.map((table) => [table, this.#database.prepare(sql(table))]));
    this.#put = each((table) => `INSERT OR REPLACE INTO ${table} (id, record) VALUES (?, ?)`);
    this.#drop = each((table) => `DELETE FROM ${table} WHERE id = ?`);
    this.#saveNotification = this.#database.prepare(
      `INSERT INTO notification (id, person, is_open, sent_at_ms, record) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET is_open = excluded.is_open, sent_at_ms = excluded.sent_at_ms, record = excluded.record`,
    );
    this.#forgetOldest = this.#database.prepare(
      `DELETE FROM notification WHERE is_open = 0 AND number <= (
         SELECT number FROM notification WHERE is_open = 0 ORDER BY number DESC LIMIT 1 OFFSET ${limits.notificationsKept})`,
    );
  }

  load(sentSinceMs: number): PersistedNotify {
    return readingFrom(this.#path, () => ({
      channels: this.#records<NotifyChannel>("channel"),
      preferences: this.#records<Preferences>("preferences"),
      subjects: this.#records<ToldSubject>("subject"),
      windows: this.#records<MaintenanceWindow>("maintenance_window"),
      settings: Object.fromEntries(
        this.#all("SELECT id, record FROM setting").map(({ id, record }) => [id, JSON.parse(String(record))]),
      ),
      open: this.#all("SELECT record FROM notification WHERE is_open = 1 ORDER BY number").map(
        parseRecord<NotificationRecord>,
      ),
      sent: this.#all("SELECT record FROM notification WHERE sent_at_ms >= ?", sentSinceMs)
        .map(parseRecord<NotificationRecord>)
        .flatMap(({ person, messageId, sentAtMs }) =>
          messageId === null || sentAtMs === null ? [] : [{ person, messageId, atMs: sentAtMs }],
        ),
    }));
  }

  commit(rows: readonly NotifyRow[]): void {
    this.#files.assertInPlace();
    inTransaction(this.#database, () => {
      let haveEnded = false;
      for (const row of rows) {
        if (row.table !== "notification") {
          if (row.record === null) this.#drop[row.table]?.run(row.id);
          else this.#put[row.table]?.run(row.id, JSON.stringify(row.record));
          continue;
        }
        const { record } = row;
        this.#saveNotification.run(
          row.id,
          personKey(record.person),
          isOver(record) ? 0 : 1,
          record.sentAtMs,
          JSON.stringify(record),
        );
        haveEnded ||= isOver(record);
      }
      if (haveEnded) this.#forgetOldest.run();
    });
    this.#files.assertInPlace();
  }

  list({ person, limit, before }: NotificationsQuery): { number: number; record: NotificationRecord }[] {
    const below = before ?? Number.MAX_SAFE_INTEGER;
    const rows =
      person === null
        ? this.#all("SELECT * FROM notification WHERE number < ? ORDER BY number DESC LIMIT ?", below, limit)
        : this.#all(
            "SELECT * FROM notification WHERE person = ? AND number < ? ORDER BY number DESC LIMIT ?",
            personKey(person satisfies Requester),
            below,
            limit,
          );
    return rows.map((row) => ({ number: Number(row.number), record: parseRecord<NotificationRecord>(row) }));
  }

  copyTo(path: string): Promise<void> {
    return copyDatabase(this.#database, path);
  }

  close(): void {
    this.#database.close();
  }

  #records<T>(table: RecordTable): T[] {
    return this.#all(`SELECT record FROM ${table} ORDER BY id`).map(parseRecord<T>);
  }

  #all(sql: string, ...values: SQLInputValue[]) {
    return this.#database.prepare(sql).all(...values);
  }
}

function parseRecord<T>({ record }: { record?: unknown }): T {
  return JSON.parse(String(record)) as T;
}
