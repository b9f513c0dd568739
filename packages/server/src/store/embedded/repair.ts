import { mergeSamples } from "../algebra/merge-samples.ts";
import { windowsPerDay } from "../algebra/window.ts";
import type { Work } from "../work.ts";
import type { BlockStore } from "./block-store.ts";
import { checksumOf } from "./checksum.ts";
import { decodeBlock } from "./codec/block-codec.ts";
import { decodeDay } from "./codec/day-codec.ts";
import { damageOf } from "./damage.ts";
import { journalFault } from "./device-journals.ts";
import { copyOf, rowOf } from "./device-table.ts";
import { eventOf } from "./event-log.ts";
import { encodeMinutes } from "./minute-means.ts";
import { blockOf, dayName, minutesOf, partOf, stored, windowName } from "./rows.ts";
import { DayWindows, type SealedDay } from "./sealed-days.ts";
import { strikeFault, strikeOf } from "./strikes.ts";
import type { Row } from "./tables.ts";
import { checkSamples } from "./verify.ts";

/**
 * Drops what cannot be read, makes anew what can be made from the rest (minutes, summaries, lists, indexes), and gives every row its checksum. Gives what
 * was done, in words. Each row is a transaction of its own, so that new samples are taken meanwhile.
 */
export function* repair(store: BlockStore, progress: (share: number) => void): Work<string[]> {
  return yield* new Repair(store).run(progress);
}

class Repair {
  readonly #store: BlockStore;
  readonly #done: string[] = [];
  readonly #names = new Map<number, string>();

  constructor(store: BlockStore) {
    this.#store = store;
  }

