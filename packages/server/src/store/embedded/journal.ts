import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { readDeviceTime } from "@wattboard/protocol/constants";
import { pointsOf } from "../algebra/point-value.ts";
import { windowOf } from "../algebra/window.ts";
import { RecordReader } from "../sample-record.ts";
import { checkedBytes, checksumOf, withChecksum } from "./checksum.ts";
import { MessageShape } from "./codec/message-shape.ts";
import { type DamageLog, damageOf } from "./damage.ts";
import type { DeviceEntry } from "./device-entry.ts";
import type { DeviceJournals } from "./device-journals.ts";
import { Head } from "./open-samples.ts";
import type { Tables } from "./tables.ts";

export interface JournalLimits {
  readonly openBytesMax: number;
  readonly journalBytesMax: number;
}

/** How far memory may go above its bound while parts are not written; then no samples are taken until they are. */
const fullFactor = 4;
/** Shapes known at once; devices of one make and version share one. */
const shapesMax = 64;
/** One row a quarter of a second would take millions of years. */
const numberMax = 2 ** 51;
/** The journal row through which all samples of a device and window stand in parts and blocks; 0 where none does. */
export type Through = (entry: DeviceEntry, window: number) => number;

const fast = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Where a batch is made durable, and then sorted into memory by device and window. */
export class Journal {
  readonly #tables: Tables;
  readonly #limits: JournalLimits;
  readonly #deviceJournals: DeviceJournals;
  readonly #nowMs: () => number;
  readonly #entryOf: (key: string) => DeviceEntry;
  /** The last used first. */
  readonly #shapes: MessageShape[] = [];
  readonly #damage: DamageLog;
  /** Rows that could not be read, and why. */
  readonly #damaged = new Map<number, string>();
  /** The last row that was written. */
  #lastId = 0;
  /** Bytes of the rows in the table. */
  #bytes = 0;
  /** The last row that has been sorted into memory. */
  #absorbedId = 0;
  /** The device of the last record. */
  #lastEntry: DeviceEntry | null = null;
  /** What is open and whose, in the order of the journal rows that are needed for it: so the oldest is found without a look at the others. */
  readonly open = new Map<Head, DeviceEntry>();
  openBytes = 0;
  /** Within a transaction: what the rows took that it drops. */
  #droppedBytes = 0;

  constructor(
    tables: Tables,
    damage: DamageLog,
    deviceJournals: DeviceJournals,
    limits: JournalLimits,
    nowMs: () => number,
    entryOf: (key: string) => DeviceEntry,
  ) {
    this.#tables = tables;
    this.#damage = damage;
    this.#deviceJournals = deviceJournals;
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#entryOf = entryOf;
    this.#measure();
  }

  /** Whether samples have not been moved on for so long that no more are to be taken. */
  get isFull(): boolean {
    return this.openBytes > fullFactor * this.#limits.openBytesMax || this.#bytes > this.#limits.journalBytesMax;
  }

  /** Whether rows could not be read that are still in the table. */
  get hasDamaged(): boolean {
    return this.#damaged.size > 0;
  }

  /** The last row that has been sorted into memory; all before it have been, too. */
  get absorbedId(): number {
    return this.#absorbedId;
  }

