import { Buckets, bucketEdges } from "../algebra/buckets.ts";
import { CoverageMeter } from "../algebra/coverage-meter.ts";
import { type Energy, energyNames, energyStreams, noEnergy, type PowerPoint } from "../algebra/energy.ts";
import { type SampleColumns, sampleAt } from "../algebra/sample-columns.ts";
import { type LongStep, marginWindows, StepRule, shortStepMs } from "../algebra/steps.ts";
import { windowFrom, windowMs, windowOf } from "../algebra/window.ts";
import { asWasMeasured, summarize, type WindowSummary } from "../algebra/window-summary.ts";
import { runBytes, sampleBytes } from "../page-bytes.ts";
import { EnergySpans, type EnergyWindow } from "../questions/energy-spans.ts";
import { ownFromMs, type Registration } from "../registration.ts";
import type {
  CoverageQuery,
  CoverageSpans,
  EnergyHistory,
  EnergyQuery,
  History,
  HistoryQuery,
  PointInfo,
  PointSample,
  SamplesQuery,
  Timeline,
  TimelineQuery,
} from "../store.ts";
import { type Client, rowsOf } from "./database.ts";
import { columnsOf, fromExtra, jsonOf, kindsOf, literal, numberOf, type SampleRow, selectList } from "./sample-row.ts";

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
  const { registration, toMs, take, limit, beyond } = query;
  const wanted = query.points === undefined ? undefined : new Set(query.points);
  const values: unknown[] = [registration.key, Math.max(query.fromMs, registration.fromMs), toMs, limit];
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

export async function readHistory(client: Client, query: HistoryQuery): Promise<History> {
  const values = await (query.bucketMs >= windowMs ? valuesOfWindows(client, query) : valuesOfSamples(client, query));
  return { ...values, ...(await readCoverage(client, query)) };
}

type HistoryValues = Omit<History, keyof CoverageSpans>;
/** A bucket: its instant, samples, then of each point min, max, sum and count. */
type FigureRow = [number, number, ...(number | null)[]];

async function valuesOfSamples(client: Client, query: HistoryQuery): Promise<HistoryValues> {
  const { registration, points, fromMs, toMs, bucketMs } = query;
  const numbers = points.map((point, at) => `, ${numberOf(point)} AS p${at}`);
  const figures = points.map((_, at) => `, min(p${at}), max(p${at}), sum(summable(p${at})), count(p${at})::float8`);
  const rows = await rowsOf<FigureRow>(
    client,
    `SELECT $2::float8 + bucket * $4::float8, count(*)::float8 ${figures.join("")} FROM (
       SELECT floor((ms(observed_at) - $2::float8) / $4::float8) AS bucket ${numbers.join("")}
       FROM sample WHERE device_id = $1 AND observed_at >= instant($5) AND observed_at < instant($3)
     ) AS sample GROUP BY bucket`,
    [registration.key, fromMs, toMs, bucketMs, Math.max(fromMs, registration.fromMs)],
  );
  const buckets = new Buckets(fromMs, toMs, bucketMs, points);
  addFigures(buckets, points, rows);
  return buckets.finish();
}

/** No sample is read but those of windows whose summary is not up to date: the summaries are all that such a chart can show. */
async function valuesOfWindows(client: Client, query: HistoryQuery): Promise<HistoryValues> {
  const { registration, points, fromMs, toMs, bucketMs } = query;
  const { key } = registration;
  const firstMs = Math.max(fromMs, windowFrom(registration.fromMs) * windowMs);
  const figures = points.map((point) => {
    const figure = (at: number): string => `(points->${literal(point)}->>${at})::float8`;
    return `, min(${figure(0)}), max(${figure(1)}), sum(summable(${figure(2)})), sum(${figure(3)})`;
  });
  const rows = await rowsOf<FigureRow>(
    client,
    `SELECT $2::float8 + floor((ms(window_start) - $2::float8) / $4::float8) * $4::float8, sum(samples)::float8 ${figures.join("")}
     FROM window_summary s WHERE device_id = $1 AND window_start >= instant($5) AND window_start < instant($3)
       AND NOT ${isTouched("s")} GROUP BY 1`,
    [key, fromMs, toMs, bucketMs, firstMs],
  );
  const buckets = new Buckets(fromMs, toMs, bucketMs, points);
  addFigures(buckets, points, rows);
  for await (const summary of touchedSummaries(client, registration, firstMs, toMs, new Set(points))) {
    buckets.addSummary(summary);
  }
  return buckets.finish();
}

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

export async function readCoverage(client: Client, query: CoverageQuery): Promise<CoverageSpans> {
  return await coverageBetween(client, query, query.bucketMs, bucketEdges(query));
}

/** What of a question says which steps there are to look at. */
type StepsQuery = Pick<HistoryQuery, "registration" | "registeredMs" | "nowMs">;

