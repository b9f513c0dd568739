import type { Registration } from "../registration.ts";
import type { NewStrike, Strike } from "../store.ts";
import { type Client, rowsOf } from "./database.ts";
import { strikeLock } from "./locks.ts";
import { literal, readingColumns, type TimeSpan } from "./sample-row.ts";

type StrikeRow = [number, number, number, string[] | null, number, string];
const strikeList = "number::float8, ms(from_at), ms(to_at), points, ms(at), made_by";
/** Rows of a strike: its key and its range are the first parameters. In the columns `device_id` stands the key, as in all tables. */
const struck = "device_id = $1 AND observed_at >= instant($2) AND observed_at < instant($3)";
const sameSample =
  "s.device_id = v.device_id AND s.observed_at = v.observed_at AND s.epoch = v.epoch AND s.seq = v.seq";

/**
 * Takes the values out of the samples and keeps them aside; what was made of the samples is made anew. Samples that are being added meanwhile may
 * not see it: once those are there, `strikeAgain` is due.
 */
export async function strike(
  client: Client,
  { key, fromMs: ownFromMs }: Registration,
  made: NewStrike,
): Promise<Strike> {
  await client.query(`SELECT pg_advisory_xact_lock(${strikeLock})`);
  const { toMs, points, atMs, by } = made;
  const fromMs = Math.max(made.fromMs, ownFromMs);
  const [[number] = [0]] = await rowsOf<[number]>(
    client,
    `INSERT INTO strike (device_id, from_at, to_at, points, at, made_by)
     VALUES ($1, instant($2), instant($3), $4, instant($5), $6) RETURNING number::float8`,
    [key, fromMs, toMs, points, atMs, by],
  );
  const stored = { ...made, fromMs, number };
  await strikeAgain(client, key, stored);
  return stored;
}

/** Takes out what has come into the range since. The windows first: whoever adds samples there waits for this, and not this for them. */
export async function strikeAgain(client: Client, key: string, stored: Strike): Promise<void> {
  await touch(client, key, stored);
  await takeOut(client, key, stored);
}

export async function readStrikes(client: Client, registration: Registration): Promise<Strike[]> {
  const sql = `SELECT ${strikeList} FROM strike WHERE device_id = $1 AND to_at > instant($2) ORDER BY number`;
  const rows = await rowsOf<StrikeRow>(client, sql, [registration.key, registration.fromMs]);
  return rows.map(([number, fromMs, toMs, points, atMs, by]) => ({
    number,
    fromMs,
    toMs,
    points,
    atMs,
    by,
  }));
}

/** Puts the values back, but for those that another strike takes out as well. */
export async function unstrike(client: Client, registration: Registration, number: number): Promise<Strike | null> {
  await client.query(`SELECT pg_advisory_xact_lock(${strikeLock})`);
  const { key } = registration;
  const all = await readStrikes(client, registration);
  const found = all.find((each) => each.number === number);
  if (found === undefined) return null;
  await touch(client, key, found);
  // Waits for those who add samples that are struck out by it; who comes later waits until it is gone.
  await client.query("SELECT FROM strike WHERE number = $1 FOR UPDATE", [number]);
  for (const { name, column, type } of readingColumns) {
    const value =
      type === "text[]"
        ? "ARRAY(SELECT jsonb_array_elements_text(v.value))"
        : `(v.value #>> '{}')${type === "float8" ? "::float8" : ""}`;
    await client.query(
      `UPDATE sample s SET ${column} = ${value}, extra = NULLIF(s.extra - ${literal(name)}, '{}'::jsonb)
       FROM struck_value v WHERE v.strike_number = $1 AND v.point = ${literal(name)} AND v.in_column AND ${sameSample}`,
      [number],
    );
  }
  await client.query(
    `UPDATE sample s SET extra = s.extra || v.points FROM (
       SELECT device_id, observed_at, epoch, seq, jsonb_object_agg(point, value) AS points
       FROM struck_value WHERE strike_number = $1 AND NOT in_column GROUP BY 1, 2, 3, 4
     ) v WHERE ${sameSample}`,
    [number],
  );
  await client.query("DELETE FROM strike WHERE number = $1", [number]);
  for (const other of all) {
    if (other !== found && other.fromMs < found.toMs && other.toMs > found.fromMs) await takeOut(client, key, other);
  }
  return found;
}

