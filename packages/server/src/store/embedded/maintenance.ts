import { mergeSamples } from "../algebra/merge-samples.ts";
import type { SampleColumns } from "../algebra/sample-columns.ts";
import { windowMs, windowOf } from "../algebra/window.ts";
import { summarize } from "../algebra/window-summary.ts";
import type { StoreRenewal } from "../store.ts";
import { decodeBlock, encodeBlock } from "./codec/block-codec.ts";
import { type DamageLog, damageOf, sqliteCodeOf } from "./damage.ts";
import type { DaySummaries } from "./day-summaries.ts";
import type { DeviceEntry } from "./device-entry.ts";
import type { DeviceTable } from "./device-table.ts";
import type { Journal } from "./journal.ts";
import { encodeMinutes } from "./minute-means.ts";
import type { Head } from "./open-samples.ts";
import { Renewal } from "./renewal.ts";
import { type Rows, stored, type WindowRow, windowName } from "./rows.ts";
import type { SealedDays } from "./sealed-days.ts";
import type { Tables } from "./tables.ts";
import { damageAt, type Windows } from "./windows.ts";

export interface MaintenanceLimits {
  readonly openBytesMax: number;
  readonly retentionMs: number;
}

/** Samples wait in memory for others of their window, 2 to 5 minutes, each device at its own moment. They are safe in the journal meanwhile. */
const openMsMin = 120_000;
const openMsSpread = 180_000;
/** A window is sealed this long after its end, and after the last part was added to it: samples come late now and then. */
const sealAfterMs = 120_000;
/** And then within this time, each device at its own moment. */
const sealMsSpread = 10 * 60_000;
/** How often it is looked up what is due. */
const lookMs = 1_000;
const retainEveryMs = 3_600_000;
const checkpointEveryMs = 1_000;
/** SQLite's, for a row that its index has already. */
const constraintCode = 19;
/** Journal rows dropped in one transaction: each stands on several pages, and minutes of them fall due at once. */
const rowsAtOnce = 64;

/** What is written to. */
interface Parts {
  readonly tables: Tables;
  readonly rows: Rows;
  readonly sealedDays: SealedDays;
  readonly daySummaries: DaySummaries;
  readonly deviceTable: DeviceTable;
  readonly damage: DamageLog;
  readonly windows: Windows;
}

interface Due<T> {
  readonly entry: DeviceEntry;
  readonly what: T;
}

/** Moves samples on: from memory to parts, from parts to blocks and days, and out when they are too old. */
export class Maintenance {
  readonly #parts: Parts;
  readonly #tables: Tables;
  readonly #journal: Journal;
  readonly #devices: Map<string, DeviceEntry>;
  readonly #limits: MaintenanceLimits;
  readonly #nowMs: () => number;
  readonly #monotonicMs: () => number;
  #dueParts: Due<Head>[] = [];
  #dueWindows: Due<number>[] = [];
  /** Whether journal rows wait to be dropped: at a start those may that were passed over. */
  #areRowsDue = true;
  /** Whether devices are held in memory that were removed. */
  #areForgotten = false;
  #lookedAtMs = 0;
  #retainedAtMs = 0;
  /** The device whose old blocks went last. */
  #retainedNo = 0;
  #checkpointedAtMs = 0;
  readonly #renewal: Renewal;

  constructor(
    parts: Parts,
    journal: Journal,
    devices: Map<string, DeviceEntry>,
    limits: MaintenanceLimits,
    { nowMs, monotonicMs }: { readonly nowMs: () => number; readonly monotonicMs: () => number },
    onRenewal: (renewal: StoreRenewal) => void,
  ) {
    this.#parts = parts;
    this.#tables = parts.tables;
    this.#journal = journal;
    this.#devices = devices;
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#monotonicMs = monotonicMs;
    this.#renewal = new Renewal(parts.tables, parts.daySummaries, monotonicMs, onRenewal);
  }

