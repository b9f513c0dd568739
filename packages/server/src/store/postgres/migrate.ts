import { Failure } from "../../base/failure.ts";
import { type Client, rowOf, transaction } from "./database.ts";
import { migrationLock } from "./locks.ts";
import { migrations, schemaName } from "./schema.ts";

/** What the database is, and whether this schema was made with TimescaleDB's features. */
export interface Edition {
  readonly postgres: string;
  /** TimescaleDB's version; null where the schema is plain. */
  readonly timescale: string | null;
  /** Why it is plain, for people; empty where it is not. */
  readonly plainSince: string;
  /** Whether the cluster was made with, or given, `data_checksums`. */
  readonly hasChecksums: boolean;
}

const oldestVersion = 150_000;

/**
 * Brings the schema up to date in one transaction; servers that start together wait for each other. Throws a `Failure` where the schema is
 * newer than this program, or the server older than PostgreSQL 15.
 */
export async function migrateDatabase(client: Client): Promise<Edition> {
  const [postgres, versionNumber, hasChecksums] = await rowOf<[string, number, boolean]>(
    client,
    "SELECT current_setting('server_version'), current_setting('server_version_num')::int, current_setting('data_checksums')::boolean",
  );
  if (versionNumber < oldestVersion) {
    throw new Failure("store_failed", `The database is PostgreSQL ${postgres}; Wattboard needs 15 or newer.`);
  }
  return await transaction(client, async () => {
    await client.query("SET LOCAL statement_timeout = 0");
    await client.query("SELECT pg_advisory_xact_lock($1)", [migrationLock]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schemaName}`);
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${schemaName}.schema_version (version integer NOT NULL, timescale boolean NOT NULL)`,
    );
    const [known] = (await client.query<{ version: number; timescale: boolean }>("SELECT * FROM schema_version")).rows;
    if (known !== undefined && known.version > migrations.length) {
      throw new Failure(
        "store_failed",
        `The database was written by a newer Wattboard (schema ${known.version}; this one knows ${migrations.length}). Start that version, or give this one another database.`,
      );
    }
    const present = await extension(client, known === undefined);
    const isTimescale = known?.timescale ?? present.version !== null;
    for (const { sql, timescale } of migrations.slice(known?.version ?? 0)) {
      await client.query(isTimescale ? `${sql}\n${timescale}` : sql);
    }
    await client.query("DELETE FROM schema_version");
    await client.query("INSERT INTO schema_version VALUES ($1, $2)", [migrations.length, isTimescale]);
    if (isTimescale) return { postgres, timescale: present.version, plainSince: "", hasChecksums };
    const plainSince = present.version === null ? present.missing : "the tables were made before it was there";
    return { postgres, timescale: null, plainSince, hasChecksums };
  });
}

/** Which TimescaleDB is there; makes it where it can be made. */
async function extension(
  client: Client,
  mayCreate: boolean,
): Promise<{ readonly version: string | null; readonly missing: string }> {
  const [isAvailable, isPreloaded] = await rowOf<[boolean, boolean]>(
    client,
    `SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb'),
            current_setting('timescaledb.disable_load', true) IS NOT NULL`,
  );
  if (!isAvailable) return { version: null, missing: "the extension is not installed on the server" };
  // Without it, making the extension would end the session.
  if (!isPreloaded) return { version: null, missing: "shared_preload_libraries does not name timescaledb" };
  if (mayCreate) {
    await client.query("SAVEPOINT extension");
    try {
      await client.query("CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public");
    } catch {
      await client.query("ROLLBACK TO SAVEPOINT extension");
      return { version: null, missing: "this user may not create the extension: CREATE EXTENSION timescaledb" };
    }
  }
  const [version, license] = await rowOf<[string | null, string | null]>(
    client,
    `SELECT (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'), current_setting('timescaledb.license', true)`,
  );
  if (version === null) return { version, missing: "the extension is not created in this database" };
  // The Apache edition has neither compression nor policies.
  return license === "timescale" ? { version, missing: "" } : { version: null, missing: `its edition is ${license}` };
}
