import { systemClock } from "../../base/clock.ts";
import { readRecords } from "../sample-record.ts";
import type { PointInfo, StoreDamage, StoredSample, StoreRenewal } from "../store.ts";
import { DamageLog, damageOf } from "./damage.ts";
import { DaySummaries } from "./day-summaries.ts";
import { DeviceEntry } from "./device-entry.ts";
import { DeviceJournals } from "./device-journals.ts";
import { type DeviceRow, DeviceTable } from "./device-table.ts";
import { EventLog } from "./event-log.ts";
import { Journal, type Through } from "./journal.ts";
import { Maintenance } from "./maintenance.ts";
import { partOf, Rows, windowName } from "./rows.ts";
import { SealedDays } from "./sealed-days.ts";
import { Strikes } from "./strikes.ts";
import { pageBytes, Tables } from "./tables.ts";
import { damageAt, Windows } from "./windows.ts";

export interface BlockStoreLimits {
  /** Samples held in memory until they are written to parts, bytes; above it they are written sooner. */
  readonly openBytesMax: number;
  /** What may wait in the journal because parts cannot be written, bytes; above it no samples are taken. */
  readonly journalBytesMax: number;
  /** Blocks older than this go, ms; 0 keeps them for ever. */
  readonly retentionMs: number;
  /** Size of the file, bytes; above it no samples are taken. 0: as large as the disk allows. */
  readonly bytesMax: number;
}

/**
 * Where samples are kept: first in the journal (`append`, the ack point), then in memory by device and window (`apply`), then in parts, at
 * last in blocks and days (`compactStep`). Synchronous; lives in the store's worker. Every step is one transaction, so a crash finds each sample in
 * one place.
 */
export class BlockStore {
  readonly tables: Tables;
  readonly windows: Windows;
  readonly rows: Rows;
  readonly sealedDays: SealedDays;
  readonly daySummaries: DaySummaries;
  readonly deviceTable: DeviceTable;
  readonly damage: DamageLog;
  readonly events: EventLog;
  readonly strikes: Strikes;
  readonly deviceJournals: DeviceJournals;
  /** The wall clock. */
  readonly nowMs: () => number;
  /** What was met while opening, in words. */
  foundAtStart: readonly string[];
  readonly #devices = new Map<string, DeviceEntry>();
  readonly #journal: Journal;
  readonly #maintenance: Maintenance;

