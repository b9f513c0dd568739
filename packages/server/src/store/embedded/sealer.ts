import { mergeSamples } from "../merge-samples.ts";
import type { SampleColumns } from "../sample-columns.ts";
import { windowMs, windowOf, windowsPerDay } from "../window.ts";
import { summarize, type WindowSummary } from "../window-summary.ts";
import { decodeBlock, encodeBlock } from "./block-codec.ts";
import { decodeDay, encodeDay } from "./day-codec.ts";
import type { DeviceEntry } from "./device-entry.ts";
import type { Journal } from "./journal.ts";
import { encodeMinutes } from "./minute-means.ts";
import type { OpenSamples } from "./open-samples.ts";
import type { Tables } from "./tables.ts";

export interface SealerLimits {
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
/** Journal rows dropped in one transaction: each stands on several pages, and minutes of them fall due at once. */
const rowsAtOnce = 64;

interface Due<T> {
  readonly entry: DeviceEntry;
  readonly what: T;
}

/** Moves samples on: from memory to parts, from parts to blocks and days, and out when they are too old. */
export class Sealer {
  readonly #tables: Tables;
  readonly #journal: Journal;
  readonly #devices: ReadonlyMap<string, DeviceEntry>;
  readonly #limits: SealerLimits;
  readonly #nowMs: () => number;
  #dueParts: Due<OpenSamples>[] = [];
  #dueWindows: Due<number>[] = [];
  /** Whether journal rows wait to be dropped: at a start those may that were passed over. */
  #areRowsDue = true;
  #lookedAtMs = 0;
  #retainedAtMs = 0;
  #checkpointedAtMs = 0;

