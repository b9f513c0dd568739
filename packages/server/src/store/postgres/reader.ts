import { Buckets, GapList } from "../algebra/buckets.ts";
import {
  addEnergy,
  type Energy,
  energyBetween,
  energyNames,
  energyStreams,
  gapMsMax,
  noEnergy,
  type PowerPoint,
} from "../algebra/energy.ts";
import { type SampleColumns, sampleAt } from "../algebra/sample-columns.ts";
import { windowMs, windowOf } from "../algebra/window.ts";
import { summarize, type WindowSummary } from "../algebra/window-summary.ts";
import { runBytes, sampleBytes } from "../page-bytes.ts";
import type {
  EnergyQuery,
  EnergySpan,
  FleetQuery,
  FleetTotals,
  History,
  HistoryQuery,
  PointInfo,
  PointSample,
  SamplesQuery,
  Timeline,
  TimelineQuery,
} from "../store.ts";
import { type Client, rowsOf } from "./database.ts";
import {
  columnsOf,
  fromExtra,
  jsonOf,
  kindsOf,
  literal,
  numberColumn,
  numberOf,
  type SampleRow,
  selectList,
} from "./sample-row.ts";

const gap = `INTERVAL '${gapMsMax} milliseconds'`;

/** SQL: whether the window of a row has samples that are not in its summary. */
export function isTouched(table: string): string {
  return `EXISTS (SELECT FROM touched_window t WHERE t.device_id = ${table}.device_id AND t.window_start = ${table}.window_start)`;
}

/** Rows that are fetched at once: of wide samples some megabytes. */
const rowsAtOnce = 500;

export async function readSamples(client: Client, query: SamplesQuery): Promise<PointSample[]> {
  const { take, limit, bytesMax = Number.POSITIVE_INFINITY } = query;
  const found: PointSample[] = [];
  let bytes = 0;
  let beyond = query.beyond;
  // From the end that the page begins with; only at last in the order of time.
  while (found.length < limit && bytes < bytesMax) {
    const rows = Math.min(rowsAtOnce, limit - found.length);
    const fetched = await fetchSamples(client, { ...query, beyond, limit: rows });
    for (const sample of fetched) {
      if (bytes >= bytesMax) break;
      bytes += sampleBytes(sample);
      found.push(sample);
    }
    beyond = found.at(-1);
    if (fetched.length < rows) break;
  }
  return take === "last" ? found.reverse() : found;
}

/** Some samples, in the order in which the page takes them. */
async function fetchSamples(client: Client, query: SamplesQuery): Promise<PointSample[]> {
  const { deviceId, fromMs, toMs, take, limit, beyond } = query;
  const wanted = query.points === undefined ? undefined : new Set(query.points);
  const values: unknown[] = [deviceId, fromMs, toMs, limit];
  let page = "";
  if (beyond !== undefined) {
    values.push(beyond.observedAtMs, beyond.epoch, beyond.seq);
    page = `AND (observed_at, epoch, seq) ${take === "first" ? ">" : "<"} (instant($5), $6::bigint, $7::bigint)`;
  }
  const direction = take === "first" ? "ASC" : "DESC";
  const rows = await rowsOf<SampleRow>(
    client,
    `SELECT ${selectList(wanted)} FROM sample
     WHERE device_id = $1 AND observed_at >= instant($2) AND observed_at < instant($3) ${page}
     ORDER BY observed_at ${direction}, epoch ${direction}, seq ${direction} LIMIT $4`,
    values,
  );
  const columns = columnsOf(rows, wanted);
  return rows.map((_, at) => sampleAt(columns, at));
}

/** The points that a device has sent, in the order in which they first came. */
export async function readPoints(client: Client, deviceId: string): Promise<PointInfo[]> {
  const sql = "SELECT name, kinds FROM point WHERE device_id = $1 ORDER BY number";
  const rows = await rowsOf<[string, number]>(client, sql, [deviceId]);
  return rows.map(([name, bits]) => ({ name, kinds: kindsOf(bits) }));
}

/** All samples of a range, in order. */
export async function readColumns(
  client: Client,
  deviceId: string,
  fromMs: number,
  toMs: number,
  wanted?: ReadonlySet<string>,
): Promise<SampleColumns> {
  const rows = await rowsOf<SampleRow>(
    client,
    `SELECT ${selectList(wanted)} FROM sample
     WHERE device_id = $1 AND observed_at >= instant($2) AND observed_at < instant($3) ORDER BY observed_at, epoch, seq`,
    [deviceId, fromMs, toMs],
  );
  return columnsOf(rows, wanted);
}

export async function readHistory(client: Client, query: HistoryQuery): Promise<History> {
  return await (query.bucketMs >= windowMs ? historyOfWindows(client, query) : historyOfSamples(client, query));
}

