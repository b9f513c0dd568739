import { energyNames } from "../algebra/energy.ts";
import { windowMs, windowOf } from "../algebra/window.ts";
import { summarize } from "../algebra/window-summary.ts";
import type { StoreInfo } from "../store.ts";
import { type Client, rowOf, rowsOf, snapshot } from "./database.ts";
import { energyColumns, isTouched, readColumns } from "./reader.ts";

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

type WindowRow = [key: string, startMs: number, samples: number, ...energy: (number | null)[]];
const windowsAtOnce = 64;

/** Reads every sample, and compares with what was made of them. Each piece is read in a transaction of its own, so that none is long. */
export async function verify(
  client: Client,
  retainedMs: number,
  progress: (share: number) => void,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const problems: string[] = [];
  const [windows] = await rowOf<[number]>(
    client,
    "SELECT count(*)::float8 FROM window_summary WHERE window_start >= instant($1)",
    [retainedMs],
  );
  let done = 0;
  let from: [string, number] | null = ["", 0];
  while (from !== null) {
    const after: [string, number] = from;
    from = await snapshot(client, async () => {
      const rows = await rowsOf<WindowRow>(
        client,
        `SELECT device_id, ms(window_start), samples, ${energyColumns} FROM window_summary s
         WHERE (device_id, window_start) > ($1, instant($2)) AND window_start >= instant($3)
           AND version = 2 AND NOT ${isTouched("s")} ORDER BY device_id, window_start LIMIT ${windowsAtOnce}`,
        [...after, retainedMs],
      );
      for (const row of rows) {
        signal?.throwIfAborted();
        const problem = await problemOf(client, row);
        if (problem !== null) problems.push(problem);
        progress(Math.min(1, ++done / windows));
      }
      const last = rows.at(-1);
      return last === undefined ? null : [last[0], last[1]];
    });
  }
  for (const [key] of await rowsOf<[string]>(client, "SELECT device_id FROM latest ORDER BY device_id")) {
    signal?.throwIfAborted();
    const orphans = await rowsOf<[number, number]>(
      client,
      `SELECT ms(window_start), samples FROM (
         SELECT device_id, date_bin('15 minutes', observed_at, 'epoch') AS window_start, count(*)::float8 AS samples
         FROM sample WHERE device_id = $1 GROUP BY 1, 2
       ) AS found
       WHERE NOT ${isTouched("found")} AND NOT EXISTS (
         SELECT FROM window_summary s WHERE s.device_id = found.device_id AND s.window_start = found.window_start)
       ORDER BY window_start`,
      [key],
    );
    for (const [startMs, samples] of orphans) {
      problems.push(`${placeOf(key, startMs)}: ${samples} samples have no summary.`);
    }
  }
  progress(1);
  return problems;
}

async function problemOf(client: Client, [key, startMs, samples, ...energy]: WindowRow): Promise<string | null> {
  const columns = await readColumns(client, key, startMs, startMs + windowMs);
  if (columns.count !== samples) {
    return `${placeOf(key, startMs)}: ${columns.count} samples are there, the summary was made of ${samples}.`;
  }
  const made = summarize(windowOf(startMs), columns).energy;
  const isSame = energyNames.every((name, at) => Object.is(made[name], energy[at]));
  return isSame ? null : `${placeOf(key, startMs)}: the summary's energy is not that of its samples.`;
}

function placeOf(key: string, startMs: number): string {
  return `Device ${key}, 15 minutes from ${new Date(startMs).toISOString()}`;
}
