import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { BlockStore } from "../../packages/server/dist/store/embedded/block-store.js";
import type { Chance } from "./chance.ts";
import type { WallClock } from "./timeline.ts";

/** In memory where there is such a folder: what survives a crash is decided here, not by the machine's disk. */
const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** It was committed, and nobody could know. */
export class FailedBehindCommit extends Error {}

/**
 * The disk of the server, with the store's real file on it. What was not made sure of (fsync) may be gone after a power failure, in whole or from some
 * byte on; what was stays.
 */
export class ServerDisk {
  readonly #folder = mkdtempSync(join(parent, "wattboard-simulation-"));
  readonly #wall: WallClock;
  readonly #openBytesMax: number;
  readonly #chance: Chance;
  #generation = 0;
  #store: BlockStore | null = null;
  /** The log of the store's file up to here survives a power failure, bytes. */
  #syncedBytes = 0;
  #backup: string | null = null;
  /** Each commit fails once it has happened, as where the folder is moved away and back. */
  isFailingBehindCommits = false;

  constructor(wall: WallClock, openBytesMax: number, chance: Chance) {
    this.#wall = wall;
    this.#openBytesMax = openBytesMax;
    this.#chance = chance;
  }

  get #path(): string {
    return join(this.#folder, `${this.#generation}.db`);
  }

  /** The store, as it is opened by a process that has just begun. */
  open(monotonicMs: () => number): BlockStore {
    const limits = {
      openBytesMax: this.#openBytesMax,
      journalBytesMax: 64 * 1024 * 1024,
      retentionMs: 0,
      bytesMax: 0,
    };
    const store = new BlockStore(this.#path, limits, () => this.#wall.nowMs, undefined, monotonicMs);
    const { tables } = store;
    const durably = tables.durably.bind(tables);
    tables.durably = (task) => {
      const result = durably(task);
      if (this.isFailingBehindCommits) throw new FailedBehindCommit("the folder is gone");
      return result;
    };
    this.#watchSyncs(tables.database);
    this.#store = store;
    this.#syncedBytes = this.#logBytes();
    return store;
  }

  /** The process that had the store open is gone; with `isPowerLost` the machine was switched off. */
  crash(isPowerLost: boolean): void {
    const store = this.#store;
    if (store === null) return;
    const from = this.#path;
    const logBytes = this.#logBytes();
    this.#generation++;
    this.#copy(from, this.#path);
    if (isPowerLost && logBytes > this.#syncedBytes) {
      truncateSync(`${this.#path}-wal`, this.#chance.between(this.#syncedBytes, logBytes));
    }
    this.#close(store, from);
  }

  /** The process ends in an orderly way. */
  close(): void {
    this.#store?.close();
    this.#store = null;
  }

  get hasBackup(): boolean {
    return this.#backup !== null;
  }

  /** Keeps the store as it is now. */
  backUp(): void {
    if (this.#store === null) return;
    this.#backup = join(this.#folder, `backup-${this.#generation}-${this.#syncedBytes}.db`);
    this.#copy(this.#path, this.#backup);
  }

  /** The process is gone, and the backup takes the place of the store. */
  restore(): void {
    const [store, backup] = [this.#store, this.#backup];
    if (store === null || backup === null) return;
    const from = this.#path;
    this.#generation++;
    this.#copy(backup, this.#path);
    this.#close(store, from);
  }

  discard(): void {
    this.#store?.tables.close();
    this.#store = null;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** SQLite makes sure of its log with each commit that is `FULL`. */
  #watchSyncs(database: DatabaseSync): void {
    const exec = database.exec.bind(database);
    let isFull = false;
    database.exec = (sql) => {
      exec(sql);
      if (sql.startsWith("PRAGMA synchronous")) isFull = sql.endsWith("FULL");
      if (sql === "COMMIT" && isFull) this.#syncedBytes = this.#logBytes();
    };
  }

  #close(store: BlockStore, path: string): void {
    store.tables.close();
    this.#store = null;
    for (const end of ["", "-wal", "-shm"]) rmSync(path + end, { force: true });
  }

  #copy(from: string, to: string): void {
    for (const end of ["", "-wal"]) if (existsSync(from + end)) copyFileSync(from + end, to + end);
  }

  #logBytes(): number {
    return statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }
}
