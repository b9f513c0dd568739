import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { damagedFailure, databaseFault, openDatabase } from "../base/database-file.ts";
import { Failure } from "../base/failure.ts";
import { migrate, type Schema } from "../base/migrate.ts";

const steps = [
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
  `
  -- The how manyeth registration of its id it is, which makes the key that its samples are stored under; those of earlier versions all went
  -- under the id, as first ones do. Of one that has 'history_from_ms', what stands under its key from before that is another's.
  ALTER TABLE device ADD COLUMN registration INTEGER NOT NULL DEFAULT 1;

  -- The registration of the id that ended last, how many there have been, so that no key is given again, and what the first one had.
  ALTER TABLE former_device ADD COLUMN registration INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE former_device ADD COLUMN registrations INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE former_device ADD COLUMN history_from_ms INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- By which a new token is sealed for whoever has the present one; null: it was not needed so far.
  ALTER TABLE device ADD COLUMN seal_key BLOB;

  -- Devices that have not come with their new token yet. 'former': the tokens of before, which hold until then, as JSON: salt, hash, seal key, and the
  -- new token sealed for whoever comes with it. The row goes when the device has come with the new one.
  CREATE TABLE token_rotation (
    device_id TEXT PRIMARY KEY,
    former TEXT NOT NULL,
    until_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- The code of a box's label, and who has used it: their name and when their account was made; null: nobody yet. A code that was used stays, to
  -- tell whoever comes with it again from whoever guesses.
  CREATE TABLE claim (
    device_id TEXT PRIMARY KEY,
    code_salt BLOB NOT NULL,
    code_hash BLOB NOT NULL,
    labelled_at_ms INTEGER NOT NULL,
    owner TEXT,
    owner_since_ms INTEGER,
    claimed_at_ms INTEGER
  ) STRICT, WITHOUT ROWID;
  `,
];

export const accessFileName = "access.db";
export const accessSchema: Schema = { steps };

/**
 * Opens `access.db`, which holds who may do what, and with it locks the data folder: the lock is the file's own, so it is gone with the
 * process however that ends. Where somebody else has it, waits for `waitMs`, standing still. Changes nothing in it yet. Throws a `Failure`:
 * `data_dir_in_use`, `data_dir_not_writable`, `data_damaged`, `disk_full`.
 */
export function lockAccessFile(dataDir: string, waitMs = 0): DatabaseSync {
  let database: DatabaseSync | null = null;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    // Whoever reads the hashes can try out an operator's own tokens at leisure.
    database = openDatabase(join(dataDir, accessFileName));
    database.exec(`PRAGMA busy_timeout = ${waitMs}; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT`);
    return database;
  } catch (error) {
    database?.close();
    throw accessFailure(dataDir, error);
  }
}

/** Brings `access.db` up to date, for use. Throws a `Failure`, as `lockAccessFile` and `data_newer`; the file is closed then. */
export function readyAccessFile(dataDir: string, database: DatabaseSync): void {
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    migrate(database, accessSchema);
  } catch (error) {
    database.close();
    throw accessFailure(dataDir, error);
  }
}

/** What an error on the way to an open data folder means, and what to do. */
export function accessFailure(dataDir: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const reason = error instanceof Error ? error.message : String(error);
  switch (databaseFault(error)) {
    case "locked":
      return new Failure(
        "data_dir_in_use",
        `The data folder ${dataDir} is in use by another Wattboard. Stop it, or choose another folder with --data-dir.`,
        error,
      );
    case "damaged":
      return damagedFailure(join(dataDir, accessFileName), error);
    case "full":
      return new Failure(
        "disk_full",
        `The data folder ${dataDir} cannot be made: there is no room on its disk. Make room, and start again.`,
        error,
      );
    default:
      return new Failure(
        "data_dir_not_writable",
        `The data folder ${dataDir} cannot be used: ${reason}. Check that it exists or can be made, and that this user may write there.`,
        error,
      );
  }
}
