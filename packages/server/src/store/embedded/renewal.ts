import type { WindowSummary } from "../algebra/window-summary.ts";
import type { StoreRenewal } from "../store.ts";
import { decodeDay, isOutdated } from "./codec/day-codec.ts";
import { damageOf } from "./damage.ts";
import type { DaySummaries } from "./day-summaries.ts";
import { dayRowOf } from "./rows.ts";
import type { Row, Tables } from "./tables.ts";

/** A day that is being made anew. */
interface OpenDay {
  readonly row: Row;
  readonly no: number;
  readonly day: number;
  readonly before: readonly WindowSummary[];
  readonly made: WindowSummary[];
}

/**
 * Makes the days' summaries anew that were written by another rule than that of today, the oldest rows first. How far it has come stands in the
 * file, so that it goes on after a restart. Meanwhile the others are read as they are; so are those whose samples are gone.
 */
export class Renewal {
  readonly #tables: Tables;
  readonly #daySummaries: DaySummaries;
  readonly #monotonicMs: () => number;
  readonly #tell: (renewal: StoreRenewal) => void;
  /** The rows up to `through` are done, of those up to `until`; null until it is looked up. */
  #at: { through: number; readonly until: number } | null = null;
  #open: OpenDay | null = null;

  constructor(
    tables: Tables,
    daySummaries: DaySummaries,
    monotonicMs: () => number,
    tell: (renewal: StoreRenewal) => void,
  ) {
    this.#monotonicMs = monotonicMs;
    this.#tables = tables;
    this.#daySummaries = daySummaries;
    this.#tell = tell;
  }

  /** Does a little, until the time comes. True while there is more. */
  step(deadlineMs: number): boolean {
    this.#at ??= this.#read();
    const at = this.#at;
    if (this.#open === null && at.through >= at.until) return false;
    while (this.#monotonicMs() < deadlineMs && (this.#open !== null || at.through < at.until)) {
      this.#open ??= this.#next(at);
      if (this.#open !== null) this.#stepDay(this.#open, at);
    }
    // What is open is not done yet.
    const done = this.#open === null ? at.through : Number(this.#open.row.id) - 1;
    this.#tables.lazily(() => this.#tables.run("UPDATE renewal SET through = ?", done));
    this.#tell({ done, total: at.until });
    return done < at.until;
  }

  #read(): { through: number; readonly until: number } {
    const row = this.#tables.first("SELECT through, until FROM renewal");
    return { through: Number(row?.through ?? 0), until: Number(row?.until ?? 0) };
  }

  /** The next day that is to be made anew; null where the next one is not. */
  #next(at: { through: number; readonly until: number }): OpenDay | null {
    try {
      const sql = "SELECT id, device_no, day, body FROM day WHERE id > ? AND id <= ? ORDER BY id LIMIT 1";
      const row = this.#tables.first(sql, at.through, at.until);
      at.through = row === undefined ? at.until : Number(row.id);
      if (row === undefined) return null;
      const { bytes, day } = dayRowOf(row);
      if (!isOutdated(bytes)) return null;
      return { row, no: Number(row.device_no), day, before: decodeDay(day, bytes), made: [] };
    } catch (error) {
      // Whoever reads it tells of it, and a repair makes it anew.
      damageOf(error);
      at.through++;
      return null;
    }
  }

  /** One window of it; behind the last one, it is written. */
  #stepDay(open: OpenDay, at: { through: number }): void {
    const { row, no, day, before, made } = open;
    const next = before[made.length];
    if (next !== undefined) {
      made.push(this.#daySummaries.fromBlock(no, next.window) ?? next);
      return;
    }
    this.#open = null;
    this.#tables.lazily(() => {
      const body = this.#tables.first("SELECT body FROM day WHERE id = ?", row.id as number)?.body as Uint8Array;
      // Where a late sample has come meanwhile, it is begun once more.
      if (body !== undefined && Buffer.compare(body, row.body as Uint8Array) !== 0) at.through = Number(row.id) - 1;
      else if (body !== undefined) this.#daySummaries.write(no, day, row.id as number, made);
    });
  }
}