/** Within the transaction that adds samples: those that came into a range that is struck out are struck out too. `times` are theirs, by key. */
export async function strikeLate(client: Client, times: ReadonlyMap<string, TimeSpan>): Promise<void> {
  const all = [...times];
  const rows = await rowsOf<[...StrikeRow, string]>(
    client,
    `SELECT ${strikeList}, device_id FROM strike
       JOIN unnest($1::text[], $2::float8[], $3::float8[]) AS come (key, first_ms, last_ms) ON device_id = key
     WHERE from_at <= instant(last_ms) AND to_at > instant(first_ms) ORDER BY number FOR KEY SHARE OF strike`,
    [all.map(([key]) => key), all.map(([, { firstMs }]) => firstMs), all.map(([, { lastMs }]) => lastMs)],
  );
  for (const [number, fromMs, toMs, points, atMs, by, key] of rows) {
    const { firstMs, lastMs } = times.get(key) as TimeSpan;
    const range = { fromMs: Math.max(fromMs, firstMs), toMs: Math.min(toMs, lastMs + 1) };
    await takeOut(client, key, { number, ...range, points, atMs, by });
  }
}

/**
 * What is null already is left alone, so this may be done again. Each statement keeps what it takes out itself: samples that are added between two
 * statements are seen by the second one only. What another takes out by the same strike at this moment is kept once.
 */
async function takeOut(client: Client, key: string, { number, fromMs, toMs, points }: Strike): Promise<void> {
  const range = [key, fromMs, toMs];
  const place = "device_id, observed_at, epoch, seq";
  for (const { name, column } of readingColumns) {
    if (points !== null && !points.includes(name)) continue;
    await client.query(
      `WITH v AS (SELECT ${place}, to_jsonb(${column}) AS value FROM sample WHERE ${struck} AND ${column} IS NOT NULL),
         kept AS (INSERT INTO struck_value SELECT $4, ${place}, ${literal(name)}, true, value FROM v ON CONFLICT DO NOTHING)
       UPDATE sample s SET ${column} = NULL, extra = coalesce(s.extra, '{}'::jsonb) || jsonb_build_object(${literal(name)}, NULL)
       FROM v WHERE ${sameSample}`,
      [...range, number],
    );
  }
  const own = "each.value <> 'null'::jsonb AND ($4::text[] IS NULL OR each.key = ANY ($4))";
  await client.query(
    `WITH found AS (SELECT ${place}, extra FROM sample WHERE ${struck} AND extra IS NOT NULL),
       v AS (SELECT ${place}, each.key, each.value FROM found, jsonb_each(extra) AS each WHERE ${own}),
       kept AS (INSERT INTO struck_value SELECT $5, ${place}, key, false, value FROM v ON CONFLICT DO NOTHING)
     UPDATE sample s SET extra = s.extra || v.nulls
     FROM (SELECT ${place}, jsonb_object_agg(key, NULL) AS nulls FROM v GROUP BY 1, 2, 3, 4) v WHERE ${sameSample}`,
    [...range, points, number],
  );
}

/** The summaries of these windows are made anew. */
async function touch(client: Client, key: string, { fromMs, toMs }: Strike): Promise<void> {
  await client.query(
    `INSERT INTO touched_window SELECT DISTINCT device_id, date_bin('15 minutes', observed_at, 'epoch')
     FROM sample WHERE ${struck} ORDER BY 1, 2 ON CONFLICT DO NOTHING`,
    [key, fromMs, toMs],
  );
}
