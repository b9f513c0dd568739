import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { type Clock, systemClock } from "../../base/clock.ts";
import { Failure } from "../../base/failure.ts";
import { workerUrl } from "../../base/worker-url.ts";
import { readCoverage } from "../questions/coverage.ts";
import { readEnergy } from "../questions/energy.ts";
import { readFleetTotals } from "../questions/fleet-totals.ts";
import { readHistory } from "../questions/history.ts";
import { readSamples } from "../questions/samples.ts";
import { readTimeline } from "../questions/timeline.ts";
import type { Registration } from "../registration.ts";
import type {
  CoverageQuery,
  CoverageSpans,
  EnergyHistory,
  EnergyQuery,
  EventsQuery,
  FleetQuery,
  FleetSeries,
  History,
  HistoryQuery,
  NewStrike,
  NumberedEvent,
  PointInfo,
  PointSample,
  SamplesQuery,
  Store,
  StoreComplaint,
  StoredEvent,
  StoredJournal,
  StoredSample,
  StoreInfo,
  StoreRenewal,
  Strike,
  Timeline,
  TimelineQuery,
  Verified,
} from "../store.ts";
import type { Work } from "../work.ts";
import { Database, rowsOf } from "./database.ts";
import { openJournal } from "./device-journals.ts";
import { readEvents, storeEvents } from "./event-log.ts";
import { readInfo } from "./info.ts";
import { Maintenance, retainedFromMs } from "./maintenance.ts";
import { type Edition, migrateDatabase } from "./migrate.ts";
import { askReader, type Reader, readPoints } from "./reader.ts";
import type { ReaderSetup } from "./reader-worker.ts";
import { readStrikes, strike, strikeAgain, unstrike } from "./strikes.ts";
import { verify } from "./verify.ts";
import { awaitAppends } from "./writer.ts";
import { WriterThread } from "./writer-thread.ts";

