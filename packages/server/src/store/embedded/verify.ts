import { zstdDecompressSync } from "node:zlib";
import { energyStreams } from "../algebra/energy.ts";
import { windowMs, windowsPerDay } from "../algebra/window.ts";
import { readRecords } from "../sample-record.ts";
import type { Verified } from "../store.ts";
import type { Work } from "../work.ts";
import type { BlockStore } from "./block-store.ts";
import { checkedBytes, checksumOf } from "./checksum.ts";
import { decodeBlock } from "./codec/block-codec.ts";
import { decodeDay } from "./codec/day-codec.ts";
import { damageOf } from "./damage.ts";
import { journalFault } from "./device-journals.ts";
import { copyOf, rowOf } from "./device-table.ts";
import { eventOf, eventsMax } from "./event-log.ts";
import { MinuteSums } from "./minute-means.ts";
import { blockOf, dayName, dayRowOf, minutesOf, partOf, windowName } from "./rows.ts";
import { type SealedDay, sealedDayOf } from "./sealed-days.ts";
import { strikeFault, strikeOf } from "./strikes.ts";
import type { Row } from "./tables.ts";

/** Faults that are listed; there may be more. */
const faultsMax = 100;

/**
 * Reads everything that is kept, and gives what is damaged, in words; what was met since the store was opened is among it. The file's own structure is looked at by
 * `checkStructure`.
 */
export function* verify(store: BlockStore, progress: (share: number) => void): Work<Verified> {
  return yield* new Verification(store).run(progress);
}

class Verification {
  readonly #store: BlockStore;
  readonly #faults: Set<string>;
  readonly #names = new Map<number, string>();
  #unchecked = 0;
  /** Where rows are numbered without a gap: the number that is to follow. */
  #nextNumber: number | null = null;

  constructor(store: BlockStore) {
    this.#store = store;
    this.#faults = new Set(store.damage.messages);
  }

