import pg from "pg";
import type { Clock } from "../../base/clock.ts";
import { Failure, systemErrorCode } from "../../base/failure.ts";
import { ownerLock } from "./locks.ts";
import { schemaName } from "./schema.ts";

export type Client = pg.PoolClient;

const questionsMax = 8;
/** Questions that may wait for a connection; one more is refused as `store_busy`. */
const waitingMax = 64;
const connectMs = 10_000;
const questionMs = 60_000;
const writeMs = 60_000;
const careMs = 600_000;
const backoffMsMax = 5_000;

/**
 * The connections of one thread to the database, as far as it needs them: some for questions, one for writing and two for upkeep, so that none waits for the others. Whatever
 * becomes of a connection, the callers get a `Failure`, and the next call makes a new one; after a failed attempt the next one waits a
 * little longer, up to 5 seconds, and calls fail at once meanwhile.
 */
export class Database {
  readonly #clock: Clock;
  readonly #where: string;
  readonly #secrets: readonly string[];
  readonly #questions: pg.Pool;
  readonly #writes: pg.Pool;
  readonly #care: pg.Pool;
  #failedAttempts = 0;
  #nextAttemptMs = Number.NEGATIVE_INFINITY;
  #lastReason = "";
  #isAway = false;

  /**
   * Connects to nothing yet. `isOwner`: the connection for writing is the only one of its kind at this database, or writing fails (`store_in_use`).
   * Throws a `Failure` (`invalid_config`) where the address is not one.
   */
  constructor(url: string, clock: Clock, { isOwner = false }: { readonly isOwner?: boolean } = {}) {
    const parts = parseUrl(url);
    this.#clock = clock;
    this.#where = `${parts.hostname === "" ? "the local socket" : parts.hostname}${parts.port === "" ? "" : `:${parts.port}`}${parts.pathname}`;
    this.#secrets = [url, parts.password, decodeURIComponent(parts.password)].filter((secret) => secret !== "");
    this.#questions = makePool(url, questionsMax, questionMs);
    this.#writes = makePool(url, 1, writeMs, isOwner ? takeOwnership : undefined);
    this.#care = makePool(url, 2, careMs);
  }

  /** Whether what failed last was the way to the database, or the database not being ready: that passes. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Asks in one snapshot that sees one state of the database. An abort ends the question there too. */
  async ask<T>(signal: AbortSignal | undefined, question: (client: Client) => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    if (this.#questions.waitingCount >= waitingMax) {
      throw new Failure("store_busy", "Too many questions wait for the database. Ask again in a moment, or for less.");
    }
    const asked = this.#use(this.#questions, signal, (client) => snapshot(client, question));
    return await untilAborted(signal, asked);
  }

  /** Writes in one transaction, one after another. */
  async write<T>(work: (client: Client) => Promise<T>): Promise<T> {
    return await this.#use(this.#writes, undefined, (client) => transaction(client, work));
  }

  /** Upkeep and verification; `work` makes its own transactions. */
  async care<T>(signal: AbortSignal | undefined, work: (client: Client) => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    return await untilAborted(signal, this.#use(this.#care, signal, work));
  }

  /** Waits for what runs, then closes all connections. */
  async close(): Promise<void> {
    await Promise.all([this.#writes.end(), this.#questions.end(), this.#care.end()]);
  }

  async #use<T>(pool: pg.Pool, signal: AbortSignal | undefined, work: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.#connect(pool);
    let isBroken = true;
    // The server notices within half a second that nobody listens any more, and ends the query.
    // A client of a pool has `end` too, which its type leaves out.
    const cut = (): void => void (client as unknown as pg.Client).end().catch(() => {});
    try {
      signal?.throwIfAborted();
      signal?.addEventListener("abort", cut, { once: true });
      const result = await work(client);
      isBroken = false;
      return result;
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#failure(error);
    } finally {
      signal?.removeEventListener("abort", cut);
      // A connection on which something failed may be in any state: the next caller gets a new one.
      client.release(isBroken || signal?.aborted === true);
    }
  }

  async #connect(pool: pg.Pool): Promise<Client> {
    const waitMs = this.#nextAttemptMs - this.#clock.monotonicMs();
    if (waitMs > 0) {
      throw new Failure(
        "store_failed",
        `The database is away (${this.#lastReason}). The next attempt is in ${Math.ceil(waitMs)} ms.`,
      );
    }
    const isFull = pool.totalCount >= pool.options.max && pool.idleCount === 0;
    try {
      const client = await pool.connect();
      this.#failedAttempts = 0;
      return client;
    } catch (error) {
      // A connection that cannot be made says why; a place in the queue that was waited for in vain does not.
      if (isFull && systemErrorCode(error) === undefined && (error as Error).cause === undefined) {
        throw new Failure("store_busy", "No connection to the database came free in time. Ask for less.");
      }
      const failure = this.#failure(error);
      this.#nextAttemptMs = this.#clock.monotonicMs() + Math.min(backoffMsMax, 100 * 2 ** this.#failedAttempts++);
      this.#lastReason = failure.message;
      throw failure;
    }
  }

  /** Never holds the address: it has the password in it. */
  #failure(error: unknown): Failure {
    if (error instanceof Failure) return error;
    const code = systemErrorCode(error);
    this.#isAway = code === undefined || passing.has(code) || code.startsWith("08");
    const reason = this.#redact(error instanceof Error ? error.message || (code ?? error.name) : String(error));
    return new Failure("store_failed", `The database at ${this.#where} failed: ${reason}.${advice(code)}`);
  }

