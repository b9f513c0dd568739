import { limits, type SeqRange, SeqRanges } from "@wattboard/protocol";
import type { StoredJournal } from "../store.ts";
import { checksumOf } from "./checksum.ts";
import { type DamageLog, damageOf } from "./damage.ts";
import type { Row, Tables } from "./tables.ts";

/** Rows written in one transaction; the rest has time. */
const rowsAtOnce = 512;
/** When a journal was opened last is written this often, ms. */
const openedEveryMs = 3_600_000;

interface Entry {
  readonly key: string;
  readonly journalId: string;
  readonly epoch: number;
  readonly ranges: SeqRanges;
  openedAtMs: number;
}

/**
 * What is stored of the devices' own journals (ADR 70). It grows in memory with each batch that is sorted in, and stands in its table before the last
 * row of the store's journal goes that says the same.
 */
export class DeviceJournals {
  readonly #tables: Tables;
  readonly #damage: DamageLog;
  readonly #nowMs: () => number;
  readonly #byEpoch = new Map<number, Entry>();
  /** Those that have grown since they were written, with the first row of the store's journal that made them grow; in the order of these rows. */
  readonly #unsaved = new Map<Entry, number>();
  /** Written in a transaction that has not ended yet. */
  #saving: Entry[] = [];

  constructor(tables: Tables, damage: DamageLog, nowMs: () => number) {
    this.#tables = tables;
    this.#damage = damage;
    this.#nowMs = nowMs;
  }

  /** As `StoreWriter.openJournal`. */
  open(key: string, journalId: string, epoch: number): StoredJournal {
    const known = this.#of(key);
    let entry = known.find((each) => each.journalId === journalId);
    if (entry === undefined) {
      entry = {
        key,
        journalId,
        epoch: Math.max(epoch, this.#highestEpoch() + 1),
        ranges: new SeqRanges(),
        openedAtMs: this.#nowMs(),
      };
      this.#tables.lazily(() => {
        this.#write(entry as Entry);
        for (const { epoch: old } of known.slice(limits.journalsPerDevice - 1)) {
          this.#tables.run("DELETE FROM device_journal WHERE epoch = ?", old);
        }
      });
      for (const old of known.slice(limits.journalsPerDevice - 1)) this.#letGo(old);
      this.#byEpoch.set(entry.epoch, entry);
    } else if (Math.abs(this.#nowMs() - entry.openedAtMs) > openedEveryMs) {
      entry.openedAtMs = this.#nowMs();
      this.#tables.lazily(() => this.#write(entry as Entry));
    }
    return { epoch: entry.epoch, ranges: entry.ranges.toJSON() };
  }

  /** That row of the store's journal holds these numbers. */
  note(epoch: number, from: number, to: number, row: number): void {
    const entry = this.#byEpoch.get(epoch) ?? this.#load(epoch);
    if (entry === null) return;
    entry.ranges.add(from, to);
    if (!this.#unsaved.has(entry)) this.#unsaved.set(entry, row);
  }

  /**
   * Within a transaction: writes what rows before that one have made grow, though not all at once. Gives the first row that must stay, since what it
   * says is not written.
   */
  save(beforeRow: number): number {
    this.#saving = [];
    for (const [entry, row] of this.#unsaved) {
      if (row >= beforeRow || this.#saving.length === rowsAtOnce) return row;
      this.#write(entry);
      this.#saving.push(entry);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The transaction has ended well. */
  noteSaved(): void {
    for (const entry of this.#saving) this.#unsaved.delete(entry);
    this.#saving = [];
  }

  /** These registrations have ended. */
  forget(keys: readonly string[]): void {
    const ended = new Set(keys);
    for (const entry of this.#byEpoch.values())
      if (ended.has(entry.key) && !this.#unsaved.has(entry)) this.#letGo(entry);
  }

  /** Epochs are made of the server's clock, which may have been set back; what a disk has made of one is passed over. */
  #highestEpoch(): number {
    const sql = "SELECT max(epoch) AS highest FROM device_journal WHERE epoch < ?";
    return Number(this.#tables.first(sql, Number.MAX_SAFE_INTEGER)?.highest ?? 0);
  }

  /** The journals of a registration, the one that was opened last first. */
  #of(key: string): Entry[] {
    return this.#tables
      .all("SELECT * FROM device_journal WHERE device_id = ?", key)
      .map((row) => this.#take(row))
      .filter((entry) => entry !== null)
      .sort((a, b) => b.openedAtMs - a.openedAtMs);
  }

  #load(epoch: number): Entry | null {
    try {
      const row = this.#tables.first("SELECT * FROM device_journal WHERE epoch = ?", epoch);
      return row === undefined ? null : this.#take(row);
    } catch (error) {
      this.#tell(null, damageOf(error));
      return null;
    }
  }

  /** What is in memory, else what the row says; null where it is damaged. */
  #take(row: Row): Entry | null {
    const inMemory = this.#byEpoch.get(Number(row.epoch));
    if (inMemory !== undefined) return inMemory;
    const fault = journalFault(row);
    if (fault !== null) {
      this.#tell(typeof row.device_id === "string" ? row.device_id : null, fault);
      return null;
    }
    const entry = {
      key: String(row.device_id),
      journalId: String(row.journal_id),
      epoch: Number(row.epoch),
      ranges: new SeqRanges(JSON.parse(String(row.ranges)) as SeqRange[]),
      openedAtMs: Number(row.opened_at_ms),
    };
    this.#byEpoch.set(entry.epoch, entry);
    return entry;
  }

  #write({ key, journalId, epoch, ranges, openedAtMs }: Entry): void {
    const cells = [epoch, key, journalId, JSON.stringify(ranges), openedAtMs] as const;
    const sql = "INSERT OR REPLACE INTO device_journal VALUES (?, ?, ?, ?, ?, ?)";
    this.#tables.run(sql, ...cells, checksumOf("device_journal", ...cells));
  }

  #letGo(entry: Entry): void {
    this.#byEpoch.delete(entry.epoch);
    this.#unsaved.delete(entry);
  }

  #tell(key: string | null, message: string): void {
    this.#damage.note({ key, fromMs: null, toMs: null, message: `What is stored of a device's journal: ${message}` });
  }
}

/** What is wrong with a row of `device_journal`, in words; null where nothing is. */
export function journalFault({ epoch, device_id, journal_id, ranges, opened_at_ms, checksum }: Row): string | null {
  const cells = [epoch, device_id, journal_id, ranges, opened_at_ms] as const;
  const areCells = cells.every((cell) => typeof cell === "string" || typeof cell === "number");
  return areCells && checksum === checksumOf("device_journal", ...(cells as readonly (string | number)[]))
    ? null
    : `row ${epoch}: its checksum does not fit`;
}