export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`; the password appears in no error, log line or description. */
  readonly url: string;
  /** Samples older than this are deleted, their summaries stay, ms; 0: kept for ever. */
  readonly retentionMs: number;
  readonly clock?: Clock;
  readonly complain?: StoreComplaint;
  readonly onRenewal?: (renewal: StoreRenewal) => void;
}

/** The store on PostgreSQL 15 and newer, with TimescaleDB where it is there. One server writes to a database at a time; who reads only is not refused. */
export class PostgresStore implements Store {
  readonly description: string;
  /** What the database cannot do without TimescaleDB, for people; null where nothing is missing. */
  readonly missing: string | null;
  /** Whether PostgreSQL would tell what its disk has changed. */
  readonly hasChecksums: boolean;
  readonly #database: Database;
  readonly #writer: WriterThread;
  readonly #maintenance: Maintenance;
  readonly #isTimescale: boolean;
  readonly #clock: Clock;
  readonly #retentionMs: number;
  readonly #url: string;
  /** The threads that read for others. */
  readonly #lent = new Set<Worker>();

  private constructor(
    database: Database,
    { postgres, timescale, plainSince, hasChecksums }: Edition,
    options: PostgresOptions,
  ) {
    const { retentionMs, url, clock = systemClock } = options;
    this.missing =
      timescale === null
        ? `no compression, no continuous aggregates, retention by deleting rows instead of dropping chunks (${plainSince})`
        : null;
    this.description = `PostgreSQL ${postgres} ${timescale === null ? `without TimescaleDB: ${this.missing}` : `with TimescaleDB ${timescale}`}`;
    this.hasChecksums = hasChecksums;
    this.#database = database;
    this.#clock = clock;
    this.#isTimescale = timescale !== null;
    this.#retentionMs = retentionMs;
    this.#url = url;
    this.#writer = new WriterThread({ url, isTimescale: this.#isTimescale }, clock);
    this.#maintenance = new Maintenance(
      database,
      clock,
      retentionMs,
      this.#isTimescale,
      options.complain,
      options.onRenewal,
    );
  }

  /** Connects, and makes or updates the tables. Throws a `Failure` that says what to do; `store_away` where the database does not answer. */
  static async open(options: PostgresOptions): Promise<PostgresStore> {
    const database = new Database(options.url, options.clock ?? systemClock);
    try {
      const edition = await database.care(undefined, async (client) => {
        const found = await migrateDatabase(client);
        if (found.timescale !== null) {
          await client.query("SELECT remove_retention_policy('sample', if_exists => true)");
          if (options.retentionMs > 0) {
            const retention = `${options.retentionMs} milliseconds`;
            await client.query("SELECT add_retention_policy('sample', $1::interval)", [retention]);
          }
        }
        return found;
      });
      return new PostgresStore(database, edition, options);
    } catch (error) {
      await database.close();
      throw database.isAway && error instanceof Failure ? new Failure("store_away", error.message) : error;
    }
  }

  /** For a server: from here on no other writes to the database. Rejects with a `Failure`, `store_in_use`, where one does. */
  async claim(): Promise<void> {
    await this.#writer.claim();
  }

  async append(batches: readonly Uint8Array[]): Promise<void> {
    await this.#writer.append(batches);
  }

  async openJournal({ key }: Registration, journalId: string, epoch: number): Promise<StoredJournal> {
    return await this.#database.write((client) => openJournal(client, key, journalId, epoch));
  }

  async latest(): Promise<StoredSample[]> {
    type Row = [string, number, number, "device" | "server", number, number, Buffer];
    const rows = await this.#database.ask(undefined, (client) =>
      rowsOf<Row>(
        client,
        `SELECT device_id, ms(observed_at), ms(received_at), clock, epoch::float8, seq::float8, message FROM latest`,
      ),
    );
    return rows.map(([key, observedAtMs, receivedAtMs, clock, epoch, seq, message]) => ({
      key,
      observedAtMs,
      receivedAtMs,
      clock,
      epoch,
      seq,
      message,
    }));
  }

  async samples(query: SamplesQuery): Promise<PointSample[]> {
    return await this.#ask(query.signal, (reader) => readSamples(reader, query));
  }

  openReadPort(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    // No `WorkerClient`: nobody here calls it, and whoever reads is told by the end of the port.
    const worker = new Worker(workerUrl(import.meta.url, "./reader-worker"), {
      workerData: { url: this.#url, isTimescale: this.#isTimescale, port: port1 } satisfies ReaderSetup,
      transferList: [port1],
    });
    worker.unref();
    this.#lent.add(worker);
    worker.on("error", () => {});
    worker.once("exit", () => this.#lent.delete(worker));
    return port2;
  }

  async points(registration: Registration): Promise<PointInfo[]> {
    return await this.#database.ask(undefined, (client) => readPoints(client, registration));
  }

  async history(query: HistoryQuery): Promise<History> {
    return await this.#ask(query.signal, (reader) => readHistory(reader, query));
  }

  async coverage(query: CoverageQuery): Promise<CoverageSpans> {
    return await this.#ask(query.signal, (reader) => readCoverage(reader, query));
  }

  async energy(query: EnergyQuery): Promise<EnergyHistory> {
    return await this.#ask(query.signal, (reader) => readEnergy(reader, query));
  }

  async timeline(query: TimelineQuery): Promise<Timeline> {
    return await this.#ask(query.signal, (reader) => readTimeline(reader, query));
  }

  async fleetTotals(query: FleetQuery): Promise<FleetSeries> {
    return await this.#ask(query.signal, (reader) => readFleetTotals(reader, query));
  }

  async strike(registration: Registration, made: NewStrike): Promise<Strike> {
    const stored = await this.#database.write((client) => strike(client, registration, made));
    // What was being added could not see it, and was not seen by it; what is added from now on sees it.
    await this.#database.write(awaitAppends);
    await this.#database.write((client) => strikeAgain(client, registration.key, stored));
    return stored;
  }

  async strikes(registration: Registration): Promise<Strike[]> {
    return await this.#database.ask(undefined, (client) => readStrikes(client, registration));
  }

  async unstrike(registration: Registration, number: number): Promise<Strike | null> {
    return await this.#database.write((client) => unstrike(client, registration, number));
  }

  async recordEvents(events: readonly StoredEvent[]): Promise<void> {
    if (events.length > 0) await this.#database.write((client) => storeEvents(client, events));
  }

  async events(query: EventsQuery): Promise<NumberedEvent[]> {
    return await this.#database.ask(undefined, (client) => readEvents(client, query));
  }

  async info(signal?: AbortSignal): Promise<StoreInfo> {
    const info = await this.#database.ask(signal, (client) => readInfo(client, this.#retainedMs(), this.#isTimescale));
    return { ...info, retentionMs: this.#retentionMs };
  }

  async verify(progress: (share: number) => void, signal?: AbortSignal): Promise<Verified> {
    const faults = await this.#database.care(signal, (client) => verify(client, this.#retainedMs(), progress, signal));
    return { faults, unchecked: 0 };
  }

  async repair(): Promise<never> {
    throw new Failure(
      "not_supported",
      "This store is PostgreSQL: restore a base backup, or see its documentation on corruption.",
    );
  }

  /** PostgreSQL refuses what its own checksums do not fit, by an error that names the page. */
  watchDamage(): void {}

  /** Nothing of a device is held here. */
  forget(): void {}

  async backup(): Promise<never> {
    throw new Failure(
      "not_supported",
      "This store is PostgreSQL: back it up with pg_dump --schema=wattboard, or with pg_basebackup for large ones.",
    );
  }

  /** Summarizes the windows that are over and deletes what is too old, which otherwise happens every minute. */
  async upkeep(): Promise<void> {
    await this.#maintenance.run();
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await Promise.all([...this.#lent].map((worker) => worker.terminate()));
    await this.#maintenance.close();
    await this.#database.close();
  }

  #ask<T>(signal: AbortSignal | undefined, question: (reader: Reader) => Work<T>): Promise<T> {
    return askReader(this.#database, signal, this.#isTimescale, question);
  }

  #retainedMs(): number {
    return retainedFromMs(this.#clock.wallMs(), this.#retentionMs);
  }
}
