import type { Registration } from "../registration.ts";
import type { NewStrike, Strike } from "../store.ts";
import { checksumOf, isIntact } from "./checksum.ts";
import { type DamageLog, damageOf } from "./damage.ts";
import type { Row, Tables } from "./tables.ts";

/** What is struck out, all in memory: people do it, a few times a device. */
export class Strikes {
  readonly #tables: Tables;
  readonly #byKey = new Map<string, readonly Strike[]>();

  constructor(tables: Tables, damage: DamageLog) {
    this.#tables = tables;
    try {
      for (const row of tables.all("SELECT * FROM strike ORDER BY number")) {
        const strike = strikeOf(row);
        if (strike !== null) this.#put(String(row.device_id), strike);
        else damage.note({ key: null, fromMs: null, toMs: null, message: strikeFault(row) });
      }
    } catch (error) {
      damage.note({ key: null, fromMs: null, toMs: null, message: `What is struck out: ${damageOf(error)}` });
    }
  }

  of({ key, fromMs }: Registration): Strike[] {
    return this.in(key, fromMs, Number.POSITIVE_INFINITY);
  }

  /** Those under a key that reach into a range. */
  in(key: string, fromMs: number, toMs: number): Strike[] {
    return (this.#byKey.get(key) ?? []).filter((strike) => strike.fromMs < toMs && strike.toMs > fromMs);
  }

  add({ key, fromMs: ownFromMs }: Registration, made: NewStrike): Strike {
    const { toMs, points, atMs, by } = made;
    const fromMs = Math.max(made.fromMs, ownFromMs);
    const strike = this.#tables.durably(() => {
      const sql = "INSERT INTO strike (device_id, from_ms, to_ms, points, at_ms, made_by) VALUES (?, ?, ?, ?, ?, ?)";
      const names = points === null ? null : JSON.stringify(points);
      const { lastId: number } = this.#tables.run(sql, key, fromMs, toMs, names, atMs, by);
      const sum = checksumOf("strike", number, key, fromMs, toMs, names, atMs, by);
      this.#tables.run("UPDATE strike SET checksum = ? WHERE number = ?", sum, number);
      return { ...made, fromMs, number };
    });
    this.#put(key, strike);
    return strike;
  }

  remove(registration: Registration, number: number): Strike | null {
    const found = this.of(registration).find((strike) => strike.number === number);
    if (found === undefined) return null;
    this.#tables.durably(() => this.#tables.run("DELETE FROM strike WHERE number = ?", number));
    const { key } = registration;
    const left = (this.#byKey.get(key) ?? []).filter((strike) => strike !== found);
    if (left.length === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, left);
    return found;
  }

  #put(key: string, strike: Strike): void {
    this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), strike]);
  }
}

/** Null where it is not what was written. In the column `device_id` stands the key, as in all tables. */
export function strikeOf(row: Row): Strike | null {
  const { number, device_id: key, from_ms: fromMs, to_ms: toMs, points, at_ms: atMs, made_by: by } = row;
  if (typeof number !== "number" || typeof key !== "string" || typeof fromMs !== "number") return null;
  if (typeof toMs !== "number" || typeof atMs !== "number" || typeof by !== "string") return null;
  const names = typeof points === "string" ? points : null;
  if (!isIntact(row.checksum, "strike", number, key, fromMs, toMs, names, atMs, by)) return null;
  return { number, fromMs, toMs, points: names === null ? null : JSON.parse(names), atMs, by };
}

export function strikeFault({ number }: Row): string {
  return `Strike ${number}: its checksum does not fit; what it struck out counts again`;
}
