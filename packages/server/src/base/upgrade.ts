import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { damagedFailure, databaseFault, makePrivate } from "./database-file.ts";
import { Failure } from "./failure.ts";
import { newerFailure, runSteps, type Schema, schemaVersion } from "./migrate.ts";
import { readJson } from "./read-json.ts";
import { version as ownVersion } from "./version.ts";

/** A database of the data folder. */
export interface DataFile {
  readonly name: string;
  readonly schema: Schema;
  /** It may have gigabytes: set aside only where there is room, and not read through at each start. */
  readonly isLarge?: boolean;
}

/** What is known of an upgrade, in `upgrade.json` beside the copies. */
interface UpgradeNote {
  /** The version that had the folder before; null where that is not known. */
  readonly from: string | null;
  readonly to: string;
  readonly at: string;
  /** False from before the first change until after the last. */
  readonly finished: boolean;
  /** What the copies are, and which schema they have. */
  readonly files: Readonly<Record<string, number>>;
}

export interface UpgradeOptions {
  readonly dataDir: string;
  readonly files: readonly DataFile[];
  /** The open connection to the one of them that locks the folder. */
  readonly locked: { readonly name: string; readonly database: DatabaseSync };
  readonly nowMs: number;
  /** Told what is done, for the log. */
  readonly tell: (what: string) => void;
}

interface Found extends DataFile {
  readonly path: string;
  readonly version: number;
}

const copiesFolderName = "before-upgrade";
const noteName = "upgrade.json";
/** Who had the folder last. */
const ownerName = "version.json";
/** The copies are removed by a start so long after the upgrade. */
const keptMs = 14 * 86_400_000;
/** What a copy leaves free on the disk. */
const spareBytes = 64 * 1024 * 1024;
const noRoom = "no room";
/** Room that SQLite may need to read what a killed server has left. */
const lookBytes = 1024 * 1024;
/** A database of at most so many bytes is read through before it is used. */
const checkedBytesMax = 64 * 1024 * 1024;

/**
 * Looks at all databases of a folder whose lock the caller holds, and only then brings those up to date that an older version has made:
 * copies of them are set aside first, and all of them are changed or none. Throws a `Failure`: `data_damaged`, `data_newer`, `disk_full`,
 * `upgrade_failed`; nothing was changed then.
 */
export function upgrade(options: UpgradeOptions): void {
  const { dataDir, nowMs } = options;
  const owner = (readJson(join(dataDir, ownerName)) as { version: string } | null)?.version ?? null;
  const found = options.files.map((file) => lookAt(options, file, owner));
  const due = found.filter(
    (file) => file !== null && file !== noRoom && file.version < file.schema.steps.length,
  ) as Found[];
  if (due.length > 0) {
    if (found.includes(noRoom)) throw upgradeFailure(dataDir, "The databases cannot be looked at", noRoom, owner);
    setAside(options, due, owner);
    changeAll(options, due, owner);
    options.tell(
      `the data folder is up to date: ${due.map(({ name, version, schema }) => `${name} from schema ${version} to ${schema.steps.length}`).join(", ")}`,
    );
  }
  careForCopies(dataDir, nowMs);
  if (owner === ownVersion) return;
  try {
    writeFileSync(join(dataDir, ownerName), `${JSON.stringify({ version: ownVersion })}\n`, { mode: 0o600 });
  } catch {
    // Only for the messages above.
  }
}

/** What the database is, as far as that can be told without changing it; null where it is new. SQLite needs some room even to read it. */
function lookAt(
  { dataDir, locked }: UpgradeOptions,
  file: DataFile,
  owner: string | null,
): Found | typeof noRoom | null {
  const { name, schema } = file;
  const path = join(dataDir, name);
  const { size } = statSync(path, { throwIfNoEntry: false }) ?? { size: 0 };
  if (size === 0) return null;
  let database: DatabaseSync | null = null;
  try {
    database = name === locked.name ? locked.database : new DatabaseSync(path, { readOnly: file.isLarge === true });
    // Alone, as those are used that are not large: without it SQLite lays a file beside them that threads share, and it stays there.
    if (file.isLarge !== true) database.exec("PRAGMA locking_mode = EXCLUSIVE");
    const version = schemaVersion(database);
    if (version > schema.steps.length) throw newer(dataDir, path, version, schema, owner);
    database.prepare("SELECT count(*) FROM sqlite_schema").get();
    if (file.isLarge !== true && size <= checkedBytesMax) {
      const check = database.prepare("PRAGMA quick_check(1)").get()?.quick_check;
      if (check !== "ok") throw damagedFailure(path, check);
    }
    return version === 0 ? null : { ...file, path, version };
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (databaseFault(error) === "damaged") throw damagedFailure(path, error);
    if (databaseFault(error) === "full" || freeBytes(dataDir) < lookBytes) return noRoom;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(
      "data_dir_not_writable",
      `${path} cannot be opened: ${reason}. Check that this user may read and write it, and that no other program has it open. Nothing was changed.`,
      error,
    );
  } finally {
    if (database !== locked.database) database?.close();
  }
}

function newer(dataDir: string, path: string, version: number, schema: Schema, owner: string | null): Failure {
  const note = readNote(dataDir);
  const who =
    owner === null || owner === ownVersion
      ? "the version that made it, or a newer one"
      : `${owner}, or a newer version`;
  const back =
    note === null
      ? ""
      : ` What it was before that upgrade of ${note.at} lies in ${join(dataDir, copiesFolderName)}: to go back, move ${Object.keys(note.files).join(", ")} with their -wal and -shm out of the folder, and copy those files into it.`;
  const { message } = newerFailure(path, version, schema.steps.length);
  return new Failure("data_newer", `${message} This is ${ownVersion}; start ${who}.${back}`);
}