/** The coverage between the edges, in figures of that width; with `energy`, the windows are handed on to it too. */
async function coverageBetween(
  client: Client,
  query: StepsQuery,
  bucketMs: number,
  edgesMs: readonly number[],
  energy?: EnergySpans,
): Promise<CoverageSpans> {
  const { registration, registeredMs = Number.POSITIVE_INFINITY } = query;
  const own = { ...registration, fromMs: ownFromMs(registration, bucketMs) };
  const fromMs = edgesMs[0] as number;
  // Where the registration is older than the range, it is expected from its start on.
  const firstMs = registeredMs <= fromMs ? null : await firstSampleMs(client, own);
  const meter = new CoverageMeter(edgesMs, firstMs, query);
  const rule = new StepRule<EnergyWindow>((window, limits, before) => {
    meter.add(window, limits);
    energy?.add(window, limits, before);
  });
  const range = { fromMs, toMs: edgesMs.at(-1) as number };
  for (const window of await readWindows(client, own, range, energy !== undefined)) rule.add(window);
  rule.finish();
  return meter.finish();
}

/** When the registration's first sample was measured. */
async function firstSampleMs(client: Client, { key, fromMs }: Registration): Promise<number | null> {
  const [[found] = [null]] = await rowsOf<[number | null]>(
    client,
    `SELECT ms(least(
       (SELECT first_at FROM window_summary WHERE device_id = $1 AND window_start >= instant($2) ORDER BY window_start LIMIT 1),
       (SELECT observed_at FROM sample WHERE device_id = $1 AND observed_at >= instant($2) ORDER BY observed_at LIMIT 1)))`,
    [key, fromMs],
  );
  return found;
}

/** The summaries of windows that have samples which are not in their kept summary, and of the one that another registration has a part of. */
async function* touchedSummaries(
  client: Client,
  registration: Registration,
  fromMs: number,
  toMs: number,
  wanted?: ReadonlySet<string>,
): AsyncGenerator<WindowSummary> {
  const touched = await rowsOf<[number]>(
    client,
    `SELECT ms(window_start) FROM touched_window
     WHERE device_id = $1 AND window_start >= instant($2) AND window_start < instant($3) ORDER BY 1`,
    [registration.key, fromMs, toMs],
  );
  const cutMs = windowOf(registration.fromMs) * windowMs;
  const isCut = cutMs < registration.fromMs && cutMs >= fromMs && cutMs < toMs;
  for (const startMs of new Set([...(isCut ? [cutMs] : []), ...touched.flat()])) {
    const firstMs = Math.max(startMs, registration.fromMs);
    const columns = await readColumns(client, registration.key, firstMs, startMs + windowMs, wanted);
    if (columns.count > 0) yield summarize(windowOf(startMs), columns);
  }
}

/** The columns of the energies, in the order of {@link energyNames}. */
export const energyColumns =
  "imported_wh, exported_wh, charged_wh, discharged_wh, produced_wh, consumed_wh, self_consumed_wh, consumed_without_solar_wh";

export async function readEnergy(client: Client, query: EnergyQuery): Promise<EnergyHistory> {
  const { edgesMs } = query;
  if (edgesMs.length < 2) return { spans: [], total: { coveredMs: 0, expectedMs: 0, expectedFromMs: null, gaps: [] } };
  const energy = new EnergySpans(edgesMs);
  return energy.withCoverage(await coverageBetween(client, query, windowMs, edgesMs, energy));
}

type Powers = readonly [number | null, number | null, number | null, number | null];
type WindowRow = [
  startMs: number,
  version: number,
  firstMs: number,
  lastMs: number,
  periodMs: number,
  stepStarts: readonly number[] | null,
  stepEnds: readonly number[] | null,
  stepWh: readonly (number | null)[],
  firstPower: Powers,
  lastPower: Powers,
  ...energy: (number | null)[],
];

/** The windows of a range and, since they say what is usual there, those around it, in the order of time; with `isEnergyWanted`, with energies. */
async function readWindows(
  client: Client,
  registration: Registration,
  { fromMs, toMs }: Pick<HistoryQuery, "fromMs" | "toMs">,
  isEnergyWanted: boolean,
): Promise<EnergyWindow[]> {
  const first = Math.max(windowOf(fromMs) - marginWindows, windowOf(registration.fromMs)) * windowMs;
  const end = (windowOf(toMs - 1) + 1 + marginWindows) * windowMs;
  const times = (column: string) =>
    `CASE WHEN ${column} <> '{}' THEN ARRAY (SELECT ms(at) FROM unnest(${column}) AS at) END`;
  const rows = await rowsOf<WindowRow>(
    client,
    `SELECT ms(window_start), version, ms(first_at), ms(last_at), period_ms, ${times("gap_starts")}, ${times("gap_ends")},
       ${isEnergyWanted ? `step_wh, first_power_w, last_power_w, ${energyColumns}` : "'{}'::float8[], '{}'::float8[], '{}'::float8[]"}
     FROM window_summary s WHERE device_id = $1 AND window_start >= instant($2) AND window_start < instant($3)
       AND NOT ${isTouched("s")}`,
    [registration.key, Math.max(first, windowFrom(registration.fromMs) * windowMs), end],
  );
  const windows = rows.map(windowOfRow);
  const wanted = new Set<string>(isEnergyWanted ? energyStreams : []);
  for await (const summary of touchedSummaries(client, registration, first, end, wanted)) windows.push(summary);
  return windows.sort((a, b) => a.window - b.window);
}

