import { windowMs } from "../algebra/window.ts";
import type { StoreInfo } from "../store.ts";
import { type Client, rowOf } from "./database.ts";
import { isTouched } from "./summary-row.ts";

type InfoRow = [number, number, number | null, number | null, number, number | null];

/** `retainedMs`: the samples of windows from there on are kept, of older ones the summaries alone. */
export async function readInfo(
  client: Client,
  retainedMs: number,
  isTimescale: boolean,
): Promise<Omit<StoreInfo, "retentionMs">> {
  const [devices, samples, fromMs, toMs, gaps, gapMs] = await rowOf<InfoRow>(
    client,
    `WITH span AS (
       SELECT device_id, CASE WHEN window_start >= instant($1) THEN samples ELSE 0 END AS samples, first_at, last_at
       FROM window_summary s WHERE NOT ${isTouched("s")}
       UNION ALL
       SELECT t.device_id, count(*), min(observed_at), max(observed_at)
       FROM touched_window t JOIN sample ON sample.device_id = t.device_id
         AND observed_at >= t.window_start AND observed_at < t.window_start + INTERVAL '15 minutes'
       GROUP BY t.device_id, t.window_start
     ), silence AS (
       SELECT device_id, samples, first_at, last_at,
         ms(first_at) - ms(lag(last_at) OVER (PARTITION BY device_id ORDER BY first_at)) AS before_ms
       FROM span
     )
     SELECT count(DISTINCT device_id)::float8, coalesce(sum(samples), 0)::float8, ms(min(first_at)), ms(max(last_at)),
       count(*) FILTER (WHERE before_ms > ${windowMs})::float8, sum(before_ms) FILTER (WHERE before_ms > ${windowMs})
     FROM silence`,
    [retainedMs],
  );
  const tables = ["latest", "point", "window_summary", "touched_window", "event"];
  const sizes = [
    ...tables.map((table) => `pg_total_relation_size('${table}')`),
    ...(isTimescale
      ? ["hypertable_size('sample')", "hypertable_size('sample_15min')"]
      : ["pg_total_relation_size('sample')"]),
  ];
  const [bytes] = await rowOf<[number]>(client, `SELECT (${sizes.join(" + ")})::float8`);
  const [outdated, summaries] = await rowOf<[number, number]>(
    client,
    `SELECT (SELECT count(*) FROM window_summary WHERE version = 1)::float8, greatest(1, (SELECT count(*) FROM window_summary))::float8`,
  );
  const renewedShare = 1 - outdated / summaries;
  return { devices, samples, bytes, fromMs, toMs, gaps: { count: gaps, ms: gapMs ?? 0 }, renewedShare };
}
