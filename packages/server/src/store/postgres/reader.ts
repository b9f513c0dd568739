import type { Buckets } from "../algebra/buckets.ts";
import { energyStreams } from "../algebra/energy.ts";
import type { SampleColumns } from "../algebra/sample-columns.ts";
import { shortStepMs } from "../algebra/steps.ts";
import { windowFrom, windowMs, windowOf } from "../algebra/window.ts";
import { summarize, type WindowSummary } from "../algebra/window-summary.ts";
import type { AddMeans, EnergyWindow, OnValue, Pieces, PiecesQuery, WindowReader } from "../questions/window-reader.ts";
import type { Registration } from "../registration.ts";
import type { FleetQuery, HistoryQuery, PointInfo, SampleKey, TimelineQuery } from "../store.ts";
import { untilDone, type Work, waitFor } from "../work.ts";
import { type Client, type Database, rowsOf } from "./database.ts";
import { readFleetRows } from "./fleet-totals.ts";
import { columnsOf, fromExtra, jsonOf, kindsOf, literal, numberOf, type SampleRow, selectList } from "./sample-row.ts";
import { isTouched, type WindowRow, windowList, windowOfRow } from "./summary-row.ts";

/** Rows that are fetched at once: of wide samples some megabytes. */
const rowsAtOnce = 500;

/** Answers a question from one state of the database. */
export function askReader<T>(
  database: Database,
  signal: AbortSignal | undefined,
  isTimescale: boolean,
  question: (reader: Reader) => Work<T>,
): Promise<T> {
  return database.ask(signal, (client) => untilDone(question(new Reader(client, isTimescale))));
}

/**
 * What the questions are answered from. PostgreSQL counts, compares and adds up itself what it can: else a chart of a day would fetch each sample of
 * that day, a timeline all those in which nothing changed, and a sum over the fleet those of every device.
 */
export class Reader implements WindowReader {
  readonly #client: Client;
  readonly #isTimescale: boolean;

  constructor(client: Client, isTimescale: boolean) {
    this.#client = client;
    this.#isTimescale = isTimescale;
  }

  /** As many as are fetched at once each. */
  samples({ registration, points, fromMs, toMs, take, beyond, limit }: PiecesQuery): Pieces<SampleColumns> {
    const client = this.#client;
    const wanted = points === undefined ? undefined : new Set(points);
    const isForward = take === "first";
    const direction = isForward ? "ASC" : "DESC";
    let left = limit ?? Number.POSITIVE_INFINITY;
    let last = beyond;
    return function* () {
      const rowsMax = Math.min(rowsAtOnce, left);
      if (rowsMax <= 0) return null;
      const values: unknown[] = [registration.key, Math.max(fromMs, registration.fromMs), toMs, rowsMax];
      if (last !== undefined) values.push(last.observedAtMs, last.epoch, last.seq);
      const behind = `(observed_at, epoch, seq) ${isForward ? ">" : "<"} (instant($5), $6::bigint, $7::bigint)`;
      const rows = yield* waitFor(
        rowsOf<SampleRow>(
          client,
          `SELECT ${selectList(wanted)} FROM sample
           WHERE device_id = $1 AND observed_at >= instant($2) AND observed_at < instant($3) AND ${last === undefined ? "true" : behind}
           ORDER BY observed_at ${direction}, epoch ${direction}, seq ${direction} LIMIT $4`,
          values,
        ),
      );
      left = rows.length < rowsMax ? 0 : left - rows.length;
      last = sampleKeyOf(rows.at(-1)) ?? last;
      return rows.length === 0 ? null : columnsOf(isForward ? rows : rows.reverse(), wanted);
    };
  }

