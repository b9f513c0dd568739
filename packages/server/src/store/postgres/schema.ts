/** Everything lives in a schema of its own, so that a database may be shared. */
export const schemaName = "wattboard";

interface Migration {
  readonly sql: string;
  /** Runs behind `sql` where the extension is there. */
  readonly timescale: string;
}

const numbers1 = [
  "wifi_strength",
  "battery_soc",
  "battery_power",
  "battery_voltage",
  "battery_current",
  "battery_temperature",
  "grid_power",
  "grid_voltage",
  "grid_frequency",
  "solar_power",
  "load_power",
  "inverter_power",
];

/** Numbered from 1, forward only. What has been released is never changed: a change is a new step. */
export const migrations: readonly Migration[] = [
  {
    sql: `
      -- As stable as date_part: PostgreSQL puts it into the query itself only then.
      CREATE FUNCTION ms(timestamptz) RETURNS float8 LANGUAGE sql STABLE STRICT PARALLEL SAFE
        AS 'SELECT round(date_part(''epoch'', $1) * 1000)';
      CREATE FUNCTION instant(float8) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        AS 'SELECT to_timestamp($1 / 1000)';
      -- PostgreSQL fails where a sum overflows; one device that sends 1e308 must not stop the questions about all.
      CREATE FUNCTION summable(float8) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        AS 'SELECT CASE WHEN abs($1) < 1e300 THEN $1 END';

      -- One row a sample. A point without a column, and a value that its column cannot hold, stand in extra.
      CREATE TABLE sample (
        device_id text COLLATE "C" NOT NULL,
        observed_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL,
        device_time timestamptz NOT NULL,
        clock text NOT NULL,
        epoch bigint NOT NULL,
        seq bigint NOT NULL,
        state text,
        mode text,
        error_flags text[],
        ${numbers1.map((column) => `${column} float8,`).join(" ")}
        extra jsonb,
        PRIMARY KEY (device_id, observed_at, epoch, seq)
      );

      -- The newest sample of each device, as it came. Rewritten all the time, so its pages have room for the next version of a row.
      CREATE TABLE latest (
        device_id text COLLATE "C" PRIMARY KEY,
        observed_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL,
        clock text NOT NULL,
        epoch bigint NOT NULL,
        seq bigint NOT NULL,
        message bytea NOT NULL
      ) WITH (fillfactor = 50);

      CREATE TABLE point (
        number bigint GENERATED ALWAYS AS IDENTITY,
        device_id text COLLATE "C" NOT NULL,
        name text COLLATE "C" NOT NULL,
        kinds integer NOT NULL,
        PRIMARY KEY (device_id, name)
      );

      -- 15 minutes of a device: what energy, coverage and long charts are made of.
      CREATE TABLE window_summary (
        device_id text COLLATE "C" NOT NULL,
        window_start timestamptz NOT NULL,
        samples integer NOT NULL,
        first_at timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        period_ms float8 NOT NULL,
        gap_starts timestamptz[] NOT NULL,
        gap_ends timestamptz[] NOT NULL,
        imported_wh float8 NOT NULL,
        exported_wh float8 NOT NULL,
        charged_wh float8 NOT NULL,
        discharged_wh float8 NOT NULL,
        produced_wh float8 NOT NULL,
        consumed_wh float8 NOT NULL,
        self_consumed_wh float8 NOT NULL,
        first_power_w float8[] NOT NULL,
        last_power_w float8[] NOT NULL,
        points jsonb NOT NULL,
        PRIMARY KEY (device_id, window_start)
      );

      -- Windows with samples that are not in their summary yet.
      CREATE TABLE touched_window (
        device_id text COLLATE "C" NOT NULL,
        window_start timestamptz NOT NULL,
        PRIMARY KEY (device_id, window_start)
      );

      CREATE TABLE event (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL,
        kind text NOT NULL,
        device_id text COLLATE "C",
        message text NOT NULL
      );
      CREATE INDEX event_by_device ON event (device_id, number);`,
    timescale: `
      SELECT create_hypertable('sample', by_range('observed_at', INTERVAL '1 day'), create_default_indexes => false);
      ALTER TABLE sample SET (
        timescaledb.compress,
        timescaledb.compress_segmentby = 'device_id',
        timescaledb.compress_orderby = 'observed_at, epoch, seq'
      );
      SELECT add_compression_policy('sample', INTERVAL '6 hours');
      CREATE MATERIALIZED VIEW sample_15min WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS
        SELECT device_id, time_bucket('15 minutes', observed_at) AS window_start, count(*) AS samples,
          ${numbers1.map((n) => `min(${n}) AS ${n}_min, max(${n}) AS ${n}_max, sum(summable(${n})) AS ${n}_sum, count(${n}) AS ${n}_count`).join(", ")}
        FROM sample GROUP BY 1, 2 WITH NO DATA;
      SELECT add_continuous_aggregate_policy('sample_15min',
        start_offset => NULL, end_offset => INTERVAL '1 minute', schedule_interval => INTERVAL '15 minutes');`,
  },
  {
    // Of version 1 are the summaries of before, of version 0 those of them whose samples are gone. From 2 on the gap columns name every step of more than 30 s, step_wh the eight energies of each, and what was not measured is null.
    sql: `
      ALTER TABLE window_summary
        ADD COLUMN version smallint NOT NULL DEFAULT 1,
        ADD COLUMN consumed_without_solar_wh float8,
        ADD COLUMN step_wh float8[] NOT NULL DEFAULT '{}',
        ALTER COLUMN imported_wh DROP NOT NULL,
        ALTER COLUMN exported_wh DROP NOT NULL,
        ALTER COLUMN charged_wh DROP NOT NULL,
        ALTER COLUMN discharged_wh DROP NOT NULL,
        ALTER COLUMN produced_wh DROP NOT NULL,
        ALTER COLUMN consumed_wh DROP NOT NULL,
        ALTER COLUMN self_consumed_wh DROP NOT NULL;
      -- Those that are to be made anew; the index is empty once that is done.
      CREATE INDEX outdated_summary ON window_summary (device_id, window_start) WHERE version = 1;`,
    timescale: "",
  },
  {
    sql: `
      -- Values of a registration that count for nothing, and what they were: so that it can be undone.
      CREATE TABLE strike (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        device_id text COLLATE "C" NOT NULL,
        from_at timestamptz NOT NULL,
        to_at timestamptz NOT NULL,
        points text[],
        at timestamptz NOT NULL,
        made_by text NOT NULL
      );
      CREATE INDEX strike_by_device ON strike (device_id, number);
      CREATE TABLE struck_value (
        strike_number bigint NOT NULL REFERENCES strike ON DELETE CASCADE,
        device_id text COLLATE "C" NOT NULL,
        observed_at timestamptz NOT NULL,
        epoch bigint NOT NULL,
        seq bigint NOT NULL,
        point text COLLATE "C" NOT NULL,
        in_column boolean NOT NULL,
        value jsonb NOT NULL,
        PRIMARY KEY (strike_number, observed_at, epoch, seq, point)
      );`,
    timescale: "",
  },
  {
    sql: `
      -- What is stored of the devices' own journals, by the number that stands for each (ADR 70).
      CREATE TABLE device_journal (
        epoch bigint PRIMARY KEY,
        device_id text COLLATE "C" NOT NULL,
        journal_id text COLLATE "C" NOT NULL,
        ranges int8multirange NOT NULL DEFAULT '{}',
        opened_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (device_id, journal_id)
      ) WITH (fillfactor = 50);`,
    timescale: "",
  },
];