/** A part of a bucket: its instant, samples, covered time, then of each point min, max, sum and count. */
type FigureRow = [number, number, number, ...(number | null)[]];
type SpanRow = [firstMs: number, lastMs: number];

async function historyOfSamples(client: Client, query: HistoryQuery): Promise<History> {
  const { deviceId, points, fromMs, toMs, bucketMs } = query;
  const numbers = points.map((point, at) => `, ${numberOf(point)} AS p${at}`);
  const figures = points.map((_, at) => `, min(p${at}), max(p${at}), sum(summable(p${at})), count(p${at})::float8`);
  const rows = await rowsOf<FigureRow>(
    client,
    `SELECT $2::float8 + bucket * $4::float8, count(*)::float8, ms(window_start) ${figures.join("")} FROM (
       SELECT floor((ms(observed_at) - $2::float8) / $4::float8) AS bucket,
         date_bin('15 minutes', observed_at, 'epoch') AS window_start ${numbers.join("")}
       FROM sample WHERE device_id = $1 AND observed_at >= instant($2) AND observed_at < instant($3)
     ) AS sample GROUP BY bucket, window_start`,
    [deviceId, fromMs, toMs, bucketMs],
  );
  // The usual step between two samples is told for whole windows, also where the range begins or ends within one. Of an even number of steps
  // it is the upper one in the middle, as summaries have it.
  const periods = await rowsOf<[startMs: number, periodMs: number]>(
    client,
    `SELECT ms(window_start), percentile_disc(0.5) WITHIN GROUP (ORDER BY step DESC) FROM (
       SELECT window_start, ms(observed_at) - ms(lag(observed_at) OVER (PARTITION BY window_start ORDER BY observed_at)) AS step
       FROM (
         SELECT observed_at, date_bin('15 minutes', observed_at, 'epoch') AS window_start
         FROM sample WHERE device_id = $1 AND observed_at >= instant($2) AND observed_at < instant($3)
       ) AS sample
     ) AS step WHERE step IS NOT NULL GROUP BY window_start`,
    [deviceId, windowOf(fromMs) * windowMs, windowOf(toMs + windowMs - 1) * windowMs],
  );
  const periodOf = new Map(periods);
  const spans = await rowsOf<SpanRow>(
    client,
    spansWithoutGaps(
      `SELECT observed_at AS first_at, observed_at AS last_at FROM sample
       WHERE device_id = $1 AND observed_at >= instant($2) AND observed_at < instant($3)`,
    ),
    [deviceId, fromMs, toMs],
  );
  const buckets = new Buckets(fromMs, toMs, bucketMs, points);
  const covered = rows.map(([atMs, samples, startMs, ...rest]): FigureRow => {
    return [atMs, samples, samples * (periodOf.get(startMs) ?? 0), ...rest];
  });
  addFigures(buckets, points, covered);
  return buckets.finish(gapsBetween(fromMs, toMs, spans));
}

/** No sample is read but those of windows whose summary is not up to date: the summaries are all that such a chart can show. */
async function historyOfWindows(client: Client, query: HistoryQuery): Promise<History> {
  const { deviceId, points, fromMs, toMs, bucketMs } = query;
  const clean = `FROM window_summary s WHERE device_id = $1 AND window_start >= instant($2) AND window_start < instant($3)
       AND NOT ${isTouched("s")}`;
  const figures = points.map((point) => {
    const figure = (at: number): string => `(points->${literal(point)}->>${at})::float8`;
    return `, min(${figure(0)}), max(${figure(1)}), sum(summable(${figure(2)})), sum(${figure(3)})`;
  });
  const rows = await rowsOf<FigureRow>(
    client,
    `SELECT $2::float8 + floor((ms(window_start) - $2::float8) / $4::float8) * $4::float8,
       sum(samples)::float8, sum(least(${windowMs}, samples * period_ms)) ${figures.join("")} ${clean} GROUP BY 1`,
    [deviceId, fromMs, toMs, bucketMs],
  );
  const spans = await rowsOf<SpanRow>(
    client,
    spansWithoutGaps(
      `SELECT unnest(first_at || gap_ends) AS first_at, unnest(gap_starts || last_at) AS last_at ${clean}`,
    ),
    [deviceId, fromMs, toMs],
  );
  const buckets = new Buckets(fromMs, toMs, bucketMs, points);
  addFigures(buckets, points, rows);
  for await (const summary of touchedSummaries(client, deviceId, fromMs, toMs, new Set(points))) {
    buckets.addSummary(summary);
    const ends = [...summary.gaps.map((gap) => gap.fromMs), summary.lastMs];
    for (const [at, endMs] of ends.entries()) spans.push([summary.gaps[at - 1]?.toMs ?? summary.firstMs, endMs]);
  }
  return buckets.finish(gapsBetween(fromMs, toMs, spans));
}