  /** Does a little of what is due, for about `budgetMs`. True while more is due. */
  compactStep(budgetMs: number): boolean {
    const deadlineMs = this.#monotonicMs() + budgetMs;
    this.#look();
    if (this.#dueParts.length > 0) {
      this.#writeParts(deadlineMs);
      return true;
    }
    if (this.#areRowsDue) {
      this.#areRowsDue = this.#tables.lazily(() => this.#journal.drop(this.#journal.oldestNeeded(), rowsAtOnce));
      this.#journal.noteDropped();
      return true;
    }
    if (this.#dueWindows.length > 0) {
      this.#seal(deadlineMs);
      return true;
    }
    const nowMs = this.#nowMs();
    if (Math.abs(nowMs - this.#checkpointedAtMs) >= checkpointEveryMs) {
      this.#checkpointedAtMs = nowMs;
      this.#tables.checkpoint();
    }
    return this.#retain(nowMs) || this.#renewal.step(deadlineMs);
  }

  /** Writes parts until memory is within its bound again. */
  makeRoom(): void {
    if (this.#journal.openBytes <= this.#limits.openBytesMax) return;
    this.#dueParts = this.#oldestOpen();
    while (this.#dueParts.length > 0) this.#writeParts();
  }

  writeAllParts(): void {
    this.#dueParts = [...this.#allOpen()];
    while (this.#dueParts.length > 0) this.#writeParts();
  }

  /** Drops at once every journal row that is not needed. */
  dropAll(): void {
    this.#tables.lazily(() => this.#journal.drop(this.#journal.oldestNeeded(), Number.MAX_SAFE_INTEGER));
    this.#journal.noteDropped();
  }

  /** Seals at once every window that is over. */
  sealAll(): void {
    this.writeAllParts();
    const present = windowOf(this.#nowMs());
    this.#dueWindows = [...this.#devices.values()].flatMap((entry) =>
      [...entry.unsealed.keys()].filter((window) => window < present).map((window) => ({ entry, what: window })),
    );
    while (this.#dueWindows.length > 0) this.#seal(Number.POSITIVE_INFINITY);
    this.#renewal.step(Number.POSITIVE_INFINITY);
  }

  noteUnsealed(entry: DeviceEntry, window: number, partId: number): void {
    const nowMs = this.#nowMs();
    const known = entry.unsealed.get(window);
    if (known === undefined) {
      entry.unsealed.set(window, { partIds: [partId], touchedAtMs: nowMs, isStuck: false });
    } else {
      known.partIds.push(partId);
      known.touchedAtMs = nowMs;
    }
  }

  noteForgotten(): void {
    this.#areForgotten = true;
  }

  #look(): void {
    const nowMs = this.#nowMs();
    const isFull = this.#journal.openBytes > this.#limits.openBytesMax;
    if (this.#dueParts.length > 0 || (!isFull && Math.abs(nowMs - this.#lookedAtMs) < lookMs)) return;
    this.#lookedAtMs = nowMs;
    if (isFull) {
      this.#dueParts = this.#oldestOpen();
      return;
    }
    if (this.#areForgotten) this.#letGo();
    const lookForWindows = this.#dueWindows.length === 0;
    for (const entry of this.#devices.values()) {
      for (const open of entry.open.values()) {
        const waitMs = openMsMin + entry.phase * openMsSpread;
        // A clock that was set back must not keep them for ever.
        if (Math.abs(nowMs - open.openedAtMs) >= waitMs) this.#dueParts.push({ entry, what: open });
      }
      if (!lookForWindows) continue;
      for (const [window, { touchedAtMs, isStuck }] of entry.unsealed) {
        if (isStuck || entry.open.has(window)) continue;
        const dueAtMs = (window + 1) * windowMs + sealAfterMs + entry.phase * sealMsSpread;
        const isQuiet = Math.abs(nowMs - touchedAtMs) >= sealAfterMs;
        if (nowMs >= dueAtMs && isQuiet) this.#dueWindows.push({ entry, what: window });
      }
    }
  }

  /** Removed devices of which nothing waits go from memory. */
  #letGo(): void {
    this.#areForgotten = false;
    for (const [key, entry] of this.#devices) {
      if (!entry.isForgotten) continue;
      if (entry.open.size === 0 && entry.unsealed.size === 0) this.#devices.delete(key);
      else this.#areForgotten = true;
    }
  }

  /** The oldest, so that their journal rows can go: as many as bring memory to half its bound. */
  #oldestOpen(): Due<Head>[] {
    const found: Due<Head>[] = [];
    let bytes = this.#journal.openBytes;
    for (const due of this.#allOpen()) {
      if (bytes < this.#limits.openBytesMax / 2) break;
      found.push(due);
      bytes -= due.what.bytes;
    }
    return found;
  }

  /** Those whose journal rows are the oldest first. */
  *#allOpen(): Generator<Due<Head>> {
    for (const [what, entry] of this.#journal.open) yield { entry, what };
  }

  /** Open samples become parts; their journal rows go once nothing open needs them. */
  #writeParts(deadlineMs = Number.POSITIVE_INFINITY): void {
    const written: (Due<Head> & { partId: number })[] = [];
    const due = this.#dueParts;
    let areRowsDue = false;
    const touched = new Set<DeviceEntry>();
    try {
      this.#tables.lazily(() => {
        while (written.length < due.length) {
          const { entry, what: open } = due[written.length] as Due<Head>;
          if (!touched.has(entry)) entry.begin();
          touched.add(entry);
          written.push({ entry, what: open, partId: this.#writePart(entry, open) });
          if (written.length === 256 || this.#monotonicMs() > deadlineMs) break;
        }
        const oldestNeeded = this.#journal.oldestNeeded(new Set(written.map(({ what }) => what)));
        const rowsMax = deadlineMs === Number.POSITIVE_INFINITY ? Number.MAX_SAFE_INTEGER : rowsAtOnce;
        areRowsDue = this.#journal.drop(oldestNeeded, rowsMax);
      });
    } catch (error) {
      for (const entry of touched) entry.undo();
      this.#dueParts = [];
      throw error;
    }
    for (const { entry, what: open, partId } of written) {
      this.#journal.release(open);
      this.noteUnsealed(entry, open.window, partId);
    }
    this.#journal.noteDropped();
    this.#areRowsDue = areRowsDue;
    this.#dueParts = due.slice(written.length);
  }

  #writePart(entry: DeviceEntry, open: Head): number {
    const { deviceTable } = this.#parts;
    const no = entry.numberIn(deviceTable);
    const columns = open.columns();
    entry.notePoints(columns);
    const { window } = open;
    const through = this.#journal.absorbedId;
    const { lastId } = this.#tables.run(
      "INSERT INTO part (device_no, window, through, minutes, body) VALUES (?, ?, ?, ?, ?)",
      no,
      window,
      through,
      stored.minutes(encodeMinutes(columns, window), no, window),
      stored.part(encodeBlock(columns), no, window, through),
    );
    entry.notePart(window, lastId);
    entry.save(deviceTable);
    return lastId;
  }

  /** Merges the parts of windows into their blocks. */
  #seal(deadlineMs: number): void {
    const sealed: Due<number>[] = [];
    const stuck: Due<number>[] = [];
    const due = this.#dueWindows;
    this.#dueWindows = [];
    const touched = new Set<DeviceEntry>();
    try {
      this.#tables.lazily(() => {
        for (const next of due) {
          if (!touched.has(next.entry)) next.entry.begin();
          touched.add(next.entry);
          try {
            this.#tables.attempt(() => this.#sealOne(next.entry, next.what));
            sealed.push(next);
          } catch (error) {
            next.entry.noteNotSealed(next.what);
            this.#tellStuck(next.entry, next.what, error);
            stuck.push(next);
          }
          if (this.#monotonicMs() > deadlineMs) break;
        }
      });
    } catch (error) {
      this.#parts.sealedDays.forget();
      throw error;
    }
    for (const { entry, what: window } of sealed) entry.unsealed.delete(window);
    for (const { entry, what: window } of stuck) {
      const unsealed = entry.unsealed.get(window);
      if (unsealed !== undefined) unsealed.isStuck = true;
    }
    this.#dueWindows = due.slice(sealed.length + stuck.length);
  }

  /** The parts stay, and are read from there. Throws the error again where it is not about this window. */
  #tellStuck({ key }: DeviceEntry, window: number, error: unknown): void {
    // An index that is damaged may hold what is not in its table.
    const isConstraint = ((sqliteCodeOf(error) ?? 0) & 0xff) === constraintCode;
    const reason = isConstraint ? (error as Error).message : damageOf(error);
    const message = `The samples of ${key} at ${windowName(window)} cannot be moved to a block: ${reason}`;
    this.#parts.damage.note(damageAt(key, null, message));
  }