  *windows(
    registration: Registration,
    fromWindow: number,
    toWindow: number,
    isEnergyWanted: boolean,
    onWindow: (window: EnergyWindow) => void,
  ): Work<void> {
    const [fromMs, toMs] = [fromWindow * windowMs, toWindow * windowMs];
    const rows = yield* waitFor(
      rowsOf<WindowRow>(
        this.#client,
        `SELECT ${windowList(isEnergyWanted)} FROM window_summary s
         WHERE device_id = $1 AND window_start >= instant($2) AND window_start < instant($3) AND NOT ${isTouched("s")}`,
        [registration.key, Math.max(fromMs, windowFrom(registration.fromMs) * windowMs), toMs],
      ),
    );
    const wanted = new Set<string>(isEnergyWanted ? energyStreams : []);
    const touched = yield* waitFor(touchedSummaries(this.#client, registration, fromMs, toMs, wanted));
    const windows = [...rows.map(windowOfRow), ...touched].sort((a, b) => a.window - b.window);
    for (const window of windows) onWindow(window);
  }

  *firstSampleMs({ key, fromMs }: Registration): Work<number | null> {
    const [[found] = [null]] = yield* waitFor(
      rowsOf<[number | null]>(
        this.#client,
        `SELECT ms(least(
           (SELECT first_at FROM window_summary WHERE device_id = $1 AND window_start >= instant($2) ORDER BY window_start LIMIT 1),
           (SELECT observed_at FROM sample WHERE device_id = $1 AND observed_at >= instant($2) ORDER BY observed_at LIMIT 1)))`,
        [key, fromMs],
      ),
    );
    return found;
  }

  *addSummaries(query: HistoryQuery, buckets: Buckets): Work<void> {
    const { registration, points, fromMs, toMs, bucketMs } = query;
    const firstMs = Math.max(fromMs, windowFrom(registration.fromMs) * windowMs);
    const figures = points.map((point) => {
      const figure = (at: number): string => `(points->${literal(point)}->>${at})::float8`;
      return `, min(${figure(0)}), max(${figure(1)}), sum(summable(${figure(2)})), sum(${figure(3)})`;
    });
    const rows = yield* waitFor(
      rowsOf<FigureRow>(
        this.#client,
        `SELECT $2::float8 + floor((ms(window_start) - $2::float8) / $4::float8) * $4::float8, sum(samples)::float8 ${figures.join("")}
         FROM window_summary s WHERE device_id = $1 AND window_start >= instant($5) AND window_start < instant($3)
           AND NOT ${isTouched("s")} GROUP BY 1`,
        [registration.key, fromMs, toMs, bucketMs, firstMs],
      ),
    );
    addFigures(buckets, points, rows);
    const touched = yield* waitFor(touchedSummaries(this.#client, registration, firstMs, toMs, new Set(points)));
    for (const summary of touched) buckets.addSummary(summary);
  }

  *addSamples(query: HistoryQuery, buckets: Buckets): Work<void> {
    const { registration, points, fromMs, toMs, bucketMs } = query;
    const numbers = points.map((point, at) => `, ${numberOf(point)} AS p${at}`);
    const figures = points.map((_, at) => `, min(p${at}), max(p${at}), sum(summable(p${at})), count(p${at})::float8`);
    const rows = yield* waitFor(
      rowsOf<FigureRow>(
        this.#client,
        `SELECT $2::float8 + bucket * $4::float8, count(*)::float8 ${figures.join("")} FROM (
           SELECT floor((ms(observed_at) - $2::float8) / $4::float8) AS bucket ${numbers.join("")}
           FROM sample WHERE device_id = $1 AND observed_at >= instant($5) AND observed_at < instant($3)
         ) AS sample GROUP BY bucket`,
        [registration.key, fromMs, toMs, bucketMs, Math.max(fromMs, registration.fromMs)],
      ),
    );
    addFigures(buckets, points, rows);
  }

  /** One more than the runs that are asked for tells that there are more. What lies far behind the bytes that are asked for stays in the database. */
  *changes(query: TimelineQuery, longSteps: ReadonlyMap<number, number>, onValue: OnValue): Work<void> {
    const { registration, point, fromMs, toMs, limit, bytesMax = Number.POSITIVE_INFINITY } = query;
    const rows = yield* waitFor(
      rowsOf<[atMs: number, beforeMs: number | null, value: unknown]>(
        this.#client,
        `WITH told AS (
           SELECT observed_at, epoch, seq, value, lag(observed_at) OVER in_order AS before,
             value IS DISTINCT FROM lag(value) OVER in_order AS is_new, lead(epoch) OVER in_order IS NULL AS is_last
           FROM (
             SELECT observed_at, epoch, seq, ${jsonOf(point)} AS value FROM sample
             WHERE device_id = $1 AND observed_at >= instant($2) AND observed_at < instant($3)
           ) AS sample WHERE value IS NOT NULL WINDOW in_order AS (ORDER BY observed_at, epoch, seq)
         )
         SELECT ms(observed_at), ms(before), value FROM (
           SELECT told.*, sum(octet_length(value::text)) OVER (
             ORDER BY observed_at, epoch, seq ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING
           ) AS bytes_before
           FROM told LEFT JOIN unnest($6::float8[], $7::float8[]) AS long (start_ms, step_ms_max)
             ON instant(long.start_ms) = date_bin('15 minutes', observed_at, 'epoch')
           WHERE is_new OR is_last OR ms(observed_at) - ms(before) > coalesce(long.step_ms_max, ${shortStepMs})
         ) AS change WHERE coalesce(bytes_before, 0) <= $5::float8 ORDER BY observed_at, epoch, seq LIMIT $4`,
        [
          registration.key,
          Math.max(fromMs, registration.fromMs),
          toMs,
          limit + 1,
          // As jsonb writes it, a value takes up to eight times what it is counted as.
          8 * bytesMax,
          [...longSteps.keys()].map((window) => window * windowMs),
          [...longSteps.values()],
        ],
      ),
    );
    for (const [atMs, beforeMs, value] of rows) {
      if (!onValue(atMs, beforeMs ?? Number.NEGATIVE_INFINITY, fromExtra(value))) return;
    }
  }

  *addMeans(query: FleetQuery, add: AddMeans): Work<boolean> {
    const rows = yield* waitFor(readFleetRows(this.#client, query, this.#isTimescale));
    for (const row of rows) add(...row);
    return true;
  }
}

/** The points that a registration's device has sent, in the order in which they first came. */
export async function readPoints(client: Client, { key }: Registration): Promise<PointInfo[]> {
  const sql = "SELECT name, kinds FROM point WHERE device_id = $1 ORDER BY number";
  const rows = await rowsOf<[string, number]>(client, sql, [key]);
  return rows.map(([name, bits]) => ({ name, kinds: kindsOf(bits) }));
}

/** All samples of a range, in order. */
export async function readColumns(
  client: Client,
  key: string,
  fromMs: number,
  toMs: number,
  wanted?: ReadonlySet<string>,
): Promise<SampleColumns> {
  const rows = await rowsOf<SampleRow>(
    client,
    `SELECT ${selectList(wanted)} FROM sample
     WHERE device_id = $1 AND observed_at >= instant($2) AND observed_at < instant($3) ORDER BY observed_at, epoch, seq`,
    [key, fromMs, toMs],
  );
  return columnsOf(rows, wanted);
}

/** The summaries of windows that have samples which are not in their kept summary, and of the one that another registration has a part of. */
async function touchedSummaries(
  client: Client,
  registration: Registration,
  fromMs: number,
  toMs: number,
  wanted?: ReadonlySet<string>,
): Promise<WindowSummary[]> {
  const touched = await rowsOf<[number]>(
    client,
    `SELECT ms(window_start) FROM touched_window
     WHERE device_id = $1 AND window_start >= instant($2) AND window_start < instant($3) ORDER BY 1`,
    [registration.key, fromMs, toMs],
  );
  const cutMs = windowOf(registration.fromMs) * windowMs;
  const isCut = cutMs < registration.fromMs && cutMs >= fromMs && cutMs < toMs;
  const summaries: WindowSummary[] = [];
  for (const startMs of new Set([...(isCut ? [cutMs] : []), ...touched.flat()])) {
    const firstMs = Math.max(startMs, registration.fromMs);
    const columns = await readColumns(client, registration.key, firstMs, startMs + windowMs, wanted);
    if (columns.count > 0) summaries.push(summarize(windowOf(startMs), columns));
  }
  return summaries;
}

/** A bucket: its instant, samples, then of each point min, max, sum and count. */
type FigureRow = [number, number, ...(number | null)[]];

function addFigures(buckets: Buckets, points: readonly string[], rows: readonly FigureRow[]): void {
  for (const [atMs, samples, ...figures] of rows) {
    const found = points.flatMap((point, at) => {
      const [min, max, sum, count] = figures.slice(4 * at, 4 * at + 4) as [
        number,
        number,
        number | null,
        number | null,
      ];
      return count === null || count === 0 ? [] : [[point, { min, max, sum: sum ?? 0, count }] as const];
    });
    buckets.addFigures(atMs, samples, new Map(found));
  }
}

function sampleKeyOf(row: SampleRow | undefined): SampleKey | undefined {
  return row && { observedAtMs: row[0], epoch: row[4], seq: row[5] };
}