function addFigures(buckets: Buckets, points: readonly string[], rows: readonly FigureRow[]): void {
  for (const [atMs, samples, coveredMs, ...figures] of rows) {
    const found = points.flatMap((point, at) => {
      const [min, max, sum, count] = figures.slice(4 * at, 4 * at + 4) as [
        number,
        number,
        number | null,
        number | null,
      ];
      return count === null || count === 0 ? [] : [[point, { min, max, sum: sum ?? 0, count }] as const];
    });
    buckets.addFigures(atMs, samples, coveredMs, new Map(found));
  }
}

/** SQL that puts spans together where no gap lies between them; `spans` gives `first_at` and `last_at`. */
function spansWithoutGaps(spans: string): string {
  return `WITH span AS (${spans}),
    marked AS (SELECT first_at, last_at, first_at - lag(last_at) OVER (ORDER BY first_at) > ${gap} AS is_new FROM span),
    numbered AS (SELECT first_at, last_at, count(*) FILTER (WHERE is_new) OVER (ORDER BY first_at, last_at) AS part FROM marked)
    SELECT ms(min(first_at)), ms(max(last_at)) FROM numbered GROUP BY part ORDER BY 1`;
}

function gapsBetween(fromMs: number, toMs: number, spans: SpanRow[]): GapList {
  const gaps = new GapList(fromMs, toMs);
  for (const [firstMs, lastMs] of spans.sort((a, b) => a[0] - b[0])) gaps.add(firstMs, lastMs);
  return gaps;
}

/** The summaries of windows that have samples which are not in their kept summary. */
async function* touchedSummaries(
  client: Client,
  deviceId: string,
  fromMs: number,
  toMs: number,
  wanted?: ReadonlySet<string>,
): AsyncGenerator<WindowSummary> {
  const touched = await rowsOf<[number]>(
    client,
    `SELECT ms(window_start) FROM touched_window
     WHERE device_id = $1 AND window_start >= instant($2) AND window_start < instant($3) ORDER BY 1`,
    [deviceId, fromMs, toMs],
  );
  for (const [startMs] of touched) {
    const columns = await readColumns(client, deviceId, startMs, startMs + windowMs, wanted);
    if (columns.count > 0) yield summarize(windowOf(startMs), columns);
  }
}

/** The columns of the energies, in the order of {@link energyNames}. */
export const energyColumns =
  "imported_wh, exported_wh, charged_wh, discharged_wh, produced_wh, consumed_wh, self_consumed_wh";

/** What energy is made of in one window. */
type EnergyWindow = Pick<WindowSummary, "window" | "count" | "periodMs" | "energy" | "firstPower" | "lastPower">;
type Powers = readonly [number | null, number | null, number | null, number | null];
type EnergyRow = [
  startMs: number,
  samples: number,
  periodMs: number,
  firstMs: number,
  lastMs: number,
  firstPower: Powers,
  lastPower: Powers,
  ...energy: number[],
];

export async function readEnergy(client: Client, { deviceId, edgesMs }: EnergyQuery): Promise<EnergySpan[]> {
  const spans = edgesMs.slice(1).map((toMs, at) => {
    return { fromMs: edgesMs[at] as number, toMs, energy: noEnergy, coveredMs: 0 };
  });
  const [first] = spans;
  const last = spans.at(-1);
  if (first === undefined || last === undefined) return [];
  // One window more at the front: the way from its last sample to the next one belongs to the span of the later.
  let before: EnergyWindow | undefined;
  let place = 0;
  for (const summary of await energyWindows(client, deviceId, first.fromMs - windowMs, last.toMs)) {
    const startMs = summary.window * windowMs;
    while ((spans[place]?.toMs ?? Number.POSITIVE_INFINITY) <= startMs) place++;
    const span = spans[place];
    if (span !== undefined && startMs >= span.fromMs) {
      const between = before === undefined ? noEnergy : energyBetween(before.lastPower, summary.firstPower);
      span.energy = addEnergy(addEnergy(span.energy, summary.energy), between);
      span.coveredMs += Math.min(windowMs, summary.count * summary.periodMs);
    }
    before = summary;
  }
  return spans.map(({ fromMs, toMs, energy, coveredMs }) => ({
    fromMs,
    toMs,
    energy,
    coverage: Math.min(1, coveredMs / (toMs - fromMs)),
  }));
}

/** From what `energyColumns` gives. */
function energyOf(columns: readonly number[]): Energy {
  const energy = { ...noEnergy };
  for (const [at, name] of energyNames.entries()) energy[name] = columns[at] ?? 0;
  return energy;
}

