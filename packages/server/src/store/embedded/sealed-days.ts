import { windowsPerDay } from "../window.ts";
import { checksumOf } from "./checksum.ts";
import type { Row, Tables } from "./tables.ts";

const bytesPerDay = windowsPerDay / 8;

/** Which windows of a device's day are there. */
export interface SealedDay {
  readonly day: number;
  /** That have a summary. */
  readonly summaries: ReadonlySet<number>;
  /** That have a block still. */
  readonly blocks: ReadonlySet<number>;
}

/** The list of what was sealed, beside the blocks and the days: so that it is missed where it is not found. */
export class SealedDays {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** One day; null where nothing of it is listed, as before there were such lists. Throws where it is damaged. */
  day(deviceNo: number, day: number): SealedDay | null {
    const row = this.#tables.first("SELECT * FROM sealed WHERE device_no = ? AND day = ?", deviceNo, day);
    return row === undefined ? null : sealedDayOf(deviceNo, day, row);
  }

  /** The days of a range, growing. A damaged one is told and left out; throws where none of them can be found. */
  *days(deviceNo: number, firstDay: number, lastDay: number, damaged: (day: number) => void): Generator<SealedDay> {
    const sql = "SELECT * FROM sealed WHERE device_no = ? AND day BETWEEN ? AND ? ORDER BY day";
    for (const row of this.#tables.all(sql, deviceNo, firstDay, lastDay)) {
      const day = Number(row.day);
      try {
        yield sealedDayOf(deviceNo, day, row);
      } catch {
        damaged(day);
      }
    }
  }

  put(deviceNo: number, { day, summaries, blocks }: SealedDay): void {
    const bits = [bitsOf(day, summaries), bitsOf(day, blocks)] as const;
    const sum = checksumOf("sealed", deviceNo, day, ...bits);
    this.#tables.run("INSERT OR REPLACE INTO sealed VALUES (?, ?, ?, ?, ?)", deviceNo, day, ...bits, sum);
  }
}

/** Throws a RangeError where the row is damaged. */
export function sealedDayOf(deviceNo: number, day: number, row: Row): SealedDay {
  const { summaries, blocks, checksum } = row;
  if (
    !(summaries instanceof Uint8Array && blocks instanceof Uint8Array) ||
    checksum !== checksumOf("sealed", deviceNo, day, summaries, blocks)
  ) {
    throw new RangeError("its checksum does not fit");
  }
  return { day, summaries: windowsOf(day, summaries), blocks: windowsOf(day, blocks) };
}

function bitsOf(day: number, windows: ReadonlySet<number>): Uint8Array {
  const bits = new Uint8Array(bytesPerDay);
  for (const window of windows) {
    const at = window - day * windowsPerDay;
    bits[at >> 3] = (bits[at >> 3] as number) | (1 << (at & 7));
  }
  return bits;
}

function windowsOf(day: number, bits: Uint8Array): Set<number> {
  const windows = new Set<number>();
  for (let at = 0; at < windowsPerDay; at++) {
    if (((bits[at >> 3] as number) >> (at & 7)) & 1) windows.add(day * windowsPerDay + at);
  }
  return windows;
}
