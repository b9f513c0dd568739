import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Failure } from "../base/failure.ts";
import { migrate } from "../base/migrate.ts";

const migrations = [
  `
  CREATE TABLE device (
    device_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    properties TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    token_salt BLOB,
    token_hash BLOB
  ) STRICT;

  CREATE TABLE api_token (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER,
    token_salt BLOB NOT NULL,
    token_hash BLOB NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE person (
    name TEXT PRIMARY KEY,
    email TEXT UNIQUE,
    role TEXT NOT NULL,
    devices TEXT,
    password_hash TEXT,
    created_at_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE session (
    key TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    address TEXT NOT NULL
  ) STRICT;

  CREATE TABLE one_time_link (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    person TEXT,
    expires_at_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE share_link (
    share_id TEXT PRIMARY KEY,
    secret_key TEXT NOT NULL UNIQUE,
    device_id TEXT NOT NULL,
    label TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
  ) STRICT;

  ALTER TABLE api_token ADD COLUMN devices TEXT;
  `,
  `
  ALTER TABLE device ADD COLUMN reported TEXT NOT NULL DEFAULT '{}';
  `,
  `
  ALTER TABLE device ADD COLUMN history_from_ms INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE former_device (
    device_id TEXT PRIMARY KEY,
    removed_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Whom they rest on, as JSON; null: made by an earlier version.
  ALTER TABLE share_link ADD COLUMN made_by TEXT;
  ALTER TABLE api_token ADD COLUMN made_by TEXT;
  ALTER TABLE one_time_link ADD COLUMN made_by TEXT;

  CREATE TABLE known_browser (
    key TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    address TEXT NOT NULL,
    seen_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

export const accessFileName = "access.db";

/**
 * Opens `access.db`, which holds who may do what, and with it locks the data folder: the lock is the file's own, so it is gone with the
 * process however that ends. Where somebody else has it, waits for `waitMs`, standing still. Throws a `Failure`: `data_dir_in_use`, `data_dir_not_writable`.
 */
export function openAccessFile(dataDir: string, { waitMs = 0 } = {}): DatabaseSync {
  let database: DatabaseSync | null = null;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const path = join(dataDir, accessFileName);
    database = new DatabaseSync(path);
    // Whoever reads the hashes can try out an operator's own tokens at leisure.
    chmodSync(path, 0o600);
    database.exec(`PRAGMA busy_timeout = ${waitMs}; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT`);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    migrate(database, migrations);
    return database;
  } catch (error) {
    database?.close();
    const reason = error instanceof Error ? error.message : String(error);
    if (isLocked(error)) {
      throw new Failure(
        "data_dir_in_use",
        `The data folder ${dataDir} is in use by another Wattboard. Stop it, or choose another folder with --data-dir.`,
        error,
      );
    }
    throw new Failure(
      "data_dir_not_writable",
      `The data folder ${dataDir} cannot be used: ${reason}. Check that it exists or can be made, and that this user may write there.`,
      error,
    );
  }
}

const SQLITE_BUSY = 5;

function isLocked(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}