  constructor(
    tables: Tables,
    journal: Journal,
    devices: ReadonlyMap<string, DeviceEntry>,
    limits: SealerLimits,
    nowMs: () => number,
  ) {
    this.#tables = tables;
    this.#journal = journal;
    this.#devices = devices;
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** Does a little of what is due, for about `budgetMs`. True while more is due. */
  tidy(budgetMs: number): boolean {
    const deadlineMs = performance.now() + budgetMs;
    this.#look();
    if (this.#dueParts.length > 0) {
      this.#writeParts(deadlineMs);
      return true;
    }
    if (this.#areRowsDue) {
      this.#areRowsDue = this.#tables.lazily(() => this.#journal.drop(this.#oldestNeeded(), rowsAtOnce));
      this.#journal.measure();
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
    return this.#retain(nowMs);
  }

  /** Writes parts until memory is within its bound again. */
  makeRoom(): void {
    if (this.#journal.openBytes <= this.#limits.openBytesMax) return;
    this.#dueParts = this.#allOpen();
    while (this.#dueParts.length > 0 && this.#journal.openBytes > this.#limits.openBytesMax / 2) this.#writeParts();
    this.#dueParts = [];
  }

  writeAllParts(): void {
    this.#dueParts = this.#allOpen();
    while (this.#dueParts.length > 0) this.#writeParts();
  }

  /** Seals at once every window that is over. */
  sealAll(): void {
    this.writeAllParts();
    const present = windowOf(this.#nowMs());
    this.#dueWindows = [...this.#devices.values()].flatMap((entry) =>
      [...entry.unsealed.keys()].filter((window) => window < present).map((window) => ({ entry, what: window })),
    );
    while (this.#dueWindows.length > 0) this.#seal(Number.POSITIVE_INFINITY);
  }

  noteUnsealed(entry: DeviceEntry, window: number, partId: number): void {
    const nowMs = this.#nowMs();
    const known = entry.unsealed.get(window);
    if (known === undefined) {
      entry.unsealed.set(window, { partIds: [partId], touchedAtMs: nowMs, isDamaged: false });
    } else {
      known.partIds.push(partId);
      known.touchedAtMs = nowMs;
    }
  }

  #look(): void {
    const nowMs = this.#nowMs();
    const isFull = this.#journal.openBytes > this.#limits.openBytesMax;
    if (this.#dueParts.length > 0 || (!isFull && Math.abs(nowMs - this.#lookedAtMs) < lookMs)) return;
    this.#lookedAtMs = nowMs;
    if (isFull) {
      // The oldest first, so that their journal rows can go, and as many as bring memory to half its bound.
      let bytes = this.#journal.openBytes;
      for (const due of this.#allOpen()) {
        if (bytes < this.#limits.openBytesMax / 2) break;
        this.#dueParts.push(due);
        bytes -= due.what.bytes;
      }
      return;
    }
    const lookForWindows = this.#dueWindows.length === 0;
    for (const entry of this.#devices.values()) {
      for (const open of entry.open.values()) {
        const waitMs = openMsMin + entry.phase * openMsSpread;
        // A clock that was set back must not keep them for ever.
        if (Math.abs(nowMs - open.openedAtMs) >= waitMs) this.#dueParts.push({ entry, what: open });
      }
      if (!lookForWindows) continue;
      for (const [window, { touchedAtMs, isDamaged }] of entry.unsealed) {
        if (isDamaged || entry.open.has(window)) continue;
        const dueAtMs = (window + 1) * windowMs + sealAfterMs + entry.phase * sealMsSpread;
        const isQuiet = Math.abs(nowMs - touchedAtMs) >= sealAfterMs;
        if (nowMs >= dueAtMs && isQuiet) this.#dueWindows.push({ entry, what: window });
      }
    }
  }

  #allOpen(): Due<OpenSamples>[] {
    return [...this.#devices.values()]
      .flatMap((entry) => [...entry.open.values()].map((open) => ({ entry, what: open })))
      .sort((a, b) => a.what.journalId - b.what.journalId);
  }

  /** Open samples become parts; their journal rows go once nothing open needs them. */
  #writeParts(deadlineMs = Number.POSITIVE_INFINITY): void {
    const written: (Due<OpenSamples> & { partId: number })[] = [];
    const due = this.#dueParts;
    let areRowsDue = false;
    try {
      this.#tables.lazily(() => {
        while (written.length < due.length) {
          const { entry, what: open } = due[written.length] as Due<OpenSamples>;
          written.push({ entry, what: open, partId: this.#writePart(entry, open) });
          if (written.length === 256 || performance.now() > deadlineMs) break;
        }
        const oldestNeeded = this.#oldestNeeded(new Set(written.map(({ what }) => what)));
        const rowsMax = deadlineMs === Number.POSITIVE_INFINITY ? Number.MAX_SAFE_INTEGER : rowsAtOnce;
        areRowsDue = this.#journal.drop(oldestNeeded, rowsMax);
      });
    } catch (error) {
      this.#undo(written.map(({ entry }) => entry));
      this.#dueParts = [];
      throw error;
    }
    for (const { entry, what: open, partId } of written) {
      entry.open.delete(open.window);
      this.#journal.release(open);
      this.noteUnsealed(entry, open.window, partId);
    }
    this.#journal.measure();
    this.#areRowsDue = areRowsDue;
    this.#dueParts = due.slice(written.length);
  }

  #writePart(entry: DeviceEntry, open: OpenSamples): number {
    const no = entry.numberIn(this.#tables);
    const columns = open.columns();
    this.#tables.run("UPDATE device SET latest = ? WHERE no = ?", entry.newest, no);
    entry.notePoints(columns);
    const points = entry.unwrittenPoints();
    if (points !== null) this.#tables.run("UPDATE device SET points = ? WHERE no = ?", points, no);
    return this.#tables.run(
      "INSERT INTO part (device_no, window, through, minutes, body) VALUES (?, ?, ?, ?, ?)",
      no,
      open.window,
      this.#journal.absorbedId,
      encodeMinutes(columns, open.window),
      encodeBlock(columns),
    ).lastId;
  }

  /** The oldest journal row that something open needs, besides what is being written. */
  #oldestNeeded(written: ReadonlySet<OpenSamples> = new Set()): number {
    let oldest = Number.MAX_SAFE_INTEGER;
    for (const { open } of this.#devices.values()) {
      for (const each of open.values()) if (each.journalId < oldest && !written.has(each)) oldest = each.journalId;
    }
    return oldest;
  }

  /** Merges the parts of windows into their blocks. */
  #seal(deadlineMs: number): void {
    const sealed: Due<number>[] = [];
    const due = this.#dueWindows;
    this.#dueWindows = [];
    this.#tables.lazily(() => {
      while (sealed.length < due.length) {
        const next = due[sealed.length] as Due<number>;
        this.#sealOne(next.entry, next.what);
        sealed.push(next);
        if (performance.now() > deadlineMs) break;
      }
    });
    for (const { entry, what: window } of sealed) {
      if (entry.unsealed.get(window)?.isDamaged === false) entry.unsealed.delete(window);
    }
    this.#dueWindows = due.slice(sealed.length);
  }

  #sealOne(entry: DeviceEntry, window: number): void {
    const no = entry.numberIn(this.#tables);
    const unsealed = entry.unsealed.get(window);
    if (unsealed === undefined) return;
    const { partIds } = unsealed;
    const block = this.#tables.first(
      "SELECT id, body, through FROM block WHERE device_no = ? AND window = ?",
      no,
      window,
    );
    const parts = partIds.map((id) => this.#tables.first("SELECT body, through FROM part WHERE id = ?", id));
    const through = Math.max(...[block, ...parts].map((row) => Number(row?.through ?? 0)));
    const bodies = [block, ...parts].flatMap((row) => (row === undefined ? [] : [row.body as Uint8Array]));
    let merged: SampleColumns;
    let body: Uint8Array;
    try {
      merged = mergeSamples(bodies.map((each) => decodeBlock(each)));
      body = encodeBlock(merged);
    } catch {
      unsealed.isDamaged = true;
      return;
    }
    const minutes = encodeMinutes(merged, window);
    if (block === undefined) {
      const sql = "INSERT INTO block (device_no, window, samples, minutes, body, through) VALUES (?, ?, ?, ?, ?, ?)";
      this.#tables.run(sql, no, window, merged.count, minutes, body, through);
    } else {
      const sql = "UPDATE block SET samples = ?, minutes = ?, body = ?, through = ? WHERE id = ?";
      this.#tables.run(sql, merged.count, minutes, body, through, block.id as number);
    }
    this.#putSummary(no, summarize(window, merged));
    for (const id of partIds) this.#tables.run("DELETE FROM part WHERE id = ?", id);
  }

  #putSummary(no: number, summary: WindowSummary): void {
    const day = Math.floor(summary.window / windowsPerDay);
    const row = this.#tables.first("SELECT id, body FROM day WHERE device_no = ? AND day = ?", no, day);
    const others = row === undefined ? [] : decodeDay(day, row.body as Uint8Array);
    const summaries = [...others.filter(({ window }) => window !== summary.window), summary];
    const body = encodeDay(summaries.sort((a, b) => a.window - b.window));
    if (row === undefined) this.#tables.run("INSERT INTO day (device_no, day, body) VALUES (?, ?, ?)", no, day, body);
    else this.#tables.run("UPDATE day SET body = ? WHERE id = ?", body, row.id as number);
  }

  /** Once an hour, a few old blocks at a time. Summaries stay: years of them take less than a month of samples. */
  #retain(nowMs: number): boolean {
    const { retentionMs } = this.#limits;
    if (retentionMs === 0 || Math.abs(nowMs - this.#retainedAtMs) < retainEveryMs) return false;
    const before = windowOf(nowMs - retentionMs);
    for (const entry of this.#devices.values()) {
      if (entry.no === null) continue;
      const sql = "DELETE FROM block WHERE id IN (SELECT id FROM block WHERE device_no = ? AND window < ? LIMIT 64)";
      if (this.#tables.lazily(() => this.#tables.run(sql, entry.no, before)).changes > 0) return true;
    }
    this.#retainedAtMs = nowMs;
    return false;
  }

  /** A transaction was undone: what was noted with it must be noted again. */
  #undo(entries: readonly DeviceEntry[]): void {
    for (const entry of entries) {
      const row = this.#tables.first("SELECT no, points FROM device WHERE device_id = ?", entry.deviceId);
      if (row === undefined) entry.restore(null, "{}");
      else entry.restore(Number(row.no), String(row.points));
    }
  }
}