  *run(progress: (share: number) => void): Work<string[]> {
    const { tables, damage, foundAtStart } = this.#store;
    this.#act("The indexes", () => tables.lazily(() => tables.database.exec("REINDEX")));
    this.#act("What waits in memory", () => this.#store.writeAll());
    yield;
    const steps: readonly (readonly [table: string, key: string, repair: (row: Row) => void])[] = [
      ["set_aside", "id", (row) => this.#drop("set_aside", "id", row.id, `${row.what}`)],
      ["device", "no", (row) => this.#repairDevice(row)],
      ["device_copy", "no", (row) => this.#repairCopy(row)],
      ["part", "id", (row) => this.#repairPart(row)],
      ["block", "id", (row) => this.#repairBlock(row)],
      ["event", "number", (row) => this.#repairEvent(row)],
      [
        "strike",
        "number",
        (row) => (strikeOf(row) === null ? this.#drop("strike", "number", row.number, strikeFault(row)) : undefined),
      ],
      ["device_journal", "epoch", (row) => this.#repairDeviceJournal(row)],
    ];
    for (const [place, [table, key, mend]] of steps.entries()) {
      const unreadable = (id: number | null, reason: string): void => {
        if (id === null) this.#done.push(`Some rows of table ${table}: ${reason}`);
        else this.#drop(table, key, id, `Row ${id} of table ${table}: ${reason}`);
      };
      for (const row of tables.rows(table, key, unreadable)) {
        this.#act(`Row ${row[key]} of table ${table}`, () => mend(row));
        yield;
      }
      progress((place + 1) / (steps.length + 1));
    }
    for (const [no, name] of this.#names) yield* this.#repairDays(no, name);
    damage.clear();
    progress(1);
    // What was met at the start is mended in part: a device's row has been written anew, and what is missing is not listed any more.
    const others = foundAtStart.filter((message) => !this.#done.some((line) => line.startsWith(message)));
    this.#store.foundAtStart = [];
    return [...new Set([...others, ...this.#done])];
  }

  /** Its device sends again what it still has, and that is taken a second time. */
  #repairDeviceJournal(row: Row): void {
    const fault = journalFault(row);
    if (fault !== null) this.#drop("device_journal", "epoch", row.epoch, `A device's journal, ${fault}`);
  }

  #repairDevice(row: Row): void {
    const device = rowOf(row);
    if (device === null) {
      this.#drop("device", "no", row.no, `The device's row ${row.no}: its checksum does not fit`);
      return;
    }
    this.#names.set(device.no, device.key);
    // Those in memory have been written.
    if (row.checksum === null) this.#store.tables.lazily(() => this.#store.deviceTable.save(device, true));
  }

  #repairCopy(row: Row): void {
    if (copyOf(row) === null) {
      this.#drop("device_copy", "no", row.no, `The device's second row ${row.no}: its checksum does not fit`);
    }
  }

  #repairPart(row: Row): void {
    const place = this.#placeOf(row);
    try {
      const part = partOf(row);
      checkSamples(part.bytes, part.window, null);
    } catch (error) {
      this.#drop("part", "id", row.id, `Part ${row.id} of ${place}: ${damageOf(error)}`);
    }
    // Its minutes are made from its samples until it is sealed, where they cannot be read.
  }

  #repairBlock(row: Row): void {
    const { tables, daySummaries } = this.#store;
    const place = this.#placeOf(row);
    try {
      const { bytes, isChecked, deviceNo, window, samples, through, id } = blockOf(row);
      checkSamples(bytes, window, samples);
      let minutes: Uint8Array | null = null;
      try {
        const checked = minutesOf(row);
        if (!checked.isChecked) minutes = stored.minutes(checked.bytes, deviceNo, window);
      } catch (error) {
        this.#done.push(`The minutes of ${place}: ${damageOf(error)}; made anew`);
        const columns = mergeSamples([decodeBlock(bytes)]);
        minutes = stored.minutes(encodeMinutes(columns, window), deviceNo, window);
      }
      if (isChecked && minutes === null) return;
      const body = stored.block(bytes, deviceNo, window, samples as number, through);
      tables.lazily(() => {
        if (minutes !== null) tables.run("UPDATE block SET minutes = ? WHERE id = ?", minutes, id);
        if (!isChecked) tables.run("UPDATE block SET body = ? WHERE id = ?", body, id);
      });
    } catch (error) {
      this.#drop("block", "id", row.id, `The block of ${place}: ${damageOf(error)}`);
      tables.lazily(() => daySummaries.unlist(Number(row.device_no), [Number(row.window)]));
    }
  }

  /** Events are numbered without a gap, so another takes the place of one that cannot be read. */
  #repairEvent(row: Row): void {
    const event = eventOf(row);
    if (event !== null && row.checksum !== null) return;
    const { tables } = this.#store;
    const number = Number(row.number);
    if (event === null) this.#done.push(`Event ${number}: its checksum does not fit; dropped`);
    const { atMs, kind, key, message } = event ?? {
      atMs: this.#store.nowMs(),
      kind: "store_damaged",
      key: null,
      message: "An event could not be read any more, and was dropped.",
    };
    const sum = checksumOf("event", number, atMs, kind, key, message);
    const values = [number, atMs, kind, key, message, sum] as const;
    tables.lazily(() => {
      tables.run(
        "INSERT OR REPLACE INTO event (number, at_ms, kind, device_id, message, checksum) VALUES (?, ?, ?, ?, ?, ?)",
        ...values,
      );
    });
  }

  /** Summaries of windows that have a block are made from it, where they, or the list, are not whole; a window's that has none is kept where it can be read. */
  *#repairDays(no: number, name: string): Work<void> {
    const { tables } = this.#store;
    const days = new Set<number>();
    for (const sql of [
      "SELECT day FROM day WHERE device_no = ?",
      "SELECT day FROM sealed WHERE device_no = ?",
      `SELECT DISTINCT window / ${windowsPerDay} AS day FROM block WHERE device_no = ?`,
    ]) {
      this.#act(`The days of ${name}`, () => {
        for (const row of tables.all(sql, no)) days.add(Number(row.day));
      });
    }
    for (const day of [...days].sort((a, b) => a - b)) {
      this.#act(`The summaries of ${name} of ${dayName(day)}`, () => this.#repairDay(no, name, day));
      yield;
    }
  }

  #repairDay(no: number, name: string, day: number): void {
    const { tables, rows, daySummaries, sealedDays } = this.#store;
    let id: number | null = null;
    let isChecked = false;
    let kept: ReturnType<typeof decodeDay> = [];
    let reason: string | null = null;
    try {
      const row = rows.day(no, day);
      if (row !== null) {
        id = row.id;
        isChecked = row.isChecked;
        kept = decodeDay(day, row.bytes);
      }
    } catch (error) {
      reason = damageOf(error);
    }
    let listed: SealedDay | null = null;
    try {
      listed = sealedDays.day(no, day);
    } catch (error) {
      this.#done.push(`The list of blocks of ${name} of ${dayName(day)}: ${damageOf(error)}; made anew`);
    }
    const present = daySummaries.presentDay(no, day, kept);
    const there = new Set(kept.map(({ window }) => window));
    const isWhole = reason === null && [...present.blocks].every((window) => there.has(window));
    const summaries = isWhole
      ? kept
      : [...kept.filter(({ window }) => !present.blocks.has(window)), ...daySummaries.fromBlocks(no, day, null)];
    const found = new Set(summaries.map(({ window }) => window));
    const lost = [...(listed?.summaries ?? [])].filter((window) => !found.has(window));
    if (!isWhole || lost.length > 0) {
      const loss = lost.length === 0 ? "" : `; ${lost.length} of them could not be`;
      this.#done.push(
        `The summaries of ${name} of ${dayName(day)}: ${reason ?? "some were missing"}; made anew${loss}`,
      );
    }
    for (const window of listed?.blocks ?? []) {
      if (!present.blocks.has(window)) this.#done.push(`The block of ${name} at ${windowName(window)}: missing`);
    }
    tables.lazily(() => {
      if (summaries.length > 0 && !(isWhole && isChecked)) daySummaries.write(no, day, id, summaries);
      if (summaries.length === 0) tables.run("DELETE FROM day WHERE device_no = ? AND day = ?", no, day);
      sealedDays.put(no, { day, summaries: DayWindows.of(day, found), blocks: present.blocks });
    });
  }

  #drop(table: string, key: string, id: unknown, what: string): void {
    const { tables } = this.#store;
    try {
      tables.lazily(() => tables.run(`DELETE FROM ${table} WHERE ${key} = ?`, id as number));
      this.#done.push(`${what}; dropped`);
    } catch (error) {
      this.#done.push(`${what}; it cannot be dropped: ${damageOf(error)}`);
    }
  }

  #act(what: string, task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#done.push(`${what}: ${damageOf(error)}`);
    }
  }

  #placeOf(row: Row): string {
    const no = Number(row.device_no);
    return `${this.#names.get(no) ?? `device number ${no}`} at ${windowName(Number(row.window))}`;
  }
}
