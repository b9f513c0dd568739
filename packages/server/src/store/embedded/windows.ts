import type { EnergyStream } from "../algebra/energy.ts";
import { mergeSamples } from "../algebra/merge-samples.ts";
import { type SampleColumns, samplesFrom } from "../algebra/sample-columns.ts";
import { windowFrom, windowMs, windowOf, windowsPerDay } from "../algebra/window.ts";
import { withoutStruck } from "../algebra/without-struck.ts";
import type { Registration } from "../registration.ts";
import type { StoreDamage } from "../store.ts";
import { decodeBlock } from "./codec/block-codec.ts";
import { type DayColumns, type DayParts, decodeDayColumns } from "./codec/day-codec.ts";
import { type DamageLog, damageOf } from "./damage.ts";
import type { DeviceEntry } from "./device-entry.ts";
import { MinuteSums } from "./minute-means.ts";
import { checkedMinutes, dayName, dayRowOf, type Rows, windowName } from "./rows.ts";
import type { SealedDay, SealedDays } from "./sealed-days.ts";
import type { Strikes } from "./strikes.ts";
import type { Row, Tables } from "./tables.ts";

/** Days' summaries that are held at once, some kilobytes each. */
const daysAtOnce = 16;

/** A device's summaries of a day. */
export interface SummaryDay {
  /** Null where it cannot be read. */
  readonly columns: DayColumns | null;
  /** Windows that have samples, and whose summary should stand in the day and does not; growing. */
  readonly lacking: readonly number[];
}

/** Told of a window, or a day, that cannot be read. */
export type OnDamage = (damage: StoreDamage) => void;

/**
 * Reads what is kept, window by window, wherever it stands: in a block, in parts, in memory. What is damaged is passed over and told; where it can
 * be made from something else, it is.
 */
export class Windows {
  readonly #tables: Tables;
  readonly #rows: Rows;
  readonly #sealed: SealedDays;
  readonly #strikes: Strikes;
  readonly #damage: DamageLog;
  readonly #find: (key: string) => DeviceEntry | undefined;

  constructor(
    tables: Tables,
    rows: Rows,
    sealed: SealedDays,
    strikes: Strikes,
    damage: DamageLog,
    find: (key: string) => DeviceEntry | undefined,
  ) {
    this.#tables = tables;
    this.#rows = rows;
    this.#sealed = sealed;
    this.#strikes = strikes;
    this.#damage = damage;
    this.#find = find;
  }

