import type { NewStrike, Strike } from "../store.ts";
import { checksumOf, isIntact } from "./checksum.ts";
import { type DamageLog, damageOf } from "./damage.ts";
import type { Row, Tables } from "./tables.ts";

/** What is struck out, all in memory: people do it, a few times a device. */
export class Strikes {
  readonly #tables: Tables;
  readonly #byDevice = new Map<string, Strike[]>();

  constructor(tables: Tables, damage: DamageLog) {
    this.#tables = tables;
    try {
      for (const row of tables.all("SELECT * FROM strike ORDER BY number")) {
        const strike = strikeOf(row);
        if (strike !== null) this.#put(strike);
        else damage.note({ deviceId: null, fromMs: null, toMs: null, message: strikeFault(row) });
      }
    } catch (error) {
      damage.note({ deviceId: null, fromMs: null, toMs: null, message: `What is struck out: ${damageOf(error)}` });
    }
  }

  of(deviceId: string): readonly Strike[] {
    return this.#byDevice.get(deviceId) ?? [];
  }

  /** Those that reach into a range. */
  in(deviceId: string, fromMs: number, toMs: number): readonly Strike[] {
    return this.of(deviceId).filter((strike) => strike.fromMs < toMs && strike.toMs > fromMs);
  }

  add(made: NewStrike): Strike {
    const strike = this.#tables.durably(() => {
      const { deviceId, fromMs, toMs, points, atMs, by } = made;
      const sql = "INSERT INTO strike (device_id, from_ms, to_ms, points, at_ms, made_by) VALUES (?, ?, ?, ?, ?, ?)";
      const names = points === null ? null : JSON.stringify(points);
      const { lastId: number } = this.#tables.run(sql, deviceId, fromMs, toMs, names, atMs, by);
      const sum = checksumOf("strike", number, deviceId, fromMs, toMs, names, atMs, by);
      this.#tables.run("UPDATE strike SET checksum = ? WHERE number = ?", sum, number);
      return { ...made, number };
    });
    this.#put(strike);
    return strike;
  }

  remove(deviceId: string, number: number): Strike | null {
    const found = this.of(deviceId).find((strike) => strike.number === number);
    if (found === undefined) return null;
    this.#tables.durably(() => this.#tables.run("DELETE FROM strike WHERE number = ?", number));
    const left = this.of(deviceId).filter((strike) => strike !== found);
    if (left.length === 0) this.#byDevice.delete(deviceId);
    else this.#byDevice.set(deviceId, left);
    return found;
  }

  #put(strike: Strike): void {
    this.#byDevice.set(strike.deviceId, [...this.of(strike.deviceId), strike]);
  }
}

/** Null where it is not what was written. */
export function strikeOf(row: Row): Strike | null {
  const { number, device_id: deviceId, from_ms: fromMs, to_ms: toMs, points, at_ms: atMs, made_by: by } = row;
  if (typeof number !== "number" || typeof deviceId !== "string" || typeof fromMs !== "number") return null;
  if (typeof toMs !== "number" || typeof atMs !== "number" || typeof by !== "string") return null;
  const names = typeof points === "string" ? points : null;
  if (!isIntact(row.checksum, "strike", number, deviceId, fromMs, toMs, names, atMs, by)) return null;
  return { number, deviceId, fromMs, toMs, points: names === null ? null : JSON.parse(names), atMs, by };
}

export function strikeFault({ number }: Row): string {
  return `Strike ${number}: its checksum does not fit; what it struck out counts again`;
}