/** Copies what is to be changed into `before-upgrade`, whose older content goes. The copies of an upgrade that broke off stay. */
function setAside(options: UpgradeOptions, due: readonly Found[], owner: string | null): void {
  const { dataDir, locked, nowMs, tell } = options;
  const earlier = readNote(dataDir);
  const folder = join(dataDir, copiesFolderName);
  const work = join(dataDir, `${copiesFolderName}.new`);
  const files: Record<string, number> = {};
  try {
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { mode: 0o700 });
    if (earlier?.finished === false) {
      for (const [name, version] of Object.entries(earlier.files)) {
        if (due.some((file) => file.name === name)) continue;
        copyFileSync(join(folder, name), join(work, name), constants.COPYFILE_FICLONE);
        files[name] = version;
      }
    }
    for (const { name, path, version, isLarge } of due) {
      const database = name === locked.name ? locked.database : new DatabaseSync(path);
      const copy = join(work, name);
      try {
        if (isLarge === true) {
          database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
          const { size } = statSync(path);
          if (freeBytes(dataDir) < size + spareBytes) {
            tell(`${name} is not set aside before its upgrade: its ${size} bytes find no room on the disk`);
            continue;
          }
          copyFileSync(path, copy, constants.COPYFILE_FICLONE);
        } else database.prepare("VACUUM INTO ?").run(copy);
      } finally {
        if (database !== locked.database) database.close();
      }
      makePrivate(copy);
      flush(copy);
      files[name] = version;
    }
    const at = new Date(nowMs).toISOString();
    const note: UpgradeNote = { from: owner, to: ownVersion, at, finished: false, files };
    writeFileSync(join(work, noteName), JSON.stringify(note), { mode: 0o600, flush: true });
    clearCopies(dataDir, nowMs);
    renameSync(work, folder);
    flush(dataDir);
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    throw upgradeFailure(dataDir, "Copies of the databases cannot be set aside before the upgrade", error, owner);
  }
  tell(`set aside before the upgrade: ${Object.keys(files).join(", ")} in ${folder}`);
}

/** Changes every one of them in a transaction of its own, and commits when all have been changed. */
function changeAll({ dataDir, locked }: UpgradeOptions, due: readonly Found[], owner: string | null): void {
  const open: { readonly name: string; readonly database: DatabaseSync }[] = [];
  let doing = "";
  try {
    for (const { name, path, schema } of due) {
      doing = name;
      const database = name === locked.name ? locked.database : new DatabaseSync(path);
      open.push({ name, database });
      // A commit that has returned is on the disk.
      database.exec("PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
      runSteps(database, schema);
    }
    // The largest stands last: where there is no room for its commit, none has been made yet.
    for (const { name, database } of open.reverse()) {
      doing = name;
      database.exec("COMMIT");
    }
  } catch (error) {
    for (const { database } of open) if (database.isTransaction) database.exec("ROLLBACK");
    throw upgradeFailure(dataDir, `${join(dataDir, doing)} cannot be brought up to date`, error, owner);
  } finally {
    for (const { database } of open) if (database !== locked.database) database.close();
  }
}

function upgradeFailure(dataDir: string, what: string, error: unknown, owner: string | null): Failure {
  const reason = error instanceof Error ? error.message : String(error);
  const before = owner === null || owner === ownVersion ? "The version before" : owner;
  if (error === noRoom || databaseFault(error) === "full") {
    return new Failure(
      "disk_full",
      `${what}: there is no room on the disk. Nothing was changed. Make room in ${dataDir} and start again; ${before} still opens it.`,
      error,
    );
  }
  return new Failure("upgrade_failed", `${what}: ${reason}. Nothing was changed: ${before} still opens it.`, error);
}

/** All is up to date: what says otherwise was written before a power failure, or a moment ago. Copies that are old enough go. */
function careForCopies(dataDir: string, nowMs: number): void {
  const note = readNote(dataDir);
  if (note === null) return;
  try {
    if (!note.finished) writeNote(dataDir, { ...note, finished: true });
    else if (nowMs - Date.parse(note.at) > keptMs) clearCopies(dataDir, nowMs);
  } catch {
    // The next start does it.
  }
}

/** Removes exactly what an upgrade has put there. Where something else lies in the folder, it is kept under another name. */
function clearCopies(dataDir: string, nowMs: number): void {
  const folder = join(dataDir, copiesFolderName);
  const note = readNote(dataDir);
  for (const name of note === null ? [] : [...Object.keys(note.files), noteName])
    rmSync(join(folder, name), { force: true });
  if (!existsSync(folder)) return;
  if (readdirSync(folder).length === 0) rmdirSync(folder);
  else renameSync(folder, `${folder}-${new Date(nowMs).toISOString().replaceAll(/[:.]/g, "-")}`);
}

function readNote(dataDir: string): UpgradeNote | null {
  return readJson(join(dataDir, copiesFolderName, noteName)) as UpgradeNote | null;
}

function writeNote(dataDir: string, note: UpgradeNote): void {
  const path = join(dataDir, copiesFolderName, noteName);
  writeFileSync(`${path}.new`, JSON.stringify(note), { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Waits until a file, or a folder's list of them, is on the disk. */
function flush(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
