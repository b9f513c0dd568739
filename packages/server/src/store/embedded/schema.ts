/** The steps of `migrate`. */
export const migrations = [
  `
  -- One row for what is handed over together: the records of sample-record.ts, compressed with zstd. Its commit is the ack point.
  -- Numbers are never used again, so that 'latest_through' stays true when old rows go.
  CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    samples INTEGER NOT NULL,
    observed_from_ms REAL NOT NULL,
    observed_to_ms REAL NOT NULL,
    records BLOB NOT NULL
  ) STRICT;
  CREATE INDEX journal_by_time ON journal (observed_to_ms, observed_from_ms);

  -- The newest sample of each device as of journal row 'latest_through.journal_id'; what came later is read from the journal at start.
  CREATE TABLE latest (
    device_id TEXT PRIMARY KEY,
    record BLOB NOT NULL
  ) STRICT;
  CREATE TABLE latest_through (journal_id INTEGER NOT NULL) STRICT;
  INSERT INTO latest_through VALUES (0);
  `,
];