  /** The windows in a range that have samples of the registration, growing. */
  list({ key, fromMs }: Registration, fromWindow: number, toWindow: number): number[] {
    const entry = this.#find(key);
    if (entry === undefined) return [];
    const first = Math.max(fromWindow, windowOf(fromMs));
    const found = this.blocks(entry, first, toWindow);
    const fresh = this.#freshOf(entry, first, toWindow);
    const known = new Set(found);
    const others = [...this.#listedBlocks(entry, first, toWindow), ...fresh].filter((window) => !known.has(window));
    return others.length === 0 ? found : [...found, ...new Set(others)].sort((a, b) => a - b);
  }

  /** The windows of a device in a range that have a block by the index of blocks, growing. */
  blocks({ key, no }: DeviceEntry, fromWindow: number, toWindow: number): number[] {
    try {
      const sql = "SELECT window FROM block WHERE device_no = ? AND window >= ? AND window < ? ORDER BY window";
      const found = this.#tables.all(sql, no, fromWindow, toWindow).map(({ window }) => Number(window));
      if (isGrowing(found)) return found;
      // A page of the index that is damaged may name a row twice, or in another place.
      this.#damage.note(damageAt(key, null, `The blocks of ${key}: their index is out of order`));
      return [...new Set(found)].sort((a, b) => a - b);
    } catch (error) {
      this.#damage.note(damageAt(key, null, `The blocks of ${key}: ${damageOf(error)}`));
      return [];
    }
  }

  /** The first day (UTC), from that one on, of which something is stored under the key; null where there is none. */
  firstDay({ key }: Registration, fromDay: number): number | null {
    const entry = this.#find(key);
    if (entry === undefined) return null;
    const days = [...entry.unsealed.keys(), ...entry.open.keys()].map((window) => Math.floor(window / windowsPerDay));
    try {
      const sql = "SELECT min(day) AS day FROM day WHERE device_no = ? AND day >= ?";
      const day = entry.no === null ? null : this.#tables.first(sql, entry.no, fromDay)?.day;
      if (typeof day === "number") days.push(day);
    } catch (error) {
      this.#tellDay(entry, null, damageOf(error));
    }
    return days.reduce<number | null>(
      (first, day) => (day >= fromDay && (first === null || day < first) ? day : first),
      null,
    );
  }

  /**
   * The windows in a range whose summary is to be made of samples, growing: not all stand in a block, or some are another registration's, or struck
   * out.
   */
  fresh({ key, fromMs }: Registration, fromWindow: number, toWindow: number): number[] {
    const entry = this.#find(key);
    if (entry === undefined) return [];
    const cut = windowOf(fromMs);
    const isCut = cut < windowFrom(fromMs) && cut >= fromWindow && cut < toWindow;
    if (!isCut) return this.#freshOf(entry, fromWindow, toWindow);
    return [cut, ...this.#freshOf(entry, cut + 1, toWindow)];
  }

  #freshOf(entry: DeviceEntry, fromWindow: number, toWindow: number): number[] {
    const found = new Set([
      ...entry.unsealed.keys(),
      ...entry.open.keys(),
      ...this.#struck(entry, fromWindow, toWindow),
    ]);
    return [...found].filter((window) => window >= fromWindow && window < toWindow).sort((a, b) => a - b);
  }

  /**
   * The samples of the registration in one window, in order; with `wanted`, only those points. What cannot be read of it is told to `onDamage`
   * too. Null where nothing is stored.
   */
  read(
    { key, fromMs }: Registration,
    window: number,
    wanted?: ReadonlySet<string>,
    onDamage: OnDamage = () => {},
  ): SampleColumns | null {
    const entry = this.#find(key);
    if (entry === undefined) return null;
    const tell = (what: string, reason: string): void => {
      const damage = damageAt(key, window, `${what} ${key} at ${windowName(window)}: ${reason}`);
      this.#damage.note(damage);
      onDamage(damage);
    };
    const pieces: SampleColumns[] = [];
    try {
      const block = entry.no === null ? null : this.#rows.block(entry.no, window);
      if (block !== null) pieces.push(decodeBlock(block.bytes, wanted, !block.isChecked));
      else if (this.#isBlockListed(entry, window)) throw new RangeError("it is missing");
    } catch (error) {
      tell("The block of", damageOf(error));
    }
    for (const id of entry.unsealed.get(window)?.partIds ?? []) {
      try {
        const part = this.#rows.part(id);
        if (part === null) throw new RangeError("it is missing");
        pieces.push(decodeBlock(part.bytes, wanted, !part.isChecked));
      } catch (error) {
        tell("A part of", damageOf(error));
      }
    }
    const open = entry.open.get(window);
    if (open !== undefined) pieces.push(open.columns(wanted));
    if (pieces.length === 0) return null;
    const own = samplesFrom(mergeSamples(pieces), fromMs);
    const struck = this.#strikes.in(key, window * windowMs, (window + 1) * windowMs);
    return struck.length === 0 ? own : withoutStruck(own, struck);
  }

  /** Windows that have a block, and samples in it that are struck out: what was made of them before does not hold. */
  *#struck(entry: DeviceEntry, fromWindow: number, toWindow: number): Generator<number> {
    for (const { fromMs, toMs } of this.#strikes.in(entry.key, fromWindow * windowMs, toWindow * windowMs)) {
      const from = Math.max(fromWindow, windowOf(fromMs));
      yield* this.blocks(entry, from, Math.min(toWindow, windowOf(toMs - 1) + 1));
    }
  }

  /**
   * The summaries of sealed windows, a day at a time, growing; of the first and the last day those beyond the range too. Of what should stand
   * there and does not the windows are given, to be made from their samples.
   */
  *days({ key }: Registration, fromWindow: number, toWindow: number, parts: DayParts): Generator<SummaryDay> {
    const entry = this.#find(key);
    if (entry === undefined || entry.no === null) return;
    const [firstDay, lastDay] = [Math.floor(fromWindow / windowsPerDay), Math.floor((toWindow - 1) / windowsPerDay)];
    const listed = this.#listed(entry, fromWindow, toWindow);
    const within = (windows: Iterable<number>): number[] =>
      [...windows].filter((window) => window >= fromWindow && window < toWindow).sort((a, b) => a - b);
    for (const { day, row, reason } of this.#dayRows(entry, firstDay, lastDay)) {
      while (listed[0] !== undefined && listed[0].day < day) yield this.#missingDay(entry, listed.shift(), within);
      const sealed = listed[0]?.day === day ? listed.shift() : undefined;
      let columns: DayColumns | null = null;
      try {
        if (row === null) throw new RangeError(reason);
        columns = decodeDayColumns(day, dayRowOf(row).bytes, parts);
      } catch (error) {
        this.#tellDay(entry, day, damageOf(error));
      }
      // As many as are listed: these are they, since each of the two has its checksum.
      if (columns !== null && (sealed === undefined || sealed.summaries.size === columns.windows.length)) {
        yield { columns, lacking: [] };
        continue;
      }
      const inDay = day * windowsPerDay;
      const expected = sealed?.summaries ?? this.blocks(entry, inDay, inDay + windowsPerDay);
      const there = new Set(columns?.windows);
      yield { columns, lacking: within(expected).filter((window) => !there.has(window)) };
    }
    for (const each of listed) yield this.#missingDay(entry, each, within);
  }

  /** One power's sums in each minute of the windows of a range that have samples; no samples are decoded but those in memory. */
  minutes(
    registration: Registration,
    fromWindow: number,
    toWindow: number,
    stream: EnergyStream,
  ): Map<number, MinuteSums> {
    const { key, fromMs } = registration;
    const found = new Map<number, MinuteSums>();
    const entry = this.#find(key);
    if (entry === undefined) return found;
    const fromSamples = (window: number): MinuteSums => {
      const sums = new MinuteSums();
      const columns = this.read(registration, window, new Set([stream]));
      if (columns !== null) sums.addSamples(columns, window, stream);
      return sums;
    };
    // The first window may be the registration's own in part only.
    const whole = Math.max(fromWindow, windowFrom(fromMs));
    const first = Math.max(fromWindow, windowOf(fromMs));
    if (first < Math.min(whole, toWindow)) found.set(first, fromSamples(first));
    for (const row of this.#minuteRows(entry, whole, toWindow)) {
      const window = Number(row.window);
      try {
        const sums = new MinuteSums();
        sums.addEncoded(checkedMinutes(row.minutes, entry.no as number, window).bytes, stream);
        found.set(window, sums);
      } catch (error) {
        this.#tellMinutes(key, window, damageOf(error));
        found.set(window, fromSamples(window));
      }
    }
    for (const window of this.#listedBlocks(entry, whole, toWindow)) {
      if (!found.has(window)) found.set(window, fromSamples(window));
    }
    for (const window of this.#freshOf(entry, whole, toWindow)) {
      const isStruck = this.#strikes.in(key, window * windowMs, (window + 1) * windowMs).length > 0;
      if (isStruck || found.has(window)) {
        // What comes so late may be in the block already: somebody offers it again.
        found.set(window, fromSamples(window));
        continue;
      }
      try {
        const sums = new MinuteSums();
        for (const id of entry.unsealed.get(window)?.partIds ?? []) {
          const minutes = this.#rows.partMinutes(id);
          if (minutes === null) throw new RangeError("they are missing");
          sums.addEncoded(minutes, stream);
        }
        const open = entry.open.get(window);
        if (open !== undefined) sums.addSamples(open.columns(new Set([stream])), window, stream);
        found.set(window, sums);
      } catch (error) {
        this.#tellMinutes(key, window, damageOf(error));
        found.set(window, fromSamples(window));
      }
    }
    return found;
  }

  #minuteRows({ key, no }: DeviceEntry, fromWindow: number, toWindow: number): Row[] {
    try {
      const sql = "SELECT window, minutes FROM block WHERE device_no = ? AND window >= ? AND window < ?";
      return this.#tables.all(sql, no, fromWindow, toWindow);
    } catch (error) {
      // Those that are listed are read one by one.
      this.#damage.note(damageAt(key, null, `The blocks of ${key}: ${damageOf(error)}`));
      return [];
    }
  }

