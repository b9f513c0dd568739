/** The steps of `migrate`. */
export const migrations = [
  `
  -- One row a flush: the records of sample-record.ts, compressed with zstd. The commit of this row is the ack point.
  CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    samples INTEGER NOT NULL,
    observed_from_ms REAL NOT NULL,
    observed_to_ms REAL NOT NULL,
    records BLOB NOT NULL
  ) STRICT;

  -- The newest sample of each device as of journal row 'latest_through.journal_id'; what came later is read from the journal at start.
  CREATE TABLE latest (
    device_id TEXT PRIMARY KEY,
    record BLOB NOT NULL
  ) STRICT;
  CREATE TABLE latest_through (journal_id INTEGER NOT NULL) STRICT;
  INSERT INTO latest_through VALUES (0);
  `,
];
