import { windowMs } from "../algebra/window.ts";
import { ownFromMs } from "../registration.ts";
import type { FleetQuery } from "../store.ts";
import { type Client, rowsOf } from "./database.ts";
import { literal, numberColumn, numberOf } from "./sample-row.ts";
import { isTouched } from "./summary-row.ts";

type SumRow = [bucket: number, sum: number | null, devices: number];

/** The devices' means in each bucket, added up by the database. */
export function readFleetRows(client: Client, query: FleetQuery, isTimescale: boolean): Promise<SumRow[]> {
  const { registrations, point, fromMs, toMs, bucketMs } = query;
  const isWide = bucketMs >= windowMs;
  const figures = isWide ? figuresOfWindows(point, isTimescale) : figuresOfSamples(point);
  // Those who begin within the range or later, which only devices from before there were keys do.
  const late = registrations.filter((registration) => registration.fromMs > fromMs);
  return rowsOf<SumRow>(
    client,
    `SELECT bucket, sum(summable(mean)), count(*)::float8 FROM (
       SELECT device_id, floor((ms(at) - $2::float8) / $4::float8)::float8 AS bucket, sum(summable(sum)) / sum(count) AS mean
       FROM (${figures}) AS figure WHERE count > 0 AND NOT EXISTS (
         SELECT FROM unnest($5::text[], $6::float8[]) AS late (key, from_ms) WHERE key = device_id AND ms(at) < from_ms
       ) GROUP BY 1, 2
     ) AS device GROUP BY 1`,
    [
      registrations.map(({ key }) => key),
      fromMs,
      toMs,
      bucketMs,
      late.map(({ key }) => key),
      late.map((registration) => ownFromMs(registration, bucketMs)),
    ],
  );
}

function figuresOfSamples(point: string): string {
  return `SELECT device_id, observed_at AS at, summable(number) AS sum, 1::float8 AS count FROM (
      SELECT device_id, observed_at, ${numberOf(point)} AS number FROM sample
      WHERE device_id = ANY ($1) AND observed_at >= instant($2) AND observed_at < instant($3)
    ) AS sample WHERE number IS NOT NULL`;
}

/** From summaries; from the continuous aggregate where it has counted the same samples; from the samples where neither is up to date. */
function figuresOfWindows(point: string, isTimescale: boolean): string {
  const column = isTimescale ? numberColumn(point) : undefined;
  const ofSummary = (at: number): string => `(s.points->${literal(point)}->>${at})::float8`;
  const figures =
    column === undefined
      ? `${ofSummary(2)} AS sum, ${ofSummary(3)} AS count FROM window_summary s`
      : `coalesce(a.${column}_sum, ${ofSummary(2)}) AS sum, coalesce(a.${column}_count, ${ofSummary(3)}) AS count
        FROM window_summary s LEFT JOIN sample_15min a
          ON a.device_id = s.device_id AND a.window_start = s.window_start AND a.samples = s.samples
          AND a.window_start >= instant($2) AND a.window_start < instant($3)`;
  return `SELECT s.device_id, s.window_start AS at, ${figures}
      WHERE s.device_id = ANY ($1) AND s.window_start >= instant($2) AND s.window_start < instant($3) AND NOT ${isTouched("s")}
    UNION ALL
    SELECT t.device_id, t.window_start, sum(summable(number)), count(number)::float8 FROM touched_window t, LATERAL (
      SELECT ${numberOf(point)} AS number FROM sample WHERE device_id = t.device_id
        AND observed_at >= t.window_start AND observed_at < t.window_start + INTERVAL '15 minutes'
    ) AS sample
    WHERE t.device_id = ANY ($1) AND t.window_start >= instant($2) AND t.window_start < instant($3) GROUP BY 1, 2`;
}
