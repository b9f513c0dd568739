import { statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { type CancelTimer, type Clock, untilNextTurn } from "../../base/clock.ts";
import { copyDatabase } from "../../base/copy-database.ts";
import { type DatabaseFault, damagedFailure, databaseFault, openDatabase } from "../../base/database-file.ts";
import { Failure } from "../../base/failure.ts";
import { migrate, type Schema } from "../../base/migrate.ts";
import { OpenFiles } from "../../base/open-files.ts";
import { inTransaction } from "../../base/transaction.ts";
import { accessFileName } from "../access-file.ts";
import { AuditArchive, firstSeqOf } from "./audit-archive.ts";
import { type AuditRow, type ChainedRow, ChainWalk, chainHash, chainStart } from "./audit-chain.ts";

/** Something to be recorded: who did what to what, from where, and how it ended. */
export interface AuditEntry {
  readonly who: string;
  readonly address: string;
  readonly action: string;
  readonly deviceId?: string | null;
  readonly target?: string | null;
  readonly outcome?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** An entry that could not be recorded when it was due. */
export interface OwedEntry extends AuditEntry {
  readonly atMs: number;
}

export interface AuditFilter {
  readonly deviceId?: string | undefined;
  readonly who?: string | undefined;
  readonly action?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

export interface AuditReport {
  /** Null: the chain is whole. */
  readonly fault: string | null;
  readonly rows: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Noted elsewhere, it shows later whether rows at the end were cut off or the whole chain was written anew. */
  readonly lastHash: string;
}

export interface AuditLimits {
  /** Rows in `audit.db`; above it the oldest go to an archive file. */
  readonly rowsMax: number;
  /** Archive files; above it the oldest is deleted. */
  readonly archivesMax: number;
}

/** For whoever opens the audit but is not the server: what becomes of the oldest rows is left to that, whose settings say it. */
export const unarchived: AuditLimits = { rowsMax: Number.POSITIVE_INFINITY, archivesMax: Number.POSITIVE_INFINITY };

const steps = [
  `
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    device_id TEXT,
    target TEXT,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE INDEX audit_by_device ON audit (device_id, seq) WHERE device_id IS NOT NULL;
  CREATE INDEX audit_by_who ON audit (who, seq);
  CREATE INDEX audit_by_action ON audit (action, seq);

  CREATE TABLE archived (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  INSERT INTO archived VALUES (1, 0, '${chainStart}');

  CREATE TABLE probe (only INTEGER PRIMARY KEY CHECK (only = 1), count INTEGER NOT NULL) STRICT;
  INSERT INTO probe VALUES (1, 0);

  CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
  CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit WHEN old.seq > (SELECT seq FROM archived)
  BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
  `,
];

/** Rows that are read in one turn of the event loop; more would hold up live samples. */
const turnRows = 100;
export const auditFileName = "audit.db";
export const auditSchema: Schema = { steps };

/** Rows in one archive file. */
const sliceRows = 1_000;
const textLengthMax = 256;
const detailLengthMax = 4_096;
/** After a record the file is forced to the disk within this time, off the event loop. */
const syncMs = 1_000;
/**
 * The write-ahead log is moved into the file once it has this many bytes and nothing was recorded for `syncMs`: SQLite waits for the disk then, and
 * in the middle of a thousand commands live samples would wait with it. At eight times as many it does so whatever happens.
 */
const logBytesUsual = 4 * 1024 * 1024;
const logPagesMax = (8 * logBytesUsual) / 4_096;

/**
 * Who did what to which device when, from where, and how it ended: append-only, and each row chained to the one before by its hash.
 *
 * Writes are synchronous and go to the operating system at once, so they outlive this process however it ends; a second later at most they
 * are forced to the disk. Opens `audit.db` in the data folder, whose lock the caller holds. Throws a `Failure`: `audit_failed`.
 */
export class Audit {
  readonly #clock: Clock;
  readonly #folder: string;
  readonly #limits: AuditLimits;
  readonly #archive: AuditArchive;
  readonly #database: DatabaseSync;
  readonly #files: OpenFiles;
  readonly #insert: StatementSync;
  readonly #probe: StatementSync;
  #lastSeq: number;
  #lastHash: string;
  #rows: number;
  /** The last row when it was last looked after. */
  #seqAtCare = -1;
  #cancelSync: CancelTimer | null = null;

  constructor(dataDir: string, clock: Clock, limits: AuditLimits) {
    this.#clock = clock;
    this.#folder = dataDir;
    this.#limits = limits;
    this.#archive = new AuditArchive(dataDir, limits.archivesMax);
    const path = join(dataDir, auditFileName);
    let database: DatabaseSync | null = null;
    try {
      database = openDatabase(path);
      this.#database = database;
      this.#database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
      this.#database.exec(`PRAGMA wal_autocheckpoint = ${logPagesMax}`);
      migrate(this.#database, auditSchema);
      this.#insert = this.#database.prepare(
        "INSERT INTO audit (seq, at_ms, who, address, action, device_id, target, outcome, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      );
      // With the registrations, whose changes it records: those are written beside it.
      const names = [auditFileName, accessFileName].flatMap((name) => [name, `${name}-wal`]);
      this.#files = new OpenFiles(names.map((name) => join(dataDir, name)));
      this.#probe = this.#database.prepare("UPDATE probe SET count = count + 1");
      const last = this.#database.prepare("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").get();
      const { seq, hash } = last ?? this.#archived();
      this.#lastSeq = Number(seq);
      this.#lastHash = String(hash);
      this.#rows = Number(this.#database.prepare("SELECT count(*) AS count FROM audit").get()?.count);
    } catch (error) {
      database?.close();
      throw databaseFault(error) === "damaged" ? damagedFailure(path, error) : this.#failure(error);
    }
  }

  /** Throws the `Failure` that a record would meet just now; asked before something is done that could not be undone. */
  assertWritable(): void {
    try {
      this.#files.assertInPlace();
      this.#probe.run();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Records one act. Throws a `Failure` (`audit_failed`) where it cannot: then what was to be recorded must not be done. */
  record(entry: AuditEntry): void {
    this.recordAll([entry]);
  }

  /** Records what holds already, whatever the disk says: where it cannot be written now, `owe` is given it with the reason, and may throw that. */
  recordOrOwe(entry: AuditEntry, owe: (entry: OwedEntry, reason: unknown) => void): void {
    try {
      this.record(entry);
    } catch (error) {
      owe({ ...entry, atMs: this.#clock.wallMs() }, error);
    }
  }

  /** Makes up for entries that were owed; each tells when it was due. Throws as `record` does. */
  recordOwed(owed: readonly OwedEntry[]): void {
    this.recordAll(
      owed.map(({ atMs, ...entry }) => ({
        ...entry,
        detail: { ...entry.detail, done_at: new Date(atMs).toISOString() },
      })),
    );
  }

  /** Does what takes long, and records how it ended: `done` or `failed`. Where it could not be recorded it is not begun: throws as `record` does. */
  async recordTask<T>(entry: Omit<AuditEntry, "outcome">, act: () => Promise<T>): Promise<T> {
    this.assertWritable();
    let outcome = "failed";
    try {
      const result = await act();
      const isRefused = typeof result === "object" && result !== null && "code" in result;
      outcome = isRefused ? String(result.code) : "done";
      return result;
    } finally {
      this.record({ ...entry, outcome });
    }
  }

  /** Records many acts, all or none, in a single write. Throws as `record` does. */
  recordAll(entries: readonly AuditEntry[]): void {
    let seq = this.#lastSeq;
    let hash = this.#lastHash;
    try {
      this.#files.assertInPlace();
      inTransaction(this.#database, () => {
        for (const entry of entries) {
          const row = this.#rowOf(entry, ++seq);
          hash = chainHash(hash, row);
          const { atMs, who, address, action, deviceId, target, outcome, detail } = row;
          this.#insert.run(seq, atMs, who, address, action, deviceId, target, outcome, JSON.stringify(detail), hash);
        }
      });
    } catch (error) {
      throw this.#failure(error);
    }
    this.#lastSeq = seq;
    this.#lastHash = hash;
    this.#rows += entries.length;
    this.#cancelSync ??= this.#clock.after(syncMs, () => void this.#maintain());
  }

  /** Newest first, at most `limit`, older than row `beforeSeq`. */
  list(filter: AuditFilter, limit: number, beforeSeq = Number.MAX_SAFE_INTEGER): ChainedRow[] {
    const conditions = ["seq < ?"];
    const values: SQLInputValue[] = [beforeSeq];
    const need = (condition: string, value: SQLInputValue | undefined): void => {
      if (value === undefined) return;
      conditions.push(condition);
      values.push(value);
    };
    need("device_id = ?", filter.deviceId);
    need("who = ?", filter.who);
    need("action = ?", filter.action);
    need("at_ms >= ?", filter.fromMs);
    need("at_ms < ?", filter.toMs);
    const where = conditions.join(" AND ");
    return this.#database
      .prepare(`SELECT * FROM audit WHERE ${where} ORDER BY seq DESC LIMIT ?`)
      .all(...values, limit)
      .map(rowFrom);
  }

  /** Every row that fits, newest first, in slices, so that the event loop has its turns between them. */
  async *export(filter: AuditFilter): AsyncGenerator<ChainedRow[]> {
    let beforeSeq: number | undefined;
    do {
      const slice = this.list(filter, turnRows, beforeSeq);
      if (slice.length > 0) yield slice;
      beforeSeq = slice.length < turnRows ? undefined : slice.at(-1)?.seq;
      await untilNextTurn(this.#clock);
    } while (beforeSeq !== undefined);
  }

  /** Follows the whole chain, archive files included, and says where it is broken first. */
  async verify(): Promise<AuditReport> {
    const walk = new ChainWalk();
    const archives = this.#archive.names();
    const [oldest] = archives;
    const first = oldest === undefined ? 1 : firstSeqOf(oldest);
    const archived = this.#archived();
    // Older archive files may have been deleted, by the limit or by hand: then the chain is followed from the first that is left.
    let isBegun = first === 1;
    for (const name of archives) {
      for (const row of this.#archive.read(name)) {
        if (!isBegun) walk.beginAfter(row.seq - 1, row.previousHash);
        isBegun = true;
        walk.take(row);
        if (walk.rows % turnRows === 0) await untilNextTurn(this.#clock);
      }
      await untilNextTurn(this.#clock);
    }
    if (archives.length === 0) walk.beginAfter(archived.seq, archived.hash);
    else if (walk.lastSeq !== archived.seq || walk.lastHash !== archived.hash) {
      walk.fault ??= `the archive files end with row ${walk.lastSeq}, but should end with row ${archived.seq}`;
      walk.beginAfter(archived.seq, archived.hash);
    }
    const firstSeq = archives.length === 0 ? archived.seq + 1 : first;
    for (let seq = walk.lastSeq; ; ) {
      const rows = this.#database
        .prepare("SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?")
        .all(seq, turnRows)
        .map(rowFrom);
      for (const row of rows) walk.take(row);
      if (rows.length < turnRows) break;
      seq = walk.lastSeq;
      await untilNextTurn(this.#clock);
    }
    return { fault: walk.fault, rows: walk.rows, firstSeq, lastSeq: walk.lastSeq, lastHash: walk.lastHash };
  }

  /** Writes a consistent copy of all that is kept, the archive files included, to a folder. */
  async copyTo(folder: string): Promise<void> {
    const path = join(folder, auditFileName);
    await copyDatabase(this.#database, path);
    const copy = new DatabaseSync(path);
    const archivedSeq = Number(copy.prepare("SELECT seq FROM archived").get()?.seq);
    copy.close();
    // Rows that were archived after the copy was made are in the copy itself.
    await this.#archive.copyTo(folder, archivedSeq);
  }

  close(): void {
    this.#cancelSync?.();
    if (this.#database.isOpen) this.#database.close();
  }

  #rowOf({ who, address, action, deviceId, target, outcome, detail }: AuditEntry, seq: number): AuditRow {
    const packed = JSON.stringify(detail ?? {});
    return {
      seq,
      atMs: this.#clock.wallMs(),
      who: cut(who),
      address: cut(address),
      action,
      deviceId: deviceId === undefined || deviceId === null ? null : cut(deviceId),
      target: target === undefined || target === null ? null : cut(target),
      outcome: outcome ?? "done",
      detail: packed.length > detailLengthMax ? { cut: packed.slice(0, detailLengthMax) } : (detail ?? {}),
    };
  }

  /** What need not wait for: the disk, and the oldest rows' way into an archive. */
  async #maintain(): Promise<void> {
    this.#cancelSync = null;
    const isQuiet = this.#lastSeq === this.#seqAtCare;
    this.#seqAtCare = this.#lastSeq;
    try {
      while (this.#rows >= this.#limits.rowsMax + sliceRows) this.#archiveSlice();
      const path = join(this.#folder, `${auditFileName}-wal`);
      const file = await open(path, "r+");
      await file.datasync().finally(() => file.close());
      if (!this.#database.isOpen || statSync(path).size < logBytesUsual) return;
      if (isQuiet) this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      else this.#cancelSync ??= this.#clock.after(syncMs, () => void this.#maintain());
    } catch {
      // The next record is told by SQLite itself what is wrong with the disk.
    }
  }

  /** Moves the oldest rows into a file of their own. A stop between the two steps leaves them in both, and the file is written again. */
  #archiveSlice(): void {
    const rows = this.#database.prepare("SELECT * FROM audit ORDER BY seq LIMIT ?").all(sliceRows).map(rowFrom);
    const last = rows.at(-1);
    if (last === undefined) return;
    this.#archive.write(rows, this.#archived().hash);
    inTransaction(this.#database, () => {
      this.#database.prepare("UPDATE archived SET seq = ?, hash = ?").run(last.seq, last.hash);
      this.#database.prepare("DELETE FROM audit WHERE seq <= ?").run(last.seq);
    });
    this.#rows -= rows.length;
    this.#archive.deleteOldest();
  }

  #archived(): { seq: number; hash: string } {
    const row = this.#database.prepare("SELECT seq, hash FROM archived").get();
    return { seq: Number(row?.seq), hash: String(row?.hash) };
  }

  #failure(error: unknown): Failure {
    const reason = error instanceof Error ? error.message : String(error);
    const remedy = error instanceof Failure ? "" : remedies[databaseFault(error) ?? "failing"];
    return new Failure(
      "audit_failed",
      `The audit cannot be written: ${reason}. Nothing that must be recorded is done until it can. ${remedy} (${join(this.#folder, auditFileName)})`,
      error,
    );
  }
}

const remedies: Readonly<Record<DatabaseFault, string>> = {
  full: "Make room on the disk of the data folder.",
  locked: "Another program has the file open: end it.",
  damaged: "The file is damaged: stop the server, and bring a backup back with wattboard restore.",
  failing: "Check the disk of the data folder, and that this user may write there.",
};

function rowFrom(row: Record<string, unknown>): ChainedRow {
  return {
    seq: Number(row.seq),
    atMs: Number(row.at_ms),
    who: String(row.who),
    address: String(row.address),
    action: String(row.action),
    deviceId: row.device_id === null ? null : String(row.device_id),
    target: row.target === null ? null : String(row.target),
    outcome: String(row.outcome),
    detail: parseDetail(String(row.detail)),
    hash: String(row.hash),
  };
}

/** What is no JSON was written by somebody else; the chain tells. */
function parseDetail(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return { unreadable: text.slice(0, textLengthMax) };
  }
}

function cut(text: string): string {
  return text.length <= textLengthMax ? text : `${text.slice(0, textLengthMax - 1)}…`;
}