async function energyWindows(client: Client, deviceId: string, fromMs: number, toMs: number): Promise<EnergyWindow[]> {
  const rows = await rowsOf<EnergyRow>(
    client,
    `SELECT ms(window_start), samples, period_ms, ms(first_at), ms(last_at), first_power_w, last_power_w, ${energyColumns}
     FROM window_summary s WHERE device_id = $1 AND window_start >= instant($2) AND window_start < instant($3)
       AND NOT ${isTouched("s")}`,
    [deviceId, fromMs, toMs],
  );
  const windows: EnergyWindow[] = rows.map(([startMs, count, periodMs, firstMs, lastMs, first, last, ...energy]) => ({
    window: windowOf(startMs),
    count,
    periodMs,
    energy: energyOf(energy),
    firstPower: powerPoint(firstMs, first),
    lastPower: powerPoint(lastMs, last),
  }));
  for await (const summary of touchedSummaries(client, deviceId, fromMs, toMs, new Set(energyStreams))) {
    windows.push(summary);
  }
  return windows.sort((a, b) => a.window - b.window);
}

function powerPoint(atMs: number, [gridW, batteryW, solarW, loadW]: Powers): PowerPoint {
  return { atMs, gridW, batteryW, solarW, loadW };
}

type RunRow = [atMs: number, beforeMs: number | null, value: unknown];

export async function readTimeline(client: Client, query: TimelineQuery): Promise<Timeline> {
  const { deviceId, point, fromMs, toMs, bytesMax = Number.POSITIVE_INFINITY } = query;
  const told = `SELECT observed_at, epoch, seq, ${jsonOf(point)} AS value FROM sample
     WHERE device_id = $1 AND observed_at >= instant($2) AND observed_at < instant($3)`;
  // One run more than asked for tells where the last one ended, and that there are more. The database leaves out what is far above the bytes.
  const starts = await rowsOf<RunRow>(
    client,
    `WITH told AS (
       SELECT observed_at, epoch, seq, value,
         lag(observed_at) OVER in_order AS before, value IS DISTINCT FROM lag(value) OVER in_order AS is_new
       FROM (${told}) AS sample WHERE value IS NOT NULL WINDOW in_order AS (ORDER BY observed_at, epoch, seq)
     )
     SELECT ms(observed_at), ms(before), value FROM (
       SELECT observed_at, epoch, seq, before, value,
         sum(octet_length(value::text)) OVER (ORDER BY observed_at, epoch, seq) - octet_length(value::text) AS bytes_before
       FROM told WHERE is_new OR observed_at - before > ${gap}
     ) AS start WHERE bytes_before <= $5::float8 ORDER BY observed_at, epoch, seq LIMIT $4 + 1`,
    [deviceId, fromMs, toMs, query.limit, 2 * bytesMax],
  );
  let bytes = 0;
  const full = starts.findIndex(([, , value]) => {
    bytes += runBytes(fromExtra(value));
    return bytes >= bytesMax;
  });
  const limit = Math.min(query.limit, full === -1 ? query.limit : full + 1);
  const truncated = starts.length > limit;
  const [[lastMs]] = truncated
    ? [[fromMs]]
    : ((await rowsOf<[number]>(client, `SELECT ms(max(observed_at)) FROM (${told}) AS sample WHERE value IS NOT NULL`, [
        deviceId,
        fromMs,
        toMs,
      ])) as [[number]]);
  const runs = starts.slice(0, limit).map(([atMs, , value], at) => {
    const next = starts[at + 1];
    return { fromMs: atMs, toMs: next === undefined ? lastMs : endBefore(next), value: fromExtra(value) };
  });
  return { runs, truncated };
}

/** A run ends where the next one begins, or with its last sample where a gap lies between. */
function endBefore([atMs, beforeMs]: RunRow): number {
  return beforeMs !== null && atMs - beforeMs > gapMsMax ? beforeMs : atMs;
}

export async function readFleetTotals(client: Client, query: FleetQuery, isTimescale: boolean): Promise<FleetTotals> {
  const { deviceIds, point, fromMs, toMs, bucketMs } = query;
  const figures = bucketMs >= windowMs ? figuresOfWindows(point, isTimescale) : figuresOfSamples(point);
  const rows = await rowsOf<[number, number, number]>(
    client,
    `SELECT bucket, sum(summable(mean)), count(*)::float8 FROM (
       SELECT device_id, floor((ms(at) - $2::float8) / $4::float8)::float8 AS bucket, sum(summable(sum)) / sum(count) AS mean
       FROM (${figures}) AS figure WHERE count > 0 GROUP BY 1, 2
     ) AS device GROUP BY 1`,
    [deviceIds, fromMs, toMs, bucketMs],
  );
  const length = Math.max(0, Math.ceil((toMs - fromMs) / bucketMs));
  const sum = new Array<number | null>(length).fill(null);
  const devices = new Array<number>(length).fill(0);
  for (const [bucket, total, count] of rows) {
    sum[bucket] = total;
    devices[bucket] = count;
  }
  return { fromMs, bucketMs, sum, devices };
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
