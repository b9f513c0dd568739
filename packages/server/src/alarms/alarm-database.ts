import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { limits } from "@wattboard/protocol/constants";
import { copyDatabase } from "../base/copy-database.ts";
import { openDatabase, readingFrom } from "../base/database-file.ts";
import { migrate, type Schema } from "../base/migrate.ts";
import { OpenFiles } from "../base/open-files.ts";
import { inTransaction } from "../base/transaction.ts";
import type { AlarmMember, AlarmRecord, AlarmRule } from "./alarm-record.ts";
import type { AlarmRow, EndedAlarm, EndedQuery, MembersQuery, PersistedAlarms } from "./alarm-store.ts";

const steps = [
  `
  -- What is looked for has a column; all else of an alarm is one JSON text, written and read together.
  CREATE TABLE alarm (
    number INTEGER PRIMARY KEY,
    alarm_id TEXT NOT NULL UNIQUE,
    is_open INTEGER NOT NULL,
    rule_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    raised_at_ms INTEGER NOT NULL,
    cleared_at_ms INTEGER,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX alarm_open ON alarm (number) WHERE is_open = 1;
  CREATE INDEX alarm_ended ON alarm (raised_at_ms, number) WHERE is_open = 0;

  CREATE TABLE member (
    number INTEGER NOT NULL,
    key TEXT NOT NULL,
    device_id TEXT NOT NULL,
    member TEXT NOT NULL,
    PRIMARY KEY (number, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX member_by_key ON member (key, number);

  CREATE TABLE rule (rule_id TEXT PRIMARY KEY, rule TEXT NOT NULL) STRICT;
  CREATE TABLE onset (
    rule_id TEXT NOT NULL,
    key TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (rule_id, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE usual_step (key TEXT PRIMARY KEY, step_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `,
];

export const alarmsFileName = "alarms.db";
export const alarmsSchema: Schema = { steps };

/** The bound on alarms that are over is held once for so many commits that end one. */
const tidyEvery = 100;
const membersShown = 20;

/** `alarms.db`: used by one thread, which waits for the disk. */
export class AlarmDatabase {
  readonly #path: string;
  readonly #files: OpenFiles;
  readonly #database: DatabaseSync;
  readonly #statements: Readonly<Record<string, StatementSync>>;
  #untilTidy = 1;

