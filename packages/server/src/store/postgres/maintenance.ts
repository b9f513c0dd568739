import type { CancelTimer, Clock } from "../../base/clock.ts";
import { energyNames, type PowerPoint } from "../algebra/energy.ts";
import { windowMs, windowOf } from "../algebra/window.ts";
import { summarize, type WindowSummary } from "../algebra/window-summary.ts";
import type { StoreComplaint, StoreRenewal } from "../store.ts";
import { type Client, type Database, rowOf, rowsOf, transaction } from "./database.ts";
import { strikeLock, windowLock } from "./locks.ts";
import { readColumns } from "./reader.ts";
import { energyColumns } from "./summary-row.ts";

const everyMs = 60_000;
/** A window is summarized when it has been over for this long: most of what is late has come by then. */
const graceMs = 60_000;
/** Windows that are summarized together; samples are kept out only while their summaries are written. */
const windowsAtOnce = 32;
const deletedAtOnce = 10_000;

const summaryColumns = `device_id, window_start, version, samples, first_at, last_at, period_ms, gap_starts, gap_ends,
  first_power_w, last_power_w, points, step_wh, ${energyColumns}`;

/** Upkeep beside the questions: summarizes windows that are over, and deletes what is older than the retention. */
export class Maintenance {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #retentionMs: number;
  /** TimescaleDB drops whole chunks of samples by itself. */
  readonly #isTimescale: boolean;
  readonly #onRenewal: (renewal: StoreRenewal) => void;
  /** How many summaries are to be made anew, as it was counted at the start; 0 once there are none. */
  #outdated: number | null = null;
  #renewed = 0;
  readonly #stopTimer: CancelTimer;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;