  #sealOne(entry: DeviceEntry, window: number): void {
    const { rows, deviceTable, damage } = this.#parts;
    const no = entry.numberIn(deviceTable);
    const unsealed = entry.unsealed.get(window);
    if (unsealed === undefined) return;
    const { partIds } = unsealed;
    const pieces: SampleColumns[] = [];
    let through = 0;
    const take = (row: WindowRow | null): void => {
      if (row === null) return;
      const columns = decodeBlock(row.bytes, undefined, true);
      pieces.push(columns);
      through = Math.max(through, row.through);
    };
    let block: WindowRow | null = null;
    try {
      block = rows.block(no, window);
      take(block);
    } catch (error) {
      const message = `The block of ${entry.key} at ${windowName(window)}: ${damageOf(error)}`;
      damage.note(damageAt(entry.key, window, message));
      this.#setAside("block", "device_no = ? AND window = ?", [no, window], message);
      block = null;
    }
    for (const id of partIds) {
      try {
        take(rows.part(id));
      } catch (error) {
        const message = `A part of ${entry.key} at ${windowName(window)}: ${damageOf(error)}`;
        damage.note(damageAt(entry.key, window, message));
        this.#setAside("part", "id = ?", [id], message);
      }
    }
    entry.noteSealed(window);
    if (pieces.length > 0) this.#putBlock(no, window, block, mergeSamples(pieces), through);
    for (const id of partIds) this.#tables.run("DELETE FROM part WHERE id = ?", id);
    entry.save(deviceTable);
  }

  #putBlock(no: number, window: number, block: WindowRow | null, merged: SampleColumns, through: number): void {
    const minutes = stored.minutes(encodeMinutes(merged, window), no, window);
    const body = stored.block(encodeBlock(merged), no, window, merged.count, through);
    if (block === null) {
      const sql = "INSERT INTO block (device_no, window, samples, minutes, body, through) VALUES (?, ?, ?, ?, ?, ?)";
      this.#tables.run(sql, no, window, merged.count, minutes, body, through);
    } else {
      const sql = "UPDATE block SET samples = ?, minutes = ?, body = ?, through = ? WHERE id = ?";
      this.#tables.run(sql, merged.count, minutes, body, through, block.id);
    }
    this.#parts.daySummaries.put(no, summarize(window, merged));
  }

  /** What cannot be read makes room for what can, and stays for whoever wants to look at it, until a repair. */
  #setAside(kind: "block" | "part", where: string, keys: readonly number[], what: string): void {
    const sql = `INSERT INTO set_aside (kind, device_no, window, what, bytes)
      SELECT '${kind}', device_no, window, ?, body FROM ${kind} WHERE ${where}`;
    this.#tables.run(sql, what, ...keys);
    this.#tables.run(`DELETE FROM ${kind} WHERE ${where}`, ...keys);
  }

  /** Once an hour, a few old blocks at a time. Summaries stay: years of them take less than a month of samples. */
  #retain(nowMs: number): boolean {
    const { retentionMs } = this.#limits;
    if (retentionMs === 0 || Math.abs(nowMs - this.#retainedAtMs) < retainEveryMs) return false;
    const before = windowOf(nowMs - retentionMs);
    // Of devices that are not in memory as well.
    for (let no = this.#parts.deviceTable.after(this.#retainedNo); no !== null; ) {
      if (this.#retainOf(no, before)) return true;
      this.#retainedNo = no;
      no = this.#parts.deviceTable.after(no);
    }
    this.#retainedNo = 0;
    this.#retainedAtMs = nowMs;
    return false;
  }

  /** True where some went. */
  #retainOf(no: number, before: number): boolean {
    try {
      const sql = "SELECT id, window FROM block WHERE device_no = ? AND window < ? LIMIT 64";
      const old = this.#tables.all(sql, no, before);
      if (old.length === 0) return false;
      this.#tables.lazily(() => {
        for (const { id } of old) this.#tables.run("DELETE FROM block WHERE id = ?", id as number);
        this.#parts.daySummaries.unlist(
          no,
          old.map(({ window }) => Number(window)),
        );
      });
      return true;
    } catch (error) {
      const message = `Old blocks of device number ${no} cannot be deleted: ${damageOf(error)}`;
      this.#parts.damage.note(damageAt(null, null, message));
      return false;
    }
  }
}
