import { readRecords } from "../sample-record.ts";
import type { EventsQuery, NumberedEvent, PointInfo, StoredEvent, StoredSample } from "../store.ts";
import { DeviceEntry } from "./device-entry.ts";
import { Journal, type Through } from "./journal.ts";
import { Sealer } from "./sealer.ts";
import { pageBytes, Tables } from "./tables.ts";
import { Windows } from "./windows.ts";

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

/** Events that are kept; the oldest go. */
const eventsMax = 100_000;

/**
 * Where samples are kept: first in the journal (`append`, the ack point), then in memory by device and window (`absorb`), then in parts, at
 * last in blocks and days (`tidy`). Synchronous; lives in the store's worker. Every step is one transaction, so a crash finds each sample in
 * one place.
 */
export class BlockStore {
  readonly tables: Tables;
  readonly windows: Windows;
  readonly #devices = new Map<string, DeviceEntry>();
  readonly #journal: Journal;
  readonly #sealer: Sealer;

  constructor(path: string, limits: BlockStoreLimits, nowMs: () => number = Date.now) {
    this.tables = new Tables(path, Math.floor(limits.bytesMax / pageBytes));
    this.#journal = new Journal(this.tables, limits, nowMs, (deviceId) => this.#entryOf(deviceId));
    this.#sealer = new Sealer(this.tables, this.#journal, this.#devices, limits, nowMs);
    this.windows = new Windows(this.tables, this.#devices);
    this.#restore();
  }

  /** Durable when it returns; where it throws, nothing was stored. Gives the journal row, for `absorb`. */
  append(batch: Uint8Array): number {
    if (this.#journal.isFull) this.#sealer.writeAllParts();
    return this.#journal.append(batch);
  }

  /** Takes a batch that is in the journal into memory. */
  absorb(batch: Uint8Array, journalId: number): void {
    this.#journal.absorb(batch, journalId);
  }

  /** Does a little of what is due, for about `budgetMs`. True while more is due. */
  tidy(budgetMs: number): boolean {
    return this.#sealer.tidy(budgetMs);
  }

  /** Does at once all that is due some time: windows that are over are in their blocks then. */
  settle(): void {
    this.#sealer.sealAll();
  }

  /** The devices that have samples here, in the order in which they came. */
  get deviceIds(): string[] {
    return [...this.#devices.keys()];
  }

  /** Those of samples that are still in memory included. */
  points(deviceId: string): PointInfo[] {
    const entry = this.#devices.get(deviceId);
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

  recordEvents(events: readonly StoredEvent[]): void {
    this.tables.durably(() => {
      let last = 0;
      for (const { atMs, kind, deviceId, message } of events) {
        const sql = "INSERT INTO event (at_ms, kind, device_id, message) VALUES (?, ?, ?, ?)";
        last = this.tables.run(sql, atMs, kind, deviceId, message).lastId;
      }
      this.tables.run("DELETE FROM event WHERE number <= ?", last - eventsMax);
    });
  }

  events(query: EventsQuery): NumberedEvent[] {
    const { limit, before = null, deviceIds, kind = null, fromMs = null, toMs = null } = query;
    const rows = this.tables.all(
      `SELECT * FROM event
       WHERE (?1 IS NULL OR number < ?1) AND (?2 IS NULL OR device_id IN (SELECT value FROM json_each(?2))) AND (?3 IS NULL OR kind = ?3)
         AND (?4 IS NULL OR at_ms >= ?4) AND (?5 IS NULL OR at_ms < ?5)
       ORDER BY number DESC LIMIT ?6`,
      before,
      deviceIds === undefined ? null : JSON.stringify(deviceIds),
      kind,
      fromMs,
      toMs,
      limit,
    );
    return rows.map((row) => ({
      number: Number(row.number),
      atMs: Number(row.at_ms),
      kind: String(row.kind),
      deviceId: row.device_id === null ? null : String(row.device_id),
      message: String(row.message),
    }));
  }

  /** Writes everything that waits to parts. Where that fails, it is found in the journal at the next start. */
  close(): void {
    try {
      this.#sealer.writeAllParts();
    } finally {
      this.tables.close();
    }
  }

  #entryOf(deviceId: string): DeviceEntry {
    let entry = this.#devices.get(deviceId);
    if (entry === undefined) {
      entry = new DeviceEntry(deviceId, this.#devices.size);
      this.#devices.set(deviceId, entry);
    }
    return entry;
  }

  #restore(): void {
    const byNo = new Map<number, DeviceEntry>();
    for (const row of this.tables.each("SELECT no, device_id, latest, points FROM device ORDER BY no")) {
      const entry = this.#entryOf(String(row.device_id));
      entry.restore(Number(row.no), String(row.points));
      byNo.set(Number(row.no), entry);
      if (row.latest === null) continue;
      const latest = Buffer.from(row.latest as Uint8Array);
      entry.keepNewest(latest, 0, latest.length);
      for (const sample of readRecords(latest)) entry.newestAtMs = sample.observedAtMs;
    }
    for (const row of this.tables.each("SELECT id, device_no, window FROM part ORDER BY id")) {
      const entry = byNo.get(Number(row.device_no));
      if (entry !== undefined) this.#sealer.noteUnsealed(entry, Number(row.window), Number(row.id));
    }
    this.#journal.replay(this.#through(), () => this.#sealer.makeRoom());
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
    // Each part reaches further than those before it, and than the block.
    const partId = unsealed.get(window)?.partIds.at(-1);
    const row =
      partId === undefined
        ? this.tables.first("SELECT through FROM block WHERE device_no = ? AND window = ?", no, window)
        : this.tables.first("SELECT through FROM part WHERE id = ?", partId);
    return Number(row?.through ?? 0);
  }
}