  constructor(
    database: Database,
    clock: Clock,
    retentionMs: number,
    isTimescale: boolean,
    complain: StoreComplaint = () => {},
    onRenewal: (renewal: StoreRenewal) => void = () => {},
  ) {
    this.#database = database;
    this.#clock = clock;
    this.#retentionMs = retentionMs;
    this.#isTimescale = isTimescale;
    this.#onRenewal = onRenewal;
    this.#stopTimer = clock.every(everyMs, () => {
      // What fails now is done in a minute: the windows stay marked.
      this.run().catch((error: unknown) => {
        if (this.#stopping.signal.aborted) return;
        complain(
          `summaries and retention wait, and are tried each minute: ${error instanceof Error ? error.message : error}`,
        );
      });
    });
  }

  /** Does what is to be done. One run at a time; a second caller waits for the one that runs. */
  run(): Promise<void> {
    this.#running ??= this.#database
      .care(this.#stopping.signal, async (client) => {
        await this.#summarizeAll(client);
        await this.#retain(client);
        await this.#renew(client);
      })
      .finally(() => {
        this.#running = null;
      });
    return this.#running;
  }

  async close(): Promise<void> {
    this.#stopTimer();
    this.#stopping.abort(new Error("The store closes."));
    await this.#running?.catch(() => {});
  }

  async #summarizeAll(client: Client): Promise<void> {
    const overMs = this.#clock.wallMs() - graceMs - windowMs;
    // Of older windows the samples are gone: their summaries, where they have one, are all that is left of them.
    const fromMs = retainedFromMs(this.#clock.wallMs(), this.#retentionMs);
    let from: [string, number] = ["", 0];
    for (;;) {
      // From where the last ones ended, so that windows that were touched again meanwhile wait for the next run.
      const touched = await rowsOf<[string, number]>(
        client,
        `SELECT device_id, ms(window_start) FROM touched_window
         WHERE (device_id, window_start) > ($1, instant($2)) AND window_start <= instant($3)
           AND (window_start >= instant($4) OR NOT EXISTS (
             SELECT FROM window_summary s WHERE s.device_id = touched_window.device_id AND s.window_start = touched_window.window_start))
         ORDER BY device_id, window_start LIMIT ${windowsAtOnce}`,
        [...from, overMs, fromMs],
      );
      const last = touched.at(-1);
      if (last === undefined) return;
      await transaction(client, async () => storeSummaries(client, await summarizeWindows(client, touched)));
      from = last;
    }
  }

  /**
   * Makes summaries anew that were made by the rule of before (version 1), for as long as nothing else is due. Those whose samples are gone get the version 0,
   * and stay as they are.
   */
  async #renew(client: Client): Promise<void> {
    if (this.#outdated === 0) return;
    const untilMs = this.#clock.monotonicMs() + everyMs;
    this.#outdated ??= (
      await rowOf<[number]>(client, "SELECT count(*)::float8 FROM window_summary WHERE version = 1")
    )[0];
    let from: [string, number] = ["", 0];
    while (this.#clock.monotonicMs() < untilMs) {
      this.#stopping.signal.throwIfAborted();
      // Behind the last ones: what was touched meanwhile is summarized by itself.
      const outdated = await rowsOf<[string, number]>(
        client,
        `SELECT device_id, ms(window_start) FROM window_summary
         WHERE version = 1 AND (device_id, window_start) > ($1, instant($2)) ORDER BY device_id, window_start LIMIT ${windowsAtOnce}`,
        from,
      );
      const last = outdated.at(-1);
      if (last === undefined) {
        if (from[0] === "") this.#outdated = 0;
        return;
      }
      await transaction(client, async () => {
        const summaries = await summarizeWindows(client, outdated);
        await storeSummaries(client, summaries);
        const made = new Set(summaries.map(({ key, summary }) => `${key} ${summary.window * windowMs}`));
        const gone = outdated.filter(([key, startMs]) => !made.has(`${key} ${startMs}`));
        await client.query(
          `UPDATE window_summary s SET version = 0 FROM unnest($1::text[], $2::float8[]) AS gone (device_id, start_ms)
           WHERE s.version = 1 AND s.device_id = gone.device_id AND s.window_start = instant(gone.start_ms)`,
          [gone.map(([key]) => key), gone.map(([, startMs]) => startMs)],
        );
      });
      this.#renewed += outdated.length;
      this.#onRenewal({ done: Math.min(this.#renewed, this.#outdated), total: this.#outdated });
      from = last;
    }
  }

  async #retain(client: Client): Promise<void> {
    if (this.#retentionMs === 0) return;
    const beforeMs = retainedFromMs(this.#clock.wallMs(), this.#retentionMs);
    if (!this.#isTimescale) await deleteSamplesBefore(client, beforeMs);
    // What came so late that its samples go at once leaves the summary as it was.
    await client.query("DELETE FROM touched_window WHERE window_start < instant($1)", [beforeMs]);
  }
}

/** The start of the oldest window whose samples are kept; 0 where all are. Windows go as a whole, and their summaries stay. */
export function retainedFromMs(nowMs: number, retentionMs: number): number {
  return retentionMs === 0 ? 0 : windowOf(nowMs - retentionMs) * windowMs;
}

/** In slices, so that no transaction is long. */
async function deleteSamplesBefore(client: Client, beforeMs: number): Promise<void> {
  for (;;) {
    const { rowCount } = await client.query(
      `DELETE FROM sample WHERE ctid = ANY (ARRAY (
         SELECT ctid FROM sample WHERE observed_at < instant($1) LIMIT ${deletedAtOnce}))`,
      [beforeMs],
    );
    if ((rowCount ?? 0) < deletedAtOnce) return;
  }
}

interface KeyedSummary {
  readonly key: string;
  readonly summary: WindowSummary;
}

/** Within a transaction: the summaries of those windows that have samples. Until it ends, nothing is struck out. */
async function summarizeWindows(
  client: Client,
  windows: readonly (readonly [key: string, startMs: number])[],
): Promise<KeyedSummary[]> {
  await client.query(`SELECT pg_advisory_xact_lock(${strikeLock})`);
  const summaries: KeyedSummary[] = [];
  for (const [key, startMs] of windows) {
    const columns = await readColumns(client, key, startMs, startMs + windowMs);
    if (columns.count > 0) summaries.push({ key, summary: summarize(windowOf(startMs), columns) });
  }
  return summaries;
}

/** Writes the summaries of windows that have not changed since their samples were read; the others stay touched. */
async function storeSummaries(client: Client, summaries: readonly KeyedSummary[]): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(${windowLock})`);
  for (const { key, summary } of summaries) {
    const startMs = summary.window * windowMs;
    const [count] = await rowOf<[number]>(
      client,
      `SELECT count(*)::float8 FROM sample
       WHERE device_id = $1 AND observed_at >= instant($2) AND observed_at < instant($2 + ${windowMs})`,
      [key, startMs],
    );
    if (count !== summary.count) continue;
    const { firstMs, lastMs, periodMs, longSteps, energy, firstPower, lastPower, points } = summary;
    const figures = [...points].map(([name, { min, max, sum, count, first, last }]) => [
      name,
      [min, max, sum, count, first, last],
    ]);
    await client.query(
      `INSERT INTO window_summary (${summaryColumns})
       VALUES ($1, instant($2), 2, $3, instant($4), instant($5), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
       ON CONFLICT (device_id, window_start) DO UPDATE SET (${summaryColumns}) = ROW (${summaryColumns.replaceAll(/\w+/g, "excluded.$&")})`,
      [
        key,
        startMs,
        count,
        firstMs,
        lastMs,
        periodMs,
        longSteps.map((step) => new Date(step.fromMs)),
        longSteps.map((step) => new Date(step.toMs)),
        powerCells(firstPower),
        powerCells(lastPower),
        JSON.stringify(Object.fromEntries(figures)),
        longSteps.flatMap((step) => energyNames.map((name) => step.energy[name])),
        ...energyNames.map((name) => energy[name]),
      ],
    );
    await client.query("DELETE FROM touched_window WHERE device_id = $1 AND window_start = instant($2)", [
      key,
      startMs,
    ]);
  }
}

function powerCells({ gridW, batteryW, solarW, loadW }: PowerPoint): (number | null)[] {
  return [gridW, batteryW, solarW, loadW];
}
