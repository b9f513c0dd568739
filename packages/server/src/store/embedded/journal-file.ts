import { DatabaseSync, type StatementSync } from "node:sqlite";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { migrate } from "../../base/migrate.ts";
import { readRecords, readRecordsOf, recordBytes, scanRecords, writeRecord } from "../sample-record.ts";
import type { SampleQuery, StoredSample } from "../store.ts";
import { migrations } from "./schema.ts";

export interface JournalFileLimits {
  /** The journal's size on disk, bytes; above it the oldest rows go. */
  readonly journalBytesMax: number;
}

/** How often the newest samples are written down for the next start, in journal rows. */
const latestEveryRows = 240;
/** Journal rows dropped at the most in one go when the journal is full; few, so that no commit waits long. */
const dropRowsMax = 64;

/** The journal in SQLite. Synchronous; lives in the store's worker. */
export class JournalFile {
  readonly #database: DatabaseSync;
  readonly #limits: JournalFileLimits;
  readonly #insert: StatementSync;
  readonly #saveLatest: StatementSync;
  readonly #dropOldest: StatementSync;
  readonly #newest = new Map<string, StoredSample>();
  /** Devices whose newest sample is not written to `latest` yet. */
  readonly #unsaved = new Set<string>();
  #rowsSinceSave = 0;

  constructor(path: string, limits: JournalFileLimits) {
    this.#limits = limits;
    this.#database = new DatabaseSync(path);
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 0");
    migrate(this.#database, migrations);
    this.#insert = this.#database.prepare(
      "INSERT INTO journal (samples, observed_from_ms, observed_to_ms, records) VALUES (?, ?, ?, ?)",
    );
    this.#saveLatest = this.#database.prepare("INSERT OR REPLACE INTO latest (device_id, record) VALUES (?, ?)");
    this.#dropOldest = this.#database.prepare(
      "DELETE FROM journal WHERE id = (SELECT min(id) FROM journal) AND id < (SELECT max(id) FROM journal)",
    );
    this.#restoreNewest();
  }

  /** Durable when it returns; where it throws, nothing was stored. */
  append(batch: Uint8Array): void {
    const { samples, fromMs, toMs, newest } = scanRecords(batch);
    if (samples === 0) return;
    this.#insert.run(samples, fromMs, toMs, zstdCompressSync(batch));
    for (const sample of newest) this.#note(sample);
    this.#rowsSinceSave++;
  }

  /** What may wait until a batch is acked: writes down the newest samples now and then, and keeps the journal within its size. */
  tidy(): void {
    // Freed pages are used again, so the file stays at its bound; it does not shrink. The newest row always stays.
    for (let rows = 0; rows < dropRowsMax && this.#usedBytes() > this.#limits.journalBytesMax; rows++) {
      if (this.#dropOldest.run().changes === 0) break;
    }
    if (this.#rowsSinceSave >= latestEveryRows) this.#writeLatest();
  }

  latest(): StoredSample[] {
    return [...this.#newest.values()];
  }

  samples({ deviceId, fromMs, toMs, limit }: SampleQuery): StoredSample[] {
    const rows = this.#database
      .prepare("SELECT records FROM journal WHERE observed_from_ms < ? AND observed_to_ms >= ?")
      .iterate(toMs, fromMs);
    const idBytes = Buffer.from(deviceId, "latin1");
    const found: StoredSample[] = [];
    // A batch that was committed just before its answer was lost has been offered, and stored, once more.
    const seen = new Set<string>();
    for (const row of rows) {
      for (const sample of readRecordsOf(zstdDecompressSync(row.records as Uint8Array), idBytes)) {
        if (sample.observedAtMs < fromMs || sample.observedAtMs >= toMs) continue;
        const name = `${sample.epoch} ${sample.seq}`;
        if (seen.has(name)) continue;
        seen.add(name);
        found.push(detach(sample));
      }
      // Late samples are put in their place, and no more is held than is asked for.
      if (found.length > 2 * limit) keepNewest(found, limit);
    }
    keepNewest(found, limit);
    return found;
  }

  close(): void {
    try {
      this.#writeLatest();
    } finally {
      this.#database.close();
    }
  }

  #restoreNewest(): void {
    for (const row of this.#database.prepare("SELECT record FROM latest").iterate()) {
      for (const sample of readRecords(row.record as Uint8Array)) this.#note(sample);
    }
    const tail = this.#database.prepare(
      "SELECT records FROM journal WHERE id > (SELECT journal_id FROM latest_through) ORDER BY id",
    );
    for (const row of tail.iterate()) {
      for (const sample of readRecords(zstdDecompressSync(row.records as Uint8Array))) this.#note(sample);
    }
  }

  #note(sample: StoredSample): void {
    const known = this.#newest.get(sample.deviceId);
    if (known !== undefined && sample.observedAtMs < known.observedAtMs) return;
    this.#newest.set(sample.deviceId, detach(sample));
    this.#unsaved.add(sample.deviceId);
  }

  #writeLatest(): void {
    if (this.#unsaved.size === 0) return;
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const deviceId of this.#unsaved) {
        const sample = this.#newest.get(deviceId);
        if (sample !== undefined) this.#saveLatest.run(deviceId, encodeRecord(sample));
      }
      this.#database.exec("UPDATE latest_through SET journal_id = (SELECT coalesce(max(id), 0) FROM journal); COMMIT");
    } catch (error) {
      // SQLite may have rolled back by itself, as it does when the disk is full.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
    this.#unsaved.clear();
    this.#rowsSinceSave = 0;
  }

  #usedBytes(): number {
    return (this.#pragma("page_count") - this.#pragma("freelist_count")) * this.#pragma("page_size");
  }

  #pragma(name: string): number {
    return Number(this.#database.prepare(`PRAGMA ${name}`).get()?.[name]);
  }
}

function keepNewest(samples: StoredSample[], limit: number): void {
  samples.sort((a, b) => a.observedAtMs - b.observedAtMs);
  samples.splice(0, samples.length - limit);
}

/** A copy whose message does not keep the whole batch in memory. */
function detach(sample: StoredSample): StoredSample {
  return { ...sample, message: Uint8Array.from(sample.message) };
}

function encodeRecord(sample: StoredSample): Uint8Array {
  const idBytes = Buffer.from(sample.deviceId, "latin1");
  const record = Buffer.alloc(recordBytes(idBytes, sample.message));
  writeRecord(record, 0, sample, idBytes, sample.message);
  return record;
}
