import { readRecords } from "../sample-record.ts";
import type { StoredSample } from "../store.ts";
import { type Client, type Database, rowsOf } from "./database.ts";
import { extendJournals } from "./device-journals.ts";
import { windowLock } from "./locks.ts";
import { insertTypes, readingColumns, SampleRows } from "./sample-row.ts";
import { strikeLate } from "./strikes.ts";

/** Samples read and sent at a time. */
const sliceSamples = 1_000;
/** Points that are remembered as known to the database; when there are more, all are forgotten and told to it once more. */
const knownPointsMax = 200_000;

/** Waits until all that is being added now is there, or is given up. */
export async function awaitAppends(client: Client): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(${windowLock})`);
}

const columnList = [
  "device_id",
  "observed_at",
  "received_at",
  "device_time",
  "clock",
  "epoch",
  "seq",
  ...readingColumns.map(({ column }) => column),
  "extra",
];
const insertSamples = `
  WITH given AS (
    SELECT * FROM unnest(${insertTypes.map((type, at) => `$${at + 1}::${type}[]`).join(", ")}) AS given (${columnList.join(", ")})
  ), stored AS (
    INSERT INTO sample (${columnList.join(", ")})
    SELECT device_id, instant(observed_at), instant(received_at), instant(device_time), clock, epoch, seq,
      ${readingColumns.map(({ column, type }) => (type === "text[]" ? `${column}::text[]` : column)).join(", ")}, extra
    FROM given
    ON CONFLICT DO NOTHING
    RETURNING device_id, observed_at
  )
  INSERT INTO touched_window
  SELECT DISTINCT device_id, date_bin('15 minutes', observed_at, 'epoch') FROM stored ORDER BY 1, 2
  ON CONFLICT DO NOTHING`;

const upsertLatest = `
  INSERT INTO latest AS kept (device_id, observed_at, received_at, clock, epoch, seq, message)
  SELECT device_id, instant(observed_at), instant(received_at), clock, epoch, seq, decode(message, 'base64')
  FROM unnest($1::text[], $2::float8[], $3::float8[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])
    AS given (device_id, observed_at, received_at, clock, epoch, seq, message)
  ORDER BY device_id
  ON CONFLICT (device_id) DO UPDATE SET
    observed_at = excluded.observed_at, received_at = excluded.received_at, clock = excluded.clock,
    epoch = excluded.epoch, seq = excluded.seq, message = excluded.message
  WHERE (excluded.observed_at, excluded.epoch, excluded.seq) > (kept.observed_at, kept.epoch, kept.seq)`;

// In the order of the devices, so that two servers never wait for each other in a circle; a device's points in the order in which they came.
const upsertPoints = `
  INSERT INTO point AS kept (device_id, name, kinds)
  SELECT device_id, name, kinds
  FROM unnest($1::text[], $2::text[], $3::integer[]) WITH ORDINALITY AS given (device_id, name, kinds, place)
  ORDER BY device_id, place
  ON CONFLICT (device_id, name) DO UPDATE SET kinds = kept.kinds | excluded.kinds
  WHERE kept.kinds | excluded.kinds <> kept.kinds`;

/** Puts batches into the database: each is one transaction, and what is there already stays as it is. */
export class Writer {
  readonly #database: Database;
  readonly #isTimescale: boolean;
  /** The kinds of each device's points that the database surely has. */
  readonly #known = new Map<string, Map<string, number>>();
  #knownPoints = 0;

  constructor(database: Database, isTimescale: boolean) {
    this.#database = database;
    this.#isTimescale = isTimescale;
  }

  async append(batch: Uint8Array): Promise<void> {
    const rows = new SampleRows();
    await this.#database.write(async (client) => {
      await client.query(`SELECT pg_advisory_xact_lock_shared(${windowLock})`);
      // Late samples may belong into compressed chunks, however many.
      if (this.#isTimescale)
        await client.query("SET LOCAL timescaledb.max_tuples_decompressed_per_dml_transaction = 0");
      for (const sample of readRecords(batch)) {
        rows.add(sample);
        if (rows.waiting < sliceSamples) continue;
        await client.query(insertSamples, rows.take());
      }
      if (rows.waiting > 0) await client.query(insertSamples, rows.take());
      await extendJournals(client, batch);
      // Where all that it holds was passed over.
      if (rows.newest.size === 0) return;
      await strikeLate(client, rows.times);
      await storeLatest(client, [...rows.newest.values()]);
      await this.#storePoints(client, rows.kinds);
    });
    this.#remember(rows.kinds);
  }

  async #storePoints(client: Client, kinds: ReadonlyMap<string, ReadonlyMap<string, number>>): Promise<void> {
    const fresh: [string, string, number][] = [];
    for (const [key, points] of kinds) {
      const known = this.#known.get(key);
      for (const [name, bits] of points) {
        const before = known?.get(name);
        if (before === undefined || (before | bits) !== before) fresh.push([key, name, bits]);
      }
    }
    if (fresh.length === 0) return;
    await rowsOf(
      client,
      upsertPoints,
      [0, 1, 2].map((at) => fresh.map((row) => row[at])),
    );
  }

  /** Only what is committed is known. */
  #remember(kinds: ReadonlyMap<string, ReadonlyMap<string, number>>): void {
    for (const [key, points] of kinds) {
      let known = this.#known.get(key);
      if (known === undefined) {
        known = new Map();
        this.#known.set(key, known);
      }
      this.#knownPoints -= known.size;
      for (const [name, bits] of points) known.set(name, (known.get(name) ?? 0) | bits);
      this.#knownPoints += known.size;
    }
    if (this.#knownPoints <= knownPointsMax) return;
    this.#known.clear();
    this.#knownPoints = 0;
  }
}

async function storeLatest(client: Client, newest: readonly StoredSample[]): Promise<void> {
  await client.query(upsertLatest, [
    newest.map(({ key }) => key),
    newest.map(({ observedAtMs }) => observedAtMs),
    newest.map(({ receivedAtMs }) => receivedAtMs),
    newest.map(({ clock }) => clock),
    newest.map(({ epoch }) => epoch),
    newest.map(({ seq }) => seq),
    newest.map(({ message }) => Buffer.from(message).toString("base64")),
  ]);
}