  *run(progress: (share: number) => void): Work<Verified> {
    const { tables } = this.#store;
    const checks: readonly (readonly [table: string, key: string, what: string, check: (row: Row) => void])[] = [
      ["device", "no", "The device's row", (row) => this.#checkDevice(row)],
      ["device_copy", "no", "The device's second row", (row) => this.#checkCopy(row)],
      ["journal", "id", "The journal's row", (row) => this.#checkJournal(row)],
      ["part", "id", "Part", (row) => this.#checkPart(row)],
      ["block", "id", "Block", (row) => this.#checkBlock(row)],
      ["day", "id", "Day", (row) => this.#checkDay(row)],
      ["event", "number", "Event", (row) => this.#checkEvent(row)],
      ["strike", "number", "Strike", (row) => void (strikeOf(row) ?? this.#faults.add(strikeFault(row)))],
      ["device_journal", "epoch", "A device's journal,", (row) => this.#checkDeviceJournal(row)],
      ["set_aside", "id", "Set aside", (row) => this.#faults.add(String(row.what))],
    ];
    for (const [place, [table, key, what, check]] of checks.entries()) {
      this.#nextNumber = table === "event" ? this.#firstEvent() : null;
      const total = this.#countOf(table);
      const tell = (id: number | null, reason: string): void => {
        this.#faults.add(`${id === null ? `Some rows of table ${table}` : `${what} ${id}`}: ${reason}`);
        this.#nextNumber = null;
      };
      let done = 0;
      for (const row of tables.rows(table, key, tell)) {
        check(row);
        if (this.#faults.size >= faultsMax) return this.#result();
        if (done++ % 1_000 === 0) progress((place + Math.min(1, done / Math.max(1, total))) / (checks.length + 1));
        yield;
      }
      if (table === "journal" || table === "event") this.#checkLast(table, what);
    }
    for (const [no, name] of this.#names) {
      yield* this.#checkSealed(no, name);
      if (this.#faults.size >= faultsMax) break;
    }
    progress(1);
    return this.#result();
  }

  #result(): Verified {
    return { faults: [...this.#faults], unchecked: this.#unchecked };
  }

  #countOf(table: string): number {
    try {
      return Number(this.#store.tables.first(`SELECT count(*) AS rows FROM ${table}`)?.rows);
    } catch (error) {
      damageOf(error);
      return 0;
    }
  }

  #checkDevice(row: Row): void {
    const device = rowOf(row);
    if (device === null) {
      this.#faults.add(`The device's row ${row.no}: its checksum does not fit`);
      return;
    }
    this.#names.set(device.no, device.key);
    if (row.checksum === null) this.#unchecked++;
    for (const [window, ...ids] of device.parts ?? []) {
      for (const id of ids) {
        this.#check(`Part ${id} of ${device.key} at ${windowName(window)}`, () => {
          if (this.#store.rows.part(id) === null) throw new RangeError("it is missing");
        });
      }
    }
    this.#check(`The second row of ${device.key}`, () => {
      const copy = this.#store.tables.first("SELECT no FROM device_copy WHERE no = ?", device.no);
      if (copy === undefined) throw new RangeError("it is missing");
    });
  }

  #checkCopy(row: Row): void {
    const device = copyOf(row);
    if (device === null) this.#faults.add(`The device's second row ${row.no}: its checksum does not fit`);
    else if (this.#names.has(device.no)) return;
    else this.#faults.add(`The row of ${device.key}: it is missing`);
  }

  #checkJournal(row: Row): void {
    this.#checkNumber(Number(row.id), "The journal's row", () => this.#droppedThrough());
    this.#check(`The journal's row ${row.id}`, () => {
      const { bytes, isChecked } = checkedBytes(row.records, "journal", Number(row.id));
      this.#count(isChecked);
      for (const _ of readRecords(zstdDecompressSync(bytes)));
    });
  }

  #checkPart(row: Row): void {
    this.#check(`Part ${row.id} of ${this.#placeOf(row)}`, () => {
      const part = partOf(row);
      this.#count(part.isChecked);
      checkSamples(part.bytes, part.window, null);
    });
    this.#checkMinutes(row);
  }

  #checkBlock(row: Row): void {
    const name = `The block of ${this.#placeOf(row)}`;
    this.#check(name, () => {
      const block = blockOf(row);
      this.#count(block.isChecked);
      checkSamples(block.bytes, block.window, block.samples);
      if (!block.isChecked) return;
      const day = Math.floor(block.window / windowsPerDay);
      let listed: SealedDay | null;
      try {
        listed = this.#store.sealedDays.day(block.deviceNo, day);
      } catch (error) {
        // Told with the lists.
        damageOf(error);
        return;
      }
      if (listed?.blocks.has(block.window) !== true) throw new RangeError("the list of blocks lacks it");
    });
    this.#checkMinutes(row);
  }

  #checkMinutes(row: Row): void {
    this.#check(`The minutes of ${this.#placeOf(row)}`, () => {
      const { bytes } = minutesOf(row);
      const sums = new MinuteSums();
      for (const stream of energyStreams) sums.addEncoded(bytes, stream);
    });
  }

  #checkDay(row: Row): void {
    this.#check(`The summaries of ${this.#nameOf(row.device_no)} of ${dayName(Number(row.day))}`, () => {
      const day = dayRowOf(row);
      this.#count(day.isChecked);
      decodeDay(day.day, day.bytes);
    });
  }

  #checkEvent(row: Row): void {
    this.#checkNumber(Number(row.number), "Event", () => 0);
    if (eventOf(row) === null) this.#faults.add(`Event ${row.number}: its checksum does not fit`);
    else this.#count(row.checksum !== null);
  }

  #checkDeviceJournal(row: Row): void {
    const fault = journalFault(row);
    if (fault !== null) this.#faults.add(`A device's journal, ${fault}`);
  }

  /** What the lists name must be there. All of one day is looked at in one go, since sealing goes on meanwhile. */
  *#checkSealed(no: number, name: string): Work<void> {
    for (let after = Number.MIN_SAFE_INTEGER; ; ) {
      let row: Row | undefined;
      try {
        const sql = "SELECT * FROM sealed WHERE device_no = ? AND day > ? ORDER BY day LIMIT 1";
        row = this.#store.tables.first(sql, no, after);
      } catch (error) {
        this.#faults.add(`The lists of blocks of ${name}: ${damageOf(error)}`);
        return;
      }
      if (row === undefined) return;
      const day = Number(row.day);
      after = day;
      const found = row;
      this.#check(`The list of blocks of ${name} of ${dayName(day)}`, () => this.#checkList(no, name, day, found));
      yield;
    }
  }

  #checkList(no: number, name: string, day: number, row: Row): void {
    const listed = sealedDayOf(no, day, row);
    for (const window of listed.blocks) {
      this.#check(`The block of ${name} at ${windowName(window)}`, () => {
        const sql = "SELECT window FROM block WHERE device_no = ? AND window = ?";
        if (this.#store.tables.first(sql, no, window) === undefined) throw new RangeError("it is missing");
      });
    }
    this.#check(`The summaries of ${name} of ${dayName(day)}`, () => {
      const stored = this.#store.rows.day(no, day);
      if (stored === null) throw new RangeError("they are missing");
      const windows = new Set(decodeDay(day, stored.bytes).map(({ window }) => window));
      const lacking = [...listed.summaries].filter((window) => !windows.has(window)).length;
      if (lacking > 0) throw new RangeError(`${lacking} of them are missing`);
    });
  }

  /** Rows that are numbered without a gap; those up to `gone` may be missing. */
  #checkNumber(number: number, what: string, gone: () => number): void {
    const expected = this.#nextNumber;
    this.#nextNumber = number + 1;
    if (expected === null || number <= expected) return;
    const first = Math.max(expected, gone() + 1);
    if (first < number) this.#faults.add(`${what} ${first}${first < number - 1 ? ` to ${number - 1}` : ""}: missing`);
  }

  /** Whether the last row is the one that SQLite numbered last. */
  #checkLast(table: "journal" | "event", what: string): void {
    this.#check(`The last number of table ${table}`, () => {
      const last = Number(this.#store.tables.first("SELECT seq FROM sqlite_sequence WHERE name = ?", table)?.seq ?? 0);
      if (this.#nextNumber !== null && last > 0) this.#checkNumber(last + 1, what, () => 0);
    });
  }

  /** The oldest event that is kept. */
  #firstEvent(): number | null {
    try {
      const last = this.#store.tables.first("SELECT seq FROM sqlite_sequence WHERE name = 'event'")?.seq;
      return last === undefined ? null : Math.max(1, Number(last) - eventsMax + 1);
    } catch (error) {
      // Told at the end.
      damageOf(error);
      return null;
    }
  }

  #droppedThrough(): number {
    const row = this.#store.tables.first("SELECT through, checksum FROM journal_dropped");
    if (row === undefined || row.checksum !== checksumOf("journal_dropped", Number(row.through))) return 0;
    return Number(row.through);
  }

  #count(isChecked: boolean): void {
    if (!isChecked) this.#unchecked++;
  }

  #nameOf(no: unknown): string {
    return this.#names.get(Number(no)) ?? `device number ${no}`;
  }

  #placeOf(row: Row): string {
    return `${this.#nameOf(row.device_no)} at ${windowName(Number(row.window))}`;
  }

  #check(what: string, task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#faults.add(`${what}: ${damageOf(error)}`);
    }
  }
}

/** Throws where samples are not what they should be, as only happens to what has no checksum. */
export function checkSamples(bytes: Uint8Array, window: number, samples: number | null): void {
  const columns = decodeBlock(bytes, undefined, true);
  if (samples !== null && columns.count !== samples) {
    throw new RangeError(`it holds ${columns.count} samples, and says ${samples}`);
  }
  if (columns.seq.length !== columns.count) throw new RangeError("it lacks the numbers of samples");
  for (let index = 0; index < columns.count; index++) {
    const atMs = columns.observedAtMs[index] as number;
    if (Math.floor(atMs / windowMs) !== window) throw new RangeError("it holds samples of another time");
  }
}