  constructor(
    path: string,
    limits: BlockStoreLimits,
    nowMs: () => number = systemClock.wallMs,
    onDamage?: (damage: StoreDamage) => void,
    monotonicMs: () => number = systemClock.monotonicMs,
    onRenewal: (renewal: StoreRenewal) => void = () => {},
  ) {
    this.nowMs = nowMs;
    this.tables = new Tables(path, Math.floor(limits.bytesMax / pageBytes));
    this.damage = new DamageLog(onDamage);
    this.events = new EventLog(this.tables, this.damage);
    this.rows = new Rows(this.tables);
    this.sealedDays = new SealedDays(this.tables);
    this.daySummaries = new DaySummaries(this.tables, this.rows, this.sealedDays);
    this.deviceTable = new DeviceTable(this.tables, this.damage);
    this.strikes = new Strikes(this.tables, this.damage);
    this.deviceJournals = new DeviceJournals(this.tables, this.damage, nowMs);
    this.#journal = new Journal(this.tables, this.damage, this.deviceJournals, limits, nowMs, (key) =>
      this.#entryOf(key),
    );
    const find = (key: string): DeviceEntry | undefined => this.find(key);
    this.windows = new Windows(this.tables, this.rows, this.sealedDays, this.strikes, this.damage, find);
    this.#maintenance = new Maintenance(this, this.#journal, this.#devices, limits, { nowMs, monotonicMs }, onRenewal);
    this.#restore();
    this.foundAtStart = this.damage.messages;
  }

  /** Durable when it returns; where it throws, nothing was stored. Gives the journal row, for `apply`. */
  append(batch: Uint8Array): number {
    if (this.#journal.isFull) this.#maintenance.writeAllParts();
    return this.#journal.append(batch);
  }

  /** Takes a batch that is in the journal into memory. */
  apply(batch: Uint8Array, journalId: number): void {
    this.#journal.apply(batch, journalId);
  }

  /** Does a little of what is due, for about `budgetMs`. True while more is due. */
  compactStep(budgetMs: number): boolean {
    return this.#maintenance.compactStep(budgetMs);
  }

  /** Does at once all that is due some time: windows that are over are in their blocks then. */
  compactAll(): void {
    this.#maintenance.sealAll();
  }

  /** The devices that have samples here, in the order in which they came; those that were removed as well. */
  get keys(): string[] {
    return [...new Set([...this.deviceTable.ids(), ...this.#devices.keys()])];
  }

  /** How many devices are held in memory. */
  get devicesInMemory(): number {
    return this.#devices.size;
  }

  /** These were removed: they leave memory once nothing of theirs waits there. What comes or is asked of one brings it back. */
  forget(keys: readonly string[]): void {
    for (const key of keys) {
      const entry = this.#devices.get(key);
      if (entry !== undefined) entry.isForgotten = true;
    }
    this.deviceJournals.forget(keys);
    this.#maintenance.noteForgotten();
  }

  /** What is known of a device; of one that was removed for this question only. */
  find(key: string): DeviceEntry | undefined {
    const entry = this.#devices.get(key);
    if (entry !== undefined) return entry;
    const row = this.deviceTable.find(key);
    return row === null ? undefined : entryFrom(row, 0);
  }

  /** Those of samples that are still in memory included. */
  points(key: string): PointInfo[] {
    const entry = this.find(key);
    for (const open of entry?.open.values() ?? []) entry?.notePoints(open.columns());
    return entry?.points ?? [];
  }

  latest(): StoredSample[] {
    const found: StoredSample[] = [];
    for (const { newest } of this.#devices.values()) {
      if (newest === null) continue;
      for (const sample of readRecords(newest)) found.push(sample);
    }
    return found;
  }

  /** What a repair needs: everything that waits stands in parts then, and each device's row names those that are there. */
  writeAll(): void {
    this.#maintenance.writeAllParts();
    this.#journal.setDamagedAside();
    this.#maintenance.dropAll();
    this.tables.lazily(() => {
      for (const entry of this.#devices.values()) {
        entry.begin();
        if (entry.no !== null) entry.save(this.deviceTable, true);
      }
    });
  }

  /** Writes everything that waits to parts. Where that fails, it is found in the journal at the next start. */
  close(): void {
    try {
      this.#maintenance.writeAllParts();
    } finally {
      this.tables.close();
    }
  }

  #entryOf(key: string): DeviceEntry {
    let entry = this.#devices.get(key);
    if (entry === undefined) {
      const row = this.deviceTable.find(key);
      const place = this.#devices.size;
      entry = row === null ? new DeviceEntry(key, place) : entryFrom(row, place);
      this.#devices.set(key, entry);
    }
    entry.isForgotten = false;
    return entry;
  }

  #restore(): void {
    const byNo = new Map<number, DeviceEntry>();
    /** By the id of the part that a device's row names. */
    const listed = new Map<number, { readonly entry: DeviceEntry; readonly window: number }>();
    for (const row of this.deviceTable.load()) {
      const entry = entryFrom(row, this.#devices.size);
      this.#devices.set(row.key, entry);
      byNo.set(row.no, entry);
      for (const [window, ...ids] of row.parts ?? []) for (const id of ids) listed.set(id, { entry, window });
    }
    let lastThrough = 0;
    const tell = (id: number | null, reason: string): void => {
      const of = id === null ? undefined : listed.get(id);
      if (id !== null) listed.delete(id);
      const where = of === undefined ? "" : ` of ${of.entry.key} at ${windowName(of.window)}`;
      const message = `${id === null ? "Some parts" : `Part ${id}`}${where}: ${reason}`;
      this.damage.note(damageAt(of?.entry.key ?? null, of?.window ?? null, message));
    };
    for (const row of this.tables.scan("part", "id", tell)) {
      const id = Number(row.id);
      try {
        const part = partOf(row);
        const entry = byNo.get(part.deviceNo);
        if (entry === undefined) throw new RangeError(`its device, number ${part.deviceNo}, is not known`);
        this.#maintenance.noteUnsealed(entry, part.window, id);
        lastThrough = Math.max(lastThrough, part.through);
        listed.delete(id);
      } catch (error) {
        tell(id, damageOf(error));
      }
    }
    for (const id of [...listed.keys()]) tell(id, "it is missing");
    for (const { unsealed } of byNo.values())
      for (const { partIds } of unsealed.values()) partIds.sort((a, b) => a - b);
    this.#journal.replay(this.#through(), lastThrough, () => this.#maintenance.makeRoom());
    if (!this.#journal.hasDamaged) return;
    this.#maintenance.writeAllParts();
    this.#journal.setDamagedAside();
  }

  /** Looks each device and window up once: a replay asks for the same few again and again. */
  #through(): Through {
    const known = new Map<DeviceEntry, Map<number, number>>();
    return (entry, window) => {
      let rows = known.get(entry);
      if (rows === undefined) {
        rows = new Map();
        known.set(entry, rows);
      }
      let row = rows.get(window);
      if (row === undefined) {
        row = this.#lookUpThrough(entry, window);
        rows.set(window, row);
      }
      return row;
    };
  }

  #lookUpThrough({ no, unsealed }: DeviceEntry, window: number): number {
    if (no === null) return 0;
    try {
      // Each part reaches further than those before it, and than the block.
      const partId = unsealed.get(window)?.partIds.at(-1);
      const row = partId === undefined ? this.rows.block(no, window) : this.rows.part(partId);
      return row?.through ?? 0;
    } catch (error) {
      // Reading the window tells of it. What the journal still has is taken from there: some of it may stand in both, and is merged.
      damageOf(error);
      return 0;
    }
  }
}

function entryFrom(row: DeviceRow, place: number): DeviceEntry {
  const entry = new DeviceEntry(row.key, place);
  entry.restore(row);
  return entry;
}
