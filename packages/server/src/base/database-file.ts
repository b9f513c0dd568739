import { chmodSync, closeSync, existsSync, openSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Failure, systemErrorCode } from "./failure.ts";

/** What SQLite lays beside a database while it is open. */
export const besides = ["-wal", "-shm", "-journal"];

/** Opens a database that only its owner may read, making it where there is none. What SQLite lays beside it takes its mode. */
export function openDatabase(path: string): DatabaseSync {
  // Not opened where it is there: a close of it would drop the locks that another connection of this process has.
  if (path !== ":memory:" && !existsSync(path)) closeSync(openSync(path, "a", 0o600));
  for (const name of [path, ...besides.map((end) => path + end)]) makePrivate(name);
  return new DatabaseSync(path);
}

/** Takes everybody else's rights to a file away, where there is such a file. */
export function makePrivate(path: string): void {
  const { mode } = statSync(path, { throwIfNoEntry: false }) ?? { mode: 0 };
  if ((mode & 0o077) !== 0) chmodSync(path, 0o600);
}

/** Why a database cannot be used: no room, its content is not what was written, another program has it, or the disk fails. */
export type DatabaseFault = "full" | "damaged" | "locked" | "failing";

/** SQLite's primary result codes: https://www.sqlite.org/rescode.html */
const faultByCode: Readonly<Record<number, DatabaseFault>> = {
  5: "locked",
  6: "locked",
  8: "failing",
  10: "failing",
  11: "damaged",
  13: "full",
  14: "failing",
  26: "damaged",
};

/** What kind of fault an error of SQLite or of the file system is; null where it is none of them. */
export function databaseFault(error: unknown): DatabaseFault | null {
  if (systemErrorCode(error) === "ENOSPC" || systemErrorCode(error) === "EDQUOT") return "full";
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
  return faultByCode[code] ?? null;
}

/** Runs a task that writes; false where the disk has no room for it. */
export function tryWithRoom(task: () => unknown): boolean {
  try {
    task();
    return true;
  } catch (error) {
    if (databaseFault(error) !== "full") throw error;
    return false;
  }
}

const withoutBackup: Readonly<Record<string, string>> = {
  "access.db": "without one, devices and people must be registered anew",
  "audit.db": "without one, the record begins anew, and what is damaged can still be looked into",
  "commands.db": "without one, the commands given so far are gone, and nothing else",
  "notify.db": "without one, channels and notifications are gone, and people set theirs up anew",
  "alarms.db": "without one, the alarms and their rules begin anew; all else stays",
  "store.db": "without one, the samples begin anew; all else stays",
};

/** A database of the data folder that cannot be read: which, and what to do. */
export function damagedFailure(path: string, error: unknown): Failure {
  const [folder, name] = [dirname(path), basename(path)];
  const reason = error instanceof Error ? error.message : String(error);
  return new Failure(
    "data_damaged",
    `${path} is damaged: ${reason}. Nothing was changed. Bring a backup back: wattboard restore BACKUP --data-dir ${folder} --force (what is there is moved aside, not deleted). Or move ${name} and ${name}-wal out of the folder: ${withoutBackup[name] ?? "it begins anew"}.`,
    error,
  );
}

/** Reads from a database; what cannot be read is told by its name. Throws a `Failure`: `data_damaged`. */
export function readingFrom<T>(path: string, task: () => T): T {
  try {
    return task();
  } catch (error) {
    const isWorld = error instanceof Failure || ["full", "failing", "locked"].includes(databaseFault(error) ?? "");
    throw isWorld ? error : damagedFailure(path, error);
  }
}
