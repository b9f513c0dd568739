import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { hasEnded, limits } from "@wattboard/protocol/constants";
import { copyDatabase } from "../base/copy-database.ts";
import { openDatabase, readingFrom } from "../base/database-file.ts";
import { migrate, type Schema } from "../base/migrate.ts";
import { OpenFiles } from "../base/open-files.ts";
import { inTransaction } from "../base/transaction.ts";
import type { CommandRecord } from "./command-record.ts";
import type { CommandScope, PersistedCommands, Row } from "./command-store.ts";
import type { FleetCommandRecord, FleetTarget } from "./fleet-command-record.ts";

const steps = [
  `
  -- A command and all its steps are one JSON text: they are written and read together, and nobody asks for a part of them.
  CREATE TABLE command (
    number INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL,
    command_id TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (device_id, command_id)
  ) STRICT;
  CREATE INDEX command_open ON command (number) WHERE is_open = 1;
  CREATE INDEX command_by_device ON command (device_id, number);

  CREATE TABLE announcement (device_id TEXT PRIMARY KEY, announcement TEXT NOT NULL) STRICT;

  CREATE TABLE fleet_command (
    number INTEGER PRIMARY KEY,
    fleet_command_id TEXT NOT NULL UNIQUE,
    is_running INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT;

  CREATE TABLE fleet_target (
    fleet_command_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (fleet_command_id, device_id)
  ) STRICT, WITHOUT ROWID;
  `,
];

export const commandsFileName = "commands.db";
export const commandsSchema: Schema = { steps };

/** The bound over all devices is held once for so many commits. */
const tidyEvery = 1_000;

/** `commands.db`: used by one thread, which waits for the disk. */
export class CommandDatabase {
  readonly #path: string;
  readonly #files: OpenFiles;
  readonly #database: DatabaseSync;
  readonly #statements: Readonly<Record<string, StatementSync>>;
  #untilTidy = tidyEvery;