function windowOfRow([
  startMs,
  version,
  firstMs,
  lastMs,
  periodMs,
  starts,
  ends,
  wh,
  ...powers
]: WindowRow): EnergyWindow {
  const [first, last, ...energies] = powers;
  const longSteps = (starts ?? []).map((fromMs, at): LongStep => {
    const energy = energyFrom(wh.slice(energyNames.length * at, energyNames.length * (at + 1)));
    return { fromMs, toMs: ends?.[at] as number, energy };
  });
  const firstPower = powerPoint(firstMs, first);
  const lastPower = powerPoint(lastMs, last);
  let energy = energyFrom(energies);
  if (version < 2)
    [energy = noEnergy] = asWasMeasured({ energies: [energy], firstPower: [firstPower], lastPower: [lastPower] });
  return { window: windowOf(startMs), firstMs, lastMs, periodMs, longSteps, energy, firstPower, lastPower };
}

function energyFrom(wh: readonly (number | null)[]): Energy {
  return Object.fromEntries(energyNames.map((name, at) => [name, wh[at] ?? null])) as unknown as Energy;
}

function powerPoint(
  atMs: number,
  [gridW = null, batteryW = null, solarW = null, loadW = null]: readonly (number | null)[],
): PowerPoint {
  return { atMs, gridW, batteryW, solarW, loadW };
}

type RunRow = [atMs: number, beforeMs: number | null, value: unknown, stepMsMax: number];

export async function readTimeline(client: Client, query: TimelineQuery): Promise<Timeline> {
  const { registration, point, toMs, bytesMax = Number.POSITIVE_INFINITY } = query;
  const { key } = registration;
  const fromMs = Math.max(query.fromMs, registration.fromMs);
  const meter = new CoverageMeter([query.fromMs, toMs], null, { registeredMs: query.fromMs, nowMs: query.nowMs });
  const longer: { readonly startMs: number; readonly stepMsMax: number }[] = [];
  const rule = new StepRule<EnergyWindow>((window, limits) => {
    meter.add(window, limits);
    if (limits.intoMs > shortStepMs) longer.push({ startMs: window.window * windowMs, stepMsMax: limits.intoMs });
  });
  for (const window of await readWindows(client, registration, query, false)) rule.add(window);
  rule.finish();
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
     SELECT ms(observed_at), ms(before), value, step_ms_max FROM (
       SELECT observed_at, epoch, seq, before, value, step_ms_max,
         sum(octet_length(value::text)) OVER (ORDER BY observed_at, epoch, seq) - octet_length(value::text) AS bytes_before
       FROM (
         SELECT told.*, coalesce(longer.step_ms_max, ${shortStepMs}) AS step_ms_max
         FROM told LEFT JOIN unnest($6::float8[], $7::float8[]) AS longer (start_ms, step_ms_max)
           ON instant(longer.start_ms) = date_bin('15 minutes', observed_at, 'epoch')
       ) AS told WHERE is_new OR ms(observed_at) - ms(before) > step_ms_max
     ) AS start WHERE bytes_before <= $5::float8 ORDER BY observed_at, epoch, seq LIMIT $4 + 1`,
    [
      key,
      fromMs,
      toMs,
      query.limit,
      2 * bytesMax,
      longer.map(({ startMs }) => startMs),
      longer.map(({ stepMsMax }) => stepMsMax),
    ],
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
        key,
        fromMs,
        toMs,
      ])) as [[number]]);
  const lastStepMsMax = longer.find(({ startMs }) => startMs === windowOf(lastMs) * windowMs)?.stepMsMax ?? shortStepMs;
  const runs = starts.slice(0, limit).map(([atMs, , value], at) => {
    const next = starts[at + 1];
    const toMs = next === undefined ? meter.reach(lastMs, lastStepMsMax) : endBefore(next);
    return { fromMs: atMs, toMs, value: fromExtra(value) };
  });
  return { runs, truncated };
}

/** A run ends where the next one begins, or with its last sample where a gap lies between. */
function endBefore([atMs, beforeMs, , stepMsMax]: RunRow): number {
  return beforeMs !== null && atMs - beforeMs > stepMsMax ? beforeMs : atMs;
}
