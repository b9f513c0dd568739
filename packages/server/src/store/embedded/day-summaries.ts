import { windowsPerDay } from "../algebra/window.ts";
import { summarize, type WindowSummary } from "../algebra/window-summary.ts";
import { decodeBlock } from "./codec/block-codec.ts";
import { decodeDay, encodeDay } from "./codec/day-codec.ts";
import { damageOf } from "./damage.ts";
import { type Rows, stored } from "./rows.ts";
import { DayWindows, type SealedDay, type SealedDays } from "./sealed-days.ts";
import type { Tables } from "./tables.ts";

/** The summaries of sealed windows, a day in a row, and the lists of what is there. What of them cannot be read is made anew from the blocks. */
export class DaySummaries {
  readonly #tables: Tables;
  readonly #rows: Rows;
  readonly #sealedDays: SealedDays;

  constructor(tables: Tables, rows: Rows, sealedDays: SealedDays) {
    this.#tables = tables;
    this.#rows = rows;
    this.#sealedDays = sealedDays;
  }

  /** Within a transaction: puts a window's summary into its day, and lists it. */
  put(no: number, summary: WindowSummary): void {
    const day = Math.floor(summary.window / windowsPerDay);
    let id: number | null = null;
    let others: WindowSummary[];
    try {
      const row = this.#rows.day(no, day);
      id = row?.id ?? null;
      others = row === null ? [] : decodeDay(day, row.bytes);
    } catch (error) {
      damageOf(error);
      others = this.fromBlocks(no, day, summary.window);
    }
    const listed = this.#listedDay(no, day, others);
    const lost = [...listed.summaries].filter(
      (window) => window !== summary.window && !others.some((other) => other.window === window),
    );
    for (const window of lost) {
      const made = this.fromBlock(no, window);
      if (made !== null) others.push(made);
    }
    const summaries = [...others.filter(({ window }) => window !== summary.window), summary];
    this.write(no, day, id, summaries);
    this.#sealedDays.put(no, {
      day,
      summaries: DayWindows.of(
        day,
        summaries.map(({ window }) => window),
      ),
      blocks: DayWindows.of(day, [...listed.blocks, summary.window]),
    });
  }

  /** Writes a day's summaries, in whatever order they come. */
  write(no: number, day: number, id: number | null, summaries: readonly WindowSummary[]): void {
    const body = stored.day(encodeDay([...summaries].sort((a, b) => a.window - b.window)), no, day);
    if (id !== null) this.#tables.run("UPDATE day SET body = ? WHERE id = ?", body, id);
    else {
      // Where the old row cannot be read, it may be there still.
      this.#tables.run("DELETE FROM day WHERE device_no = ? AND day = ?", no, day);
      this.#tables.run("INSERT INTO day (device_no, day, body) VALUES (?, ?, ?)", no, day, body);
    }
  }

  /** A day's summaries made anew, but for one window. Takes a few milliseconds a window. */
  fromBlocks(no: number, day: number, but: number | null): WindowSummary[] {
    const from = day * windowsPerDay;
    const sql = "SELECT window FROM block WHERE device_no = ? AND window >= ? AND window < ? ORDER BY window";
    const windows = new Set(this.#tables.all(sql, no, from, from + windowsPerDay).map((row) => Number(row.window)));
    return [...windows].flatMap((window) => {
      const made = window === but ? null : this.fromBlock(no, window);
      return made === null ? [] : [made];
    });
  }

  /** A window's summary made anew from its block; null where that is not there, or cannot be read. */
  fromBlock(no: number, window: number): WindowSummary | null {
    try {
      const block = this.#rows.block(no, window);
      return block === null ? null : summarize(window, decodeBlock(block.bytes, undefined, true));
    } catch (error) {
      // Whoever reads that window, and `verify`, tells of it.
      damageOf(error);
      return null;
    }
  }

  /** What the list says of the day; made anew from what is there where it says nothing, or cannot be read. */
  #listedDay(no: number, day: number, summaries: readonly WindowSummary[]): SealedDay {
    try {
      const listed = this.#sealedDays.day(no, day);
      if (listed !== null) return listed;
    } catch (error) {
      damageOf(error);
    }
    return this.presentDay(no, day, summaries);
  }

  /** What is there of a day. */
  presentDay(no: number, day: number, summaries: readonly WindowSummary[]): SealedDay {
    const from = day * windowsPerDay;
    const sql = "SELECT window FROM block WHERE device_no = ? AND window >= ? AND window < ?";
    const blocks = this.#tables.all(sql, no, from, from + windowsPerDay).map((row) => Number(row.window));
    return {
      day,
      summaries: DayWindows.of(
        day,
        summaries.map(({ window }) => window),
      ),
      blocks: DayWindows.of(day, blocks),
    };
  }

  /** Notes that the blocks of these windows are gone. */
  unlist(no: number, windows: readonly number[]): void {
    for (const day of new Set(windows.map((window) => Math.floor(window / windowsPerDay)))) {
      try {
        const listed = this.#sealedDays.day(no, day);
        if (listed === null) continue;
        this.#sealedDays.put(no, {
          ...listed,
          blocks: DayWindows.of(
            day,
            [...listed.blocks].filter((window) => !windows.includes(window)),
          ),
        });
      } catch (error) {
        // Who reads that day tells of it.
        damageOf(error);
      }
    }
  }
}