  constructor(path: string) {
    this.#path = path;
    // Who asked for what is nobody else's business on this machine.
    this.#database = openDatabase(path);
    // The lock first: without it SQLite needs room for a file that threads share, and there may be none.
    this.#database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    migrate(this.#database, commandsSchema);
    this.#files = new OpenFiles(path === ":memory:" ? [] : [path, `${path}-wal`]);
    const prepare = (sql: string): StatementSync => this.#database.prepare(sql);
    this.#statements = {
      saveCommand: prepare(
        `INSERT INTO command (device_id, command_id, is_open, created_at_ms, record) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (device_id, command_id)
         DO UPDATE SET is_open = excluded.is_open, created_at_ms = excluded.created_at_ms, record = excluded.record`,
      ),
      forgetOfDevice: prepare(
        `DELETE FROM command WHERE device_id = ?1 AND is_open = 0 AND number <= (
           SELECT number FROM command WHERE device_id = ?1 ORDER BY number DESC LIMIT 1 OFFSET ${limits.commandsKeptPerDevice})`,
      ),
      forgetOldest: prepare(
        `DELETE FROM command WHERE is_open = 0 AND number <= (
           SELECT number FROM command ORDER BY number DESC LIMIT 1 OFFSET ${limits.commandsKept})`,
      ),
      saveCapabilities: prepare("INSERT OR REPLACE INTO announcement (device_id, announcement) VALUES (?, ?)"),
      dropCapabilities: prepare("DELETE FROM announcement WHERE device_id = ?"),
      saveFleetCommand: prepare(
        `INSERT INTO fleet_command (fleet_command_id, is_running, record) VALUES (?, ?, ?)
         ON CONFLICT (fleet_command_id) DO UPDATE SET is_running = excluded.is_running, record = excluded.record`,
      ),
      saveFleetTarget: prepare(
        "INSERT OR REPLACE INTO fleet_target (fleet_command_id, device_id, target) VALUES (?, ?, ?)",
      ),
      forgetFleetCommands: prepare(
        `DELETE FROM fleet_command WHERE is_running = 0 AND number <= (
           SELECT number FROM fleet_command ORDER BY number DESC LIMIT 1 OFFSET ${limits.fleetCommandsKept})`,
      ),
      forgetFleetTargets: prepare(
        "DELETE FROM fleet_target WHERE fleet_command_id NOT IN (SELECT fleet_command_id FROM fleet_command)",
      ),
    };
  }

  load(): PersistedCommands {
    return readingFrom(this.#path, () => ({
      open: this.#read<CommandRecord>("SELECT record AS json FROM command WHERE is_open = 1 ORDER BY number"),
      capabilities: this.#database
        .prepare("SELECT * FROM announcement")
        .all()
        .map((row) => ({ deviceId: String(row.device_id), capabilities: JSON.parse(String(row.announcement)) })),
      fleetCommands: this.#read<FleetCommandRecord>("SELECT record AS json FROM fleet_command ORDER BY number"),
      fleetTargets: this.#read<FleetTarget>(
        "SELECT target AS json FROM fleet_target JOIN fleet_command USING (fleet_command_id) WHERE is_running = 1",
      ),
    }));
  }

  commit(rows: readonly Row[]): void {
    this.#files.assertInPlace();
    inTransaction(this.#database, () => {
      for (const row of rows) this.#save(row);
      if (--this.#untilTidy > 0) return;
      this.#statements.forgetOldest?.run();
      this.#untilTidy = tidyEvery;
    });
    this.#files.assertInPlace();
  }

  find({ key, sinceMs }: CommandScope, commandId: string): CommandRecord | null {
    const sql = "SELECT record AS json FROM command WHERE device_id = ? AND created_at_ms >= ? AND command_id = ?";
    return this.#read<CommandRecord>(sql, key, sinceMs, commandId)[0] ?? null;
  }

  list({ key, sinceMs }: CommandScope, limit: number): CommandRecord[] {
    const sql =
      "SELECT record AS json FROM command WHERE device_id = ? AND created_at_ms >= ? ORDER BY number DESC LIMIT ?";
    return this.#read(sql, key, sinceMs, limit);
  }

  fleetTargets(fleetCommandId: string): FleetTarget[] {
    return this.#read("SELECT target AS json FROM fleet_target WHERE fleet_command_id = ?", fleetCommandId);
  }

  copyTo(path: string): Promise<void> {
    return copyDatabase(this.#database, path);
  }

  close(): void {
    this.#database.close();
  }

  #save(row: Row): void {
    const statements = this.#statements;
    switch (row.table) {
      case "command": {
        const { deviceId, registrationKey = deviceId, commandId, status, createdAtMs } = row.record;
        const isOpen = hasEnded(status) ? 0 : 1;
        statements.saveCommand?.run(registrationKey, commandId, isOpen, createdAtMs, JSON.stringify(row.record));
        if (isOpen === 0) statements.forgetOfDevice?.run(registrationKey);
        return;
      }
      case "capabilities":
        if (row.capabilities === null) statements.dropCapabilities?.run(row.deviceId);
        else statements.saveCapabilities?.run(row.deviceId, JSON.stringify(row.capabilities));
        return;
      case "fleet_command": {
        const isRunning = row.record.endCounts === null ? 1 : 0;
        statements.saveFleetCommand?.run(row.record.fleetCommandId, isRunning, JSON.stringify(row.record));
        if (isRunning === 1) return;
        if (statements.forgetFleetCommands?.run().changes !== 0) statements.forgetFleetTargets?.run();
        return;
      }
      case "fleet_target": {
        const { fleetCommandId, deviceId } = row.target;
        statements.saveFleetTarget?.run(fleetCommandId, deviceId, JSON.stringify(row.target));
      }
    }
  }

  #read<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#database
      .prepare(sql)
      .all(...values)
      .map(({ json }) => JSON.parse(String(json)) as T);
  }
}
