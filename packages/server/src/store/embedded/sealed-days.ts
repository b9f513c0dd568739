import { windowsPerDay } from "../algebra/window.ts";
import { checksumOf } from "./checksum.ts";
import { damageOf } from "./damage.ts";
import type { Row, Tables } from "./tables.ts";

const bytesPerDay = windowsPerDay / 8;
/** Days of devices that are held in memory, about 200 bytes each; then all are read anew. */
const knownMax = 4_096;
/** More days than there are since 1970, for a key of both numbers. */
const daysMax = 2 ** 24;

/** Which windows of a device's day are there. */
export interface SealedDay {
  readonly day: number;
  /** That have a summary. */
  readonly summaries: DayWindows;
  /** That have a block still. */
  readonly blocks: DayWindows;
}

/** Some windows of a day, a bit each. */
export class DayWindows implements Iterable<number> {
  readonly bits: Uint8Array;
  readonly #first: number;

  constructor(day: number, bits: Uint8Array) {
    this.bits = bits;
    this.#first = day * windowsPerDay;
  }

  static of(day: number, windows: Iterable<number>): DayWindows {
    const bits = new Uint8Array(bytesPerDay);
    for (const window of windows) {
      const at = window - day * windowsPerDay;
      bits[at >> 3] = (bits[at >> 3] as number) | (1 << (at & 7));
    }
    return new DayWindows(day, bits);
  }

  get size(): number {
    let size = 0;
    for (let at = 0; at < bytesPerDay; at++)
      for (let byte = this.bits[at] as number; byte !== 0; byte &= byte - 1) size++;
    return size;
  }

  has(window: number): boolean {
    const at = window - this.#first;
    return at >= 0 && at < windowsPerDay && (((this.bits[at >> 3] as number) >> (at & 7)) & 1) === 1;
  }

  *[Symbol.iterator](): Generator<number> {
    for (let at = 0; at < windowsPerDay; at++) {
      if (((this.bits[at >> 3] as number) >> (at & 7)) & 1) yield this.#first + at;
    }
  }
}

/** The list of what was sealed, beside the blocks and the days: so that it is missed where it is not found. */
export class SealedDays {
  readonly #tables: Tables;
  /** Nearly every question is about the last days of each device. */
  readonly #known = new Map<number, SealedDay | null>();

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** One day; null where nothing of it is listed, as before there were such lists. Throws where it is damaged. */
  day(deviceNo: number, day: number): SealedDay | null {
    const key = deviceNo * daysMax + day;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const row = this.#tables.first("SELECT * FROM sealed WHERE device_no = ? AND day = ?", deviceNo, day);
    const found = row === undefined ? null : sealedDayOf(deviceNo, day, row);
    if (this.#known.size >= knownMax) this.#known.clear();
    this.#known.set(key, found);
    return found;
  }

  /** The days of a range, growing. A damaged one is told and left out; throws where none of them can be found. */
  days(deviceNo: number, firstDay: number, lastDay: number, damaged: (day: number) => void): SealedDay[] {
    const found: SealedDay[] = [];
    const add = (day: number, read: () => SealedDay | null): void => {
      try {
        const sealed = read();
        if (sealed !== null) found.push(sealed);
      } catch (error) {
        damageOf(error);
        damaged(day);
      }
    };
    if (lastDay - firstDay < 2) {
      for (let day = firstDay; day <= lastDay; day++) add(day, () => this.day(deviceNo, day));
      return found;
    }
    const sql = "SELECT * FROM sealed WHERE device_no = ? AND day BETWEEN ? AND ? ORDER BY day";
    for (const row of this.#tables.all(sql, deviceNo, firstDay, lastDay)) {
      const day = Number(row.day);
      // A damaged page may name a row twice.
      if (day <= (found.at(-1)?.day ?? Number.NEGATIVE_INFINITY)) damaged(day);
      else add(day, () => sealedDayOf(deviceNo, day, row));
    }
    return found;
  }

  /** A transaction was undone: what was read within it may not be true. */
  forget(): void {
    this.#known.clear();
  }

  put(deviceNo: number, { day, summaries, blocks }: SealedDay): void {
    this.#known.delete(deviceNo * daysMax + day);
    const bits = [summaries.bits, blocks.bits] as const;
    const sum = checksumOf("sealed", deviceNo, day, ...bits);
    this.#tables.run("INSERT OR REPLACE INTO sealed VALUES (?, ?, ?, ?, ?)", deviceNo, day, ...bits, sum);
  }
}

/** Throws a RangeError where the row is damaged. */
export function sealedDayOf(deviceNo: number, day: number, row: Row): SealedDay {
  const { summaries, blocks, checksum } = row;
  if (
    !(summaries instanceof Uint8Array && blocks instanceof Uint8Array) ||
    summaries.length !== bytesPerDay ||
    blocks.length !== bytesPerDay ||
    checksum !== checksumOf("sealed", deviceNo, day, summaries, blocks)
  ) {
    throw new RangeError("its checksum does not fit");
  }
  return { day, summaries: new DayWindows(day, summaries), blocks: new DayWindows(day, blocks) };
}