  constructor(path: string) {
    this.#path = path;
    this.#database = openDatabase(path);
    // The lock first: without it SQLite needs room for a file that threads share, and there may be none.
    this.#database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    migrate(this.#database, alarmsSchema);
    this.#files = new OpenFiles(path === ":memory:" ? [] : [path, `${path}-wal`]);
    const prepare = (sql: string): StatementSync => this.#database.prepare(sql);
    this.#statements = {
      saveAlarm: prepare(
        `INSERT INTO alarm (number, alarm_id, is_open, rule_id, kind, severity, raised_at_ms, cleared_at_ms, record)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET
         is_open = excluded.is_open, severity = excluded.severity, raised_at_ms = excluded.raised_at_ms,
         cleared_at_ms = excluded.cleared_at_ms, record = excluded.record`,
      ),
      forgetOldest: prepare(
        `DELETE FROM alarm WHERE is_open = 0 AND number <= (
           SELECT number FROM alarm WHERE is_open = 0 ORDER BY number DESC LIMIT 1 OFFSET ${limits.alarmsKept})`,
      ),
      forgetMembers: prepare("DELETE FROM member WHERE number NOT IN (SELECT number FROM alarm)"),
      // Beyond them the devices of an alarm that is over are counted, and not listed.
      shortenMembers: prepare(
        `DELETE FROM member WHERE number = ?1 AND key NOT IN (
           SELECT key FROM member WHERE number = ?1 ORDER BY device_id LIMIT ${limits.alarmDevicesKept})`,
      ),
      saveMember: prepare("INSERT OR REPLACE INTO member (number, key, device_id, member) VALUES (?, ?, ?, ?)"),
      saveRule: prepare("INSERT OR REPLACE INTO rule (rule_id, rule) VALUES (?, ?)"),
      dropRule: prepare("DELETE FROM rule WHERE rule_id = ?"),
      saveOnset: prepare("INSERT OR REPLACE INTO onset (rule_id, key, since_ms) VALUES (?, ?, ?)"),
      dropOnset: prepare("DELETE FROM onset WHERE rule_id = ? AND key = ?"),
      saveStep: prepare("INSERT OR REPLACE INTO usual_step (key, step_ms) VALUES (?, ?)"),
      dropStep: prepare("DELETE FROM usual_step WHERE key = ?"),
    };
  }

  load(): PersistedAlarms {
    return readingFrom(this.#path, () => ({
      rules: this.#read<AlarmRule>("SELECT rule AS json FROM rule ORDER BY rowid"),
      open: this.#read<AlarmRecord>("SELECT record AS json FROM alarm WHERE is_open = 1 ORDER BY number"),
      members: this.#database
        .prepare("SELECT number, member FROM member JOIN alarm USING (number) WHERE is_open = 1")
        .all()
        .map((row) => ({ number: Number(row.number), member: JSON.parse(String(row.member)) as AlarmMember })),
      onsets: this.#database
        .prepare("SELECT rule_id, key, since_ms FROM onset")
        .all()
        .map((row) => ({ ruleId: String(row.rule_id), key: String(row.key), sinceMs: Number(row.since_ms) })),
      usualSteps: this.#database
        .prepare("SELECT key, step_ms FROM usual_step")
        .all()
        .map((row) => ({ key: String(row.key), stepMs: Number(row.step_ms) })),
      lastNumber: Number(this.#database.prepare("SELECT max(number) AS last FROM alarm").get()?.last ?? 0),
    }));
  }

  commit(rows: readonly AlarmRow[]): void {
    this.#files.assertInPlace();
    inTransaction(this.#database, () => {
      for (const row of rows) this.#save(row);
    });
    this.#files.assertInPlace();
  }

  listEnded({ limit, before, keys, ...filter }: EndedQuery): EndedAlarm[] {
    const conditions = ["is_open = 0"];
    const values: SQLInputValue[] = [];
    const where = (sql: string, ...given: SQLInputValue[]): void => {
      conditions.push(sql);
      values.push(...given);
    };
    if (before !== undefined) where("(raised_at_ms, number) < (?, ?)", before.raisedAtMs, before.number);
    const { severities, kinds, ruleId, fromMs, toMs } = filter;
    if (severities !== undefined) where("severity IN (SELECT value FROM json_each(?))", JSON.stringify(severities));
    if (kinds !== undefined) where("kind IN (SELECT value FROM json_each(?))", JSON.stringify(kinds));
    if (ruleId !== undefined) where("rule_id = ?", ruleId);
    if (fromMs !== undefined) where("cleared_at_ms >= ?", fromMs);
    if (toMs !== undefined) where("raised_at_ms < ?", toMs);
    if (keys !== undefined) {
      where(
        "number IN (SELECT number FROM member WHERE key IN (SELECT value FROM json_each(?)))",
        JSON.stringify(keys),
      );
    }
    const sql = `SELECT record AS json FROM alarm WHERE ${conditions.join(" AND ")} ORDER BY raised_at_ms DESC, number DESC LIMIT ?`;
    return this.#read<AlarmRecord>(sql, ...values, limit).map((record) => this.#withMembers(record, keys));
  }

  find(alarmId: string, keys?: readonly string[]): EndedAlarm | null {
    const [record] = this.#read<AlarmRecord>("SELECT record AS json FROM alarm WHERE alarm_id = ?", alarmId);
    return record === undefined ? null : this.#withMembers(record, keys);
  }

  listMembers(number: number, { limit, after = "", keys }: MembersQuery): AlarmMember[] {
    const [sql, values] = ofKeys("SELECT member AS json FROM member WHERE number = ? AND device_id > ?", keys);
    return this.#read(`${sql} ORDER BY device_id LIMIT ?`, number, after, ...values, limit);
  }

  copyTo(path: string): Promise<void> {
    return copyDatabase(this.#database, path);
  }

  close(): void {
    this.#database.close();
  }

  #withMembers(record: AlarmRecord, keys: readonly string[] | undefined): EndedAlarm {
    const members = this.listMembers(record.number, { limit: membersShown, keys });
    if (keys === undefined) return { record, members, memberCount: record.deviceCount };
    const [sql, values] = ofKeys("SELECT count(*) AS count FROM member WHERE number = ?", keys);
    const counted = this.#database.prepare(sql).get(record.number, ...values);
    return { record, members, memberCount: Number(counted?.count) };
  }

  #save(row: AlarmRow): void {
    const statements = this.#statements;
    switch (row.table) {
      case "alarm": {
        this.#saveAlarm(row.record);
        return;
      }
      case "member": {
        const { key, deviceId } = row.member;
        statements.saveMember?.run(row.number, key, deviceId, JSON.stringify(row.member));
        return;
      }
      case "rule":
        if (row.rule === null) statements.dropRule?.run(row.ruleId);
        else statements.saveRule?.run(row.ruleId, JSON.stringify(row.rule));
        return;
      case "onset":
        if (row.sinceMs === null) statements.dropOnset?.run(row.ruleId, row.key);
        else statements.saveOnset?.run(row.ruleId, row.key, row.sinceMs);
        return;
      case "usual_step":
        if (row.stepMs === null) statements.dropStep?.run(row.key);
        else statements.saveStep?.run(row.key, row.stepMs);
    }
  }

  #saveAlarm(record: AlarmRecord): void {
    const { number, alarmId, ruleId, kind, severity, raisedAtMs, clearedAtMs } = record;
    const statements = this.#statements;
    const isOpen = clearedAtMs === null ? 1 : 0;
    const json = JSON.stringify(record);
    statements.saveAlarm?.run(number, alarmId, isOpen, ruleId, kind, severity, raisedAtMs, clearedAtMs, json);
    if (isOpen === 1) return;
    if (record.deviceCount > limits.alarmDevicesKept) statements.shortenMembers?.run(number);
    if (--this.#untilTidy > 0) return;
    this.#untilTidy = tidyEvery;
    if (statements.forgetOldest?.run().changes !== 0) statements.forgetMembers?.run();
  }

  #read<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#database
      .prepare(sql)
      .all(...values)
      .map(({ json }) => JSON.parse(String(json)) as T);
  }
}

function ofKeys(sql: string, keys: readonly string[] | undefined): [sql: string, values: string[]] {
  if (keys === undefined) return [sql, []];
  return [`${sql} AND key IN (SELECT value FROM json_each(?))`, [JSON.stringify(keys)]];
}
