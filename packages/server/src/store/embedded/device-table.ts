import { checksumOf, isIntact } from "./checksum.ts";
import { type DamageLog, damageOf } from "./damage.ts";
import type { Row, Tables } from "./tables.ts";

/** So many devices there are not: a larger number is none that was given. */
const numberMax = 2 ** 40;

/** What the tables say of a device. */
export interface DeviceRow {
  readonly no: number;
  readonly key: string;
  /** The newest sample as a record, or null. */
  readonly latest: Uint8Array | null;
  /** JSON, see the schema. */
  readonly points: string;
  /** The parts that it has, by window; null where that is not known. */
  readonly parts: readonly PartList[] | null;
}

/** A window, and the ids of its parts. */
export type PartList = readonly [window: number, ...ids: number[]];

/** The devices by their numbers. Whose everything is stands in two tables, so that a damaged row of one is made again from the other. */
export class DeviceTable {
  readonly #tables: Tables;
  readonly #damage: DamageLog;
  #lastNo: number;

  constructor(tables: Tables, damage: DamageLog) {
    this.#tables = tables;
    this.#damage = damage;
    // A number is never given again, not even where both rows that had it are gone.
    this.#lastNo = Math.max(
      ...["no) AS no FROM device", "no) AS no FROM device_copy", "device_no) AS no FROM block"].map((rest) => {
        try {
          const no = Number(tables.first(`SELECT max(${rest}`)?.no ?? 0);
          return no < numberMax ? no : 0;
        } catch (error) {
          damage.note({ key: null, fromMs: null, toMs: null, message: `The devices: ${damageOf(error)}` });
          return 0;
        }
      }),
    );
  }

  nextNo(): number {
    return ++this.#lastNo;
  }

  /** Within a transaction. Where the tree of one table is damaged, the other has it still. */
  save({ no, key, latest, points, parts }: DeviceRow, isCopyDue: boolean): void {
    const partList = JSON.stringify(parts ?? []);
    const sum = checksumOf("device", no, key, latest, points, partList);
    // A change of these columns leaves the index alone.
    const update = "UPDATE device SET latest = ?, points = ?, parts = ?, checksum = ? WHERE no = ? AND device_id = ?";
    const changes = this.#write(key, update, [latest, points, partList, sum, no, key]);
    if (changes === 0) {
      const insert = "INSERT OR REPLACE INTO device VALUES (?, ?, ?, ?, ?, ?)";
      this.#write(key, insert, [no, key, latest, points, partList, sum]);
    }
    if (!isCopyDue) return;
    const copySum = checksumOf("device_copy", no, key, points);
    this.#write(key, "INSERT OR REPLACE INTO device_copy VALUES (?, ?, ?, ?)", [no, key, points, copySum]);
  }

  /** The number behind that one; null behind the last, or where the table cannot be read further. */
  after(no: number): number | null {
    try {
      const row = this.#tables.first("SELECT no FROM device WHERE no > ? ORDER BY no LIMIT 1", no);
      return row === undefined ? null : Number(row.no);
    } catch (error) {
      this.#tell(null, `Table device, behind row ${no}: ${damageOf(error)}`);
      return null;
    }
  }

  /** All devices, in the order of their numbers. Damaged rows are told, and written anew from their copies. */
  load(): DeviceRow[] {
    const rows = this.#read("device", rowOf);
    const copies = this.#read("device_copy", copyOf);
    const numbers = [...new Set([...rows.keys(), ...copies.keys()])].sort((a, b) => a - b);
    const found: DeviceRow[] = [];
    for (const no of numbers) {
      const copy = copies.get(no) ?? null;
      const row = rows.get(no) ?? copy;
      if (row === null) continue;
      found.push(row);
      const isHalf = !rows.has(no) || copy === null;
      if (!isHalf) continue;
      this.#tell(row.key, `One of the two rows of ${row.key} could not be read, and is written anew.`);
      this.#tables.lazily(() => this.save(row, true));
    }
    return found;
  }

  /** One device that is not in memory; null where it is not there, or its row is damaged. */
  find(key: string): DeviceRow | null {
    try {
      const row = this.#tables.first("SELECT * FROM device WHERE device_id = ?", key);
      return row === undefined ? null : rowOf(row);
    } catch (error) {
      this.#tell(key, `The row of ${key}: ${damageOf(error)}`);
      return null;
    }
  }

  /** The ids of all devices, in the order of their numbers, those that are not in memory too. */
  ids(): string[] {
    const rows = this.#tables.rows("device", "no", () => {});
    return [...rows].flatMap((row) => (rowOf(row) === null ? [] : [String(row.device_id)]));
  }

  #read<T>(table: string, read: (row: Row) => T | null): Map<number, T> {
    const found = new Map<number, T>();
    const unreadable = (no: number | null, reason: string): void =>
      this.#tell(null, `Table ${table}, ${no === null ? "some rows" : `row ${no}`}: ${reason}`);
    for (const row of this.#tables.scan(table, "no", unreadable)) {
      const one = read(row);
      if (one === null) unreadable(Number(row.no), "its checksum does not fit");
      else found.set(Number(row.no), one);
    }
    return found;
  }

  /** Gives how many rows were changed; a statement that fails has changed none. */
  #write(key: string, sql: string, values: readonly (string | number | Uint8Array | null)[]): number {
    try {
      return this.#tables.run(sql, ...values).changes;
    } catch (error) {
      this.#tell(key, `A row of ${key} cannot be written: ${damageOf(error)}`);
      return -1;
    }
  }

  #tell(key: string | null, message: string): void {
    this.#damage.note({ key, fromMs: null, toMs: null, message });
  }
}

/** A row of `device`; null where it is damaged. */
export function rowOf(row: Row): DeviceRow | null {
  const { no, device_id: key, latest, points, parts, checksum } = row;
  if (typeof no !== "number" || typeof key !== "string") return null;
  if (typeof points !== "string" || typeof parts !== "string") return null;
  const record = latest instanceof Uint8Array ? latest : null;
  if (!isIntact(checksum, "device", no, key, record, points, parts)) return null;
  const isListed = checksum !== null;
  return { no, key, latest: record, points, parts: isListed ? (JSON.parse(parts) as PartList[]) : null };
}

/** A row of `device_copy`, which has neither the newest sample nor the parts; null where it is damaged. */
export function copyOf({ no, device_id: key, points, checksum }: Row): DeviceRow | null {
  if (typeof no !== "number" || typeof key !== "string" || typeof points !== "string") return null;
  if (!isIntact(checksum, "device_copy", no, key, points)) return null;
  return { no, key, latest: null, points, parts: null };
}