  #redact(text: string): string {
    return this.#secrets.reduce((clean, secret) => clean.replaceAll(secret, "…"), text);
  }
}

/** What goes wrong in a thread beside the connections, as whoever waits for the thread is told. */
export function databaseFailure(error: unknown): Failure {
  return new Failure("store_failed", String(error), error);
}

/** Ends with the signal's reason at once, however long the work takes to notice. */
async function untilAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return await work;
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Reads in a transaction that sees one state of the database. */
export async function snapshot<T>(client: Client, question: (client: Client) => Promise<T>): Promise<T> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  try {
    return await question(client);
  } finally {
    await client.query("ROLLBACK").catch(() => {});
  }
}

export async function transaction<T>(client: Client, work: (client: Client) => Promise<T>): Promise<T> {
  await client.query("BEGIN");
  try {
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
}

/** Runs one query and gives its rows as arrays. */
export async function rowsOf<Row extends unknown[]>(
  client: Client,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const { rows } = await client.query<Row>({ text, values: [...values], rowMode: "array" });
  return rows;
}

/** The first row of a query that always has one. */
export async function rowOf<Row extends unknown[]>(
  client: Client,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row> {
  const [row] = await rowsOf<Row>(client, text, values);
  if (row === undefined) throw new Error("The database gave no row.");
  return row;
}

function parseUrl(url: string): URL {
  try {
    const parts = new URL(url);
    // The driver decodes them too, and its error would hold the address.
    decodeURIComponent(parts.username + parts.password + parts.pathname);
    if (/^postgres(ql)?:$/.test(parts.protocol)) return parts;
  } catch {
    // Below it is told without the address, which has the password in it.
  }
  throw new Failure(
    "invalid_config",
    "store.url cannot be read. It is embedded, or looks like postgres://user:password@host:5432/database, with %40 for an @ in the password.",
  );
}

/** Of a host that is gone without a word, the database learns within half a minute. */
async function takeOwnership(client: pg.ClientBase): Promise<void> {
  await client.query(
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 30000",
  );
  const { rows } = await client.query<{ is_owner: boolean }>(`SELECT pg_try_advisory_lock(${ownerLock}) AS is_owner`);
  if (rows[0]?.is_owner) return;
  throw new Failure(
    "store_in_use",
    "Another Wattboard writes to this database; two would not know of each other's devices. Stop that one, or give this one a database of its own (store.url). Where that one's machine has just gone, try again in half a minute.",
  );
}

function makePool(
  url: string,
  max: number,
  statementMs: number,
  begin?: (client: pg.ClientBase) => Promise<void>,
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    application_name: "wattboard",
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // Where the server cannot end a statement any more, since the way to it is gone.
    query_timeout: statementMs + 5_000,
    allowExitOnIdle: true,
    // What it holds, it holds while nothing is written, too.
    ...(begin !== undefined && { idleTimeoutMillis: 0 }),
    onConnect: async (client) => {
      await client.query(
        `SET search_path = ${schemaName}, public; SET statement_timeout = ${statementMs}; SET idle_in_transaction_session_timeout = ${statementMs}; SET TimeZone = 'UTC'; SET jit = off`,
      );
      // Not every system can do this; there the statement's timeout ends what nobody waits for.
      await client.query("SET client_connection_check_interval = 500").catch(() => {});
      await begin?.(client);
    },
  });
  // A connection that breaks while nobody uses it is no news: the next call makes a new one.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

/** Codes of Node and of PostgreSQL that say that it may be there later: no way to it, it starts or stops, it is full. A timeout has none. */
const passing = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOENT",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
  "53000",
  "53100",
  "53200",
  "53300",
  "57P01",
  "57P02",
  "57P03",
]);

function advice(code: string | undefined): string {
  switch (code) {
    case "ECONNREFUSED":
    case "ENOENT":
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
      return " Check that it runs, and that host and port in store.url are right.";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return " Check the host in store.url.";
    case "28P01":
    case "28000":
      return " Check user and password in store.url, and the server's pg_hba.conf.";
    case "3D000":
      return " Create it first: createdb NAME.";
    case "42501":
      return " The user needs the right to create a schema: GRANT CREATE ON DATABASE … TO ….";
    case "57014":
      return " It took too long: ask for a shorter span or wider buckets.";
    case "53300":
      return " Wattboard needs up to 20 connections, and one more for each export that runs.";
    default:
      return "";
  }
}
