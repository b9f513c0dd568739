import type { EventsQuery, NumberedEvent, StoredEvent } from "../store.ts";
import { checksumOf, isIntact } from "./checksum.ts";
import { type DamageLog, damageOf } from "./damage.ts";
import type { Row, Tables } from "./tables.ts";

/** Events that are kept; the oldest go. */
export const eventsMax = 100_000;

/** The events. What is damaged of them is passed over, and told. */
export class EventLog {
  readonly #tables: Tables;
  readonly #damage: DamageLog;

  constructor(tables: Tables, damage: DamageLog) {
    this.#tables = tables;
    this.#damage = damage;
  }

  /** Durable when it returns. */
  record(events: readonly StoredEvent[]): void {
    this.#tables.durably(() => {
      let last = 0;
      for (const { atMs, kind, key, message } of events) {
        const sql = "INSERT INTO event (at_ms, kind, device_id, message) VALUES (?, ?, ?, ?)";
        last = this.#tables.run(sql, atMs, kind, key, message).lastId;
        const sum = checksumOf("event", last, atMs, kind, key, message);
        this.#tables.run("UPDATE event SET checksum = ? WHERE number = ?", sum, last);
      }
      this.#tables.run("DELETE FROM event WHERE number <= ?", last - eventsMax);
    });
  }

  /** Newest first. */
  list(query: EventsQuery): NumberedEvent[] {
    const { limit, before = null, keys, kind = null, fromMs = null, toMs = null } = query;
    const sql = `SELECT * FROM event
       WHERE (?1 IS NULL OR number < ?1) AND (?2 IS NULL OR device_id IN (SELECT value FROM json_each(?2))) AND (?3 IS NULL OR kind = ?3)
         AND (?4 IS NULL OR at_ms >= ?4) AND (?5 IS NULL OR at_ms < ?5)
       ORDER BY number DESC LIMIT ?6`;
    const asked = keys === undefined ? null : JSON.stringify(keys);
    const found: NumberedEvent[] = [];
    // Where some are damaged, there may be more behind them.
    for (let behind = before; found.length < limit; ) {
      const wanted = limit - found.length;
      let rows: Row[];
      try {
        rows = this.#tables.all(sql, behind, asked, kind, fromMs, toMs, wanted);
      } catch (error) {
        this.#tell(null, damageOf(error));
        return this.#listOneByOne(query);
      }
      for (const row of rows) {
        const event = eventOf(row);
        if (event === null) this.#tell(Number(row.number), "its checksum does not fit");
        else if (event.number >= (found.at(-1)?.number ?? Number.POSITIVE_INFINITY)) this.#tell(null, "out of order");
        else found.push(event);
      }
      if (rows.length < wanted) break;
      behind = Number(rows.at(-1)?.number);
    }
    return found;
  }

  #listOneByOne({ limit, before, keys, kind, fromMs, toMs }: EventsQuery): NumberedEvent[] {
    const found: NumberedEvent[] = [];
    for (const row of this.#tables.rows("event", "number", (number, reason) => this.#tell(number, reason))) {
      const event = eventOf(row);
      if (event === null || (before !== undefined && event.number >= before)) continue;
      if (keys !== undefined && (event.key === null || !keys.includes(event.key))) continue;
      if (kind !== undefined && event.kind !== kind) continue;
      if ((fromMs !== undefined && event.atMs < fromMs) || (toMs !== undefined && event.atMs >= toMs)) continue;
      found.push(event);
      if (found.length > limit) found.shift();
    }
    return found.reverse();
  }

  #tell(number: number | null, reason: string): void {
    const what = number === null ? "Some events" : `Event ${number}`;
    this.#damage.note({ key: null, fromMs: null, toMs: null, message: `${what}: ${reason}` });
  }
}

/** Null where it is damaged. */
export function eventOf(row: Row): NumberedEvent | null {
  const { number, at_ms: atMs, kind, device_id: key, message, checksum } = row;
  if (typeof number !== "number" || typeof atMs !== "number") return null;
  if (typeof kind !== "string" || typeof message !== "string") return null;
  if (key !== null && typeof key !== "string") return null;
  if (!isIntact(checksum, "event", number, atMs, kind, key ?? null, message)) return null;
  return { number, atMs, kind, key: key ?? null, message };
}