  /** Durable when it returns; where it throws, nothing was stored. Gives the row. */
  append(batch: Uint8Array): number {
    // One that is cut off must not be acked, and not be found at the next start.
    const record = new RecordReader(Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength));
    while (record.next());
    const id = this.#lastId + 1;
    const records = withChecksum(zstdCompressSync(batch, fast), "journal", id);
    // A row of that number is there already where a commit happened and was not believed: the folder was not where it was. Nobody was told of it.
    const sql = "INSERT OR REPLACE INTO journal (id, records) VALUES (?, ?)";
    this.#tables.durably(() => this.#tables.run(sql, id, records));
    this.#lastId = id;
    this.#bytes += records.length;
    return id;
  }

  /**
   * Sorts a batch that is in the table into memory, but for what is there `through` this row in a part or a block. A record that is damaged is
   * left out; the gatekeeper lets none in.
   */
  apply(batch: Uint8Array, journalId: number, through?: Through): void {
    const nowMs = this.#nowMs();
    const buffer = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
    const record = new RecordReader(buffer);
    const touched: DeviceEntry[] = [];
    let before = this.#lastEntry;
    while (record.next()) {
      if (record.isNumbered) this.#deviceJournals.note(record.epoch, record.seq, record.toSeq, journalId);
      if (record.isPassed) continue;
      const expected = before?.follower;
      const entry = expected && record.isOf(expected.keyBytes) ? expected : this.#entryOf(record.key);
      if (before !== null) before.follower = entry;
      before = entry;
      const window = windowOf(record.observedAtMs);
      if (through !== undefined && journalId <= through(entry, window)) continue;
      let open = entry.open.get(window);
      if (open === undefined) {
        open = new Head(window, journalId, nowMs);
        entry.open.set(window, open);
        this.open.set(open, entry);
      }
      const bytesBefore = open.bytes;
      this.#read(entry, open, record);
      this.openBytes += open.bytes - bytesBefore;
      if (record.observedAtMs < entry.newestAtMs) continue;
      entry.newestAtMs = record.observedAtMs;
      if (entry.newestEnd === 0) touched.push(entry);
      entry.newestStart = record.start;
      entry.newestEnd = record.end;
    }
    this.#absorbedId = journalId;
    this.#lastEntry = before;
    // A copy: the batch does not stay.
    for (const entry of touched) {
      entry.keepNewest(buffer, entry.newestStart, entry.newestEnd);
      entry.newestEnd = 0;
    }
  }

  /**
   * Sorts everything that the table holds into memory, but for what is there `through` its row already; `makeRoom` is called after each row. What
   * cannot be read, and what is missing among the rows, is told. `lastThrough` is the last row that some part names.
   */
  replay(through: Through, lastThrough: number, makeRoom: () => void): void {
    const dropped = this.#dropped();
    let expected = dropped === null ? null : dropped + 1;
    this.#lastId = Math.max(dropped ?? 0, lastThrough);
    const tell = (id: number | null, reason: string): void => {
      this.#tell(id === null ? "Some rows of the journal" : `The journal's row ${id}`, reason);
      if (id !== null) this.#damaged.set(id, reason);
    };
    for (const row of this.#tables.rows("journal", "id", tell)) {
      const id = Number(row.id);
      if (expected !== null && id > expected) this.#tellMissing(expected, id - 1);
      expected = id + 1;
      try {
        const { bytes } = checkedBytes(row.records, "journal", id);
        this.apply(zstdDecompressSync(bytes), id, through);
      } catch (error) {
        tell(id, damageOf(error));
        // What could be read of one without a checksum has been taken, and is passed over at the next start.
        this.#absorbedId = id;
        // Before there was a mark, rows behind a damaged one went and it stayed.
        if (dropped === null) expected = null;
      }
      this.#lastId = Math.max(this.#lastId, id);
      makeRoom();
    }
    const last = this.#lastNumber();
    if (last > this.#lastId && dropped !== null) this.#tellMissing(this.#lastId + 1, last);
    this.#lastId = Math.max(this.#lastId, last);
    this.#absorbedId = this.#lastId;
  }

  /** Puts rows aside that could not be read, so that none is missing among those that stay. What could be read of them must stand in parts. */
  setDamagedAside(): void {
    for (const [id, reason] of this.#damaged) {
      try {
        this.#tables.durably(() => {
          const sql = `INSERT INTO set_aside (kind, window, what, bytes)
            SELECT 'journal', id, ?, records FROM journal WHERE id = ?`;
          this.#tables.run(sql, `The journal's row ${id}: ${reason}`, id);
          this.#tables.run("DELETE FROM journal WHERE id = ?", id);
        });
        this.#damaged.delete(id);
      } catch (error) {
        // It stays where it is.
        damageOf(error);
      }
    }
    this.#measure();
  }

  /** Open samples have been written elsewhere. */
  release(open: Head): void {
    this.open.get(open)?.open.delete(open.window);
    this.open.delete(open);
    this.openBytes -= open.bytes;
  }

  /** The oldest row that something open needs, besides what is being written. */
  oldestNeeded(written: ReadonlySet<Head> = new Set()): number {
    for (const open of this.open.keys()) if (!written.has(open)) return open.journalId;
    return Number.MAX_SAFE_INTEGER;
  }

  /**
   * Within a transaction: drops rows of which nothing is needed any more, at most so many, the oldest first; `oldestNeeded` is the oldest that
   * something in memory needs. True where there are more. What is left of them is passed over after a crash. What they say of the devices' own
   * journals is written first.
   */
  drop(oldestNeeded: number, rowsMax: number): boolean {
    const sql = `DELETE FROM journal WHERE id IN (
      SELECT id FROM journal WHERE id < ? AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?) RETURNING length(records) AS bytes`;
    this.#droppedBytes = 0;
    const unneeded = Math.min(oldestNeeded, this.#absorbedId + 1);
    const before = Math.min(unneeded, this.#deviceJournals.save(unneeded));
    const dropped = this.#tables.all(sql, before, JSON.stringify([...this.#damaged.keys()]), rowsMax);
    this.#droppedBytes = dropped.reduce((sum, { bytes }) => sum + Number(bytes), 0);
    if (dropped.length > 0) {
      const oldest = this.#tables.first("SELECT min(id) AS id FROM journal")?.id ?? null;
      const through = oldest === null ? this.#absorbedId : Number(oldest) - 1;
      const sum = checksumOf("journal_dropped", through);
      this.#tables.run("INSERT OR REPLACE INTO journal_dropped VALUES (1, ?, ?)", through, sum);
    }
    return dropped.length === rowsMax;
  }

  /** After a transaction that dropped rows. */
  noteDropped(): void {
    this.#deviceJournals.noteSaved();
    this.#bytes -= this.#droppedBytes;
    this.#droppedBytes = 0;
  }

  #measure(): void {
    try {
      this.#bytes = Number(this.#tables.first("SELECT total(length(records)) AS bytes FROM journal")?.bytes);
    } catch (error) {
      this.#tell("The journal", damageOf(error));
    }
  }

  /** Through which row all are gone that were needed once; null where that is not known. */
  #dropped(): number | null {
    try {
      const row = this.#tables.first("SELECT through, checksum FROM journal_dropped");
      if (row === undefined) return null;
      if (row.checksum !== checksumOf("journal_dropped", Number(row.through)))
        throw new RangeError("its checksum does not fit");
      return Number(row.through);
    } catch (error) {
      this.#tell("The mark of the journal's beginning", damageOf(error));
      return null;
    }
  }

  /** The number of the row that was written last, as SQLite remembers it; 0 where it does not. */
  #lastNumber(): number {
    try {
      const seq = Number(this.#tables.first("SELECT seq FROM sqlite_sequence WHERE name = 'journal'")?.seq ?? 0);
      return Number.isSafeInteger(seq) && seq < numberMax ? seq : 0;
    } catch (error) {
      this.#tell("The journal's last number", damageOf(error));
      return 0;
    }
  }

  #tellMissing(first: number, last: number): void {
    this.#tell(first === last ? `The journal's row ${first}` : `The journal's rows ${first} to ${last}`, "missing");
  }

  #tell(what: string, reason: string): void {
    this.#damage.note({ key: null, fromMs: null, toMs: null, message: `${what}: ${reason}` });
  }

  #read(entry: DeviceEntry, open: Head, record: RecordReader): void {
    const isServerClock = record.clock === "server";
    if (!isServerClock) {
      if (entry.shape !== null && open.addShaped(record, entry.shape)) return;
      if (this.#addOtherwise(entry, open, record)) return;
    }
    let telemetry: { readonly timestamp?: unknown };
    try {
      telemetry = JSON.parse(record.bytes.toString("utf8", record.messageAt, record.end)) as typeof telemetry;
    } catch {
      return;
    }
    const deviceTimeMs = (isServerClock ? readDeviceTime(telemetry.timestamp)?.ms : undefined) ?? record.observedAtMs;
    open.addPoints(record, deviceTimeMs, pointsOf(telemetry));
  }

  /** Looks for another shape that fits, or makes one; false where the message is better parsed. */
  #addOtherwise(entry: DeviceEntry, open: Head, record: RecordReader): boolean {
    if (entry.shapesLeft === 0) return false;
    entry.shapesLeft--;
    entry.shape = this.#shapes.find((shape) => open.addShaped(record, shape)) ?? null;
    if (entry.shape !== null) return true;
    const made = MessageShape.of(record.bytes.subarray(record.messageAt, record.end));
    if (made === null || !open.addShaped(record, made)) return false;
    entry.shape = made;
    this.#shapes.unshift(made);
    if (this.#shapes.length > shapesMax) this.#shapes.pop();
    return true;
  }
}