  /** Where one of several rows cannot be read, they are read one by one. */
  *#dayRows(
    entry: DeviceEntry,
    firstDay: number,
    lastDay: number,
  ): Generator<{ readonly day: number; readonly row: Row | null; readonly reason: string }> {
    const no = entry.no as number;
    const sql =
      "SELECT id, device_no, day, body FROM day WHERE device_no = ? AND day BETWEEN ? AND ? ORDER BY day LIMIT ?";
    for (let day = firstDay; day <= lastDay; ) {
      let rows: Row[] | null = null;
      try {
        rows = this.#tables.all(sql, no, day, lastDay, daysAtOnce);
      } catch (error) {
        this.#tellDay(entry, null, damageOf(error));
      }
      if (rows === null) {
        yield* this.#dayRowsOneByOne(entry, day, lastDay);
        return;
      }
      if (!isGrowing([day - 1, ...rows.map((row) => Number(row.day))])) {
        this.#tellDay(entry, null, "their index is out of order");
        yield* this.#dayRowsOneByOne(entry, day, lastDay);
        return;
      }
      for (const row of rows) yield { day: Number(row.day), row, reason: "" };
      if (rows.length < daysAtOnce) return;
      day = Number(rows.at(-1)?.day) + 1;
    }
  }

  *#dayRowsOneByOne(
    entry: DeviceEntry,
    firstDay: number,
    lastDay: number,
  ): Generator<{ readonly day: number; readonly row: Row | null; readonly reason: string }> {
    const [from, to] = [firstDay * windowsPerDay, (lastDay + 1) * windowsPerDay];
    const days = new Set([
      ...this.#listed(entry, from, to).map(({ day }) => day),
      ...this.blocks(entry, from, to).map((window) => Math.floor(window / windowsPerDay)),
    ]);
    for (const day of [...days].sort((a, b) => a - b)) {
      const sql = "SELECT id, device_no, day, body FROM day WHERE device_no = ? AND day = ?";
      let row: Row | null = null;
      let reason = "it is missing";
      try {
        row = this.#tables.first(sql, entry.no, day) ?? null;
      } catch (error) {
        reason = damageOf(error);
      }
      yield { day, row, reason };
    }
  }

  #missingDay(
    entry: DeviceEntry,
    sealed: SealedDay | undefined,
    within: (windows: Iterable<number>) => number[],
  ): SummaryDay {
    if (sealed === undefined) return { columns: null, lacking: [] };
    const lacking = within(sealed.summaries);
    if (lacking.length > 0) this.#tellDay(entry, sealed.day, "they are missing");
    return { columns: null, lacking };
  }

  #listed(entry: DeviceEntry, fromWindow: number, toWindow: number): SealedDay[] {
    if (entry.no === null || toWindow <= fromWindow) return [];
    const [firstDay, lastDay] = [Math.floor(fromWindow / windowsPerDay), Math.floor((toWindow - 1) / windowsPerDay)];
    const tell = (of: string, reason: string): void =>
      this.#damage.note(damageAt(entry.key, null, `The list of blocks of ${entry.key}${of}: ${reason}`));
    try {
      return this.#sealed.days(entry.no, firstDay, lastDay, (day) => tell(` of ${dayName(day)}`, "it cannot be read"));
    } catch (error) {
      tell("", damageOf(error));
      return [];
    }
  }

  /** The windows of a range that should have a block. */
  *#listedBlocks(entry: DeviceEntry, fromWindow: number, toWindow: number): Generator<number> {
    for (const { day, blocks } of this.#listed(entry, fromWindow, toWindow)) {
      const from = Math.max(fromWindow, day * windowsPerDay);
      const to = Math.min(toWindow, (day + 1) * windowsPerDay);
      for (let window = from; window < to; window++) if (blocks.has(window)) yield window;
    }
  }

  /** Whether a block of that window should be there. */
  #isBlockListed(entry: DeviceEntry, window: number): boolean {
    return this.#listed(entry, window, window + 1).some(({ blocks }) => blocks.has(window));
  }

  #tellDay({ key }: DeviceEntry, day: number | null, reason: string): void {
    const of = day === null ? "" : ` of ${dayName(day)}`;
    this.#damage.note(damageAt(key, null, `The summaries of ${key}${of}: ${reason}`));
  }

  #tellMinutes(key: string, window: number, reason: string): void {
    const message = `The minutes of ${key} at ${windowName(window)}: ${reason}`;
    this.#damage.note(damageAt(key, null, message));
  }
}

function isGrowing(numbers: readonly number[]): boolean {
  return numbers.every((each, at) => at === 0 || each > (numbers[at - 1] as number));
}

/** Of one window whose samples are missing; or of something else, from which none are. */
export function damageAt(key: string | null, window: number | null, message: string): StoreDamage {
  const fromMs = window === null ? null : window * windowMs;
  return { key, fromMs, toMs: fromMs === null ? null : fromMs + windowMs, message };
}
