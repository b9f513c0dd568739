import type { Amendment, Schema } from "../../base/migrate.ts";

export const storeFileName = "store.db";

/** None is edited once it has landed: a change is a new step. */
const migrations = [
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
  `
  -- The journal now holds only what does not stand in a part or a block yet; a minute's worth is usual.
  DROP INDEX journal_by_time;
  ALTER TABLE journal DROP COLUMN samples;
  ALTER TABLE journal DROP COLUMN observed_from_ms;
  ALTER TABLE journal DROP COLUMN observed_to_ms;

  CREATE TABLE device (
    no INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL UNIQUE,
    -- The newest sample as a record; what is newer than the last part is found in the journal.
    latest BLOB,
    -- The points that it has sent, JSON: {"battery.soc": 1, …}; a bit for each of point-value.ts's kinds
    points TEXT NOT NULL DEFAULT '{}'
  ) STRICT;
  INSERT INTO device (device_id, latest) SELECT device_id, record FROM latest ORDER BY device_id;
  DROP TABLE latest;
  DROP TABLE latest_through;

  -- About a minute of one device each, until their window is sealed. Found through an index in memory.
  CREATE TABLE part (
    id INTEGER PRIMARY KEY,
    device_no INTEGER NOT NULL,
    window INTEGER NOT NULL,
    minutes BLOB NOT NULL,
    body BLOB NOT NULL
  ) STRICT;

  -- Sealed: 15 minutes of one device (block-codec.ts). What is short stands before what spills to further pages.
  CREATE TABLE block (
    id INTEGER PRIMARY KEY,
    device_no INTEGER NOT NULL,
    window INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    minutes BLOB NOT NULL,
    body BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX block_by_window ON block (device_no, window, samples);

  -- The summaries of a device's sealed windows, a UTC day in a row (day-codec.ts).
  CREATE TABLE day (
    id INTEGER PRIMARY KEY,
    device_no INTEGER NOT NULL,
    day INTEGER NOT NULL,
    body BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX day_by_device ON day (device_no, day);

  CREATE TABLE event (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms REAL NOT NULL,
    kind TEXT NOT NULL,
    device_id TEXT,
    message TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- The journal row through which all samples of that device and window stand here or in earlier parts: after a crash the journal's records
  -- up to that row are passed over. In a block, the greatest of its parts.
  ALTER TABLE part ADD COLUMN through INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE block ADD COLUMN through INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- From here on a checksum covers every row (checksum.ts): of journal, part, block and day it stands at the beginning of their bytes, else in
  -- a column, which is null in rows from before. What would not be missed where a page of SQLite's tree is damaged is listed elsewhere too.

  -- Found by what is in memory, and by an index that is not unique: one that is damaged must not keep rows from being written.
  CREATE TABLE device_new (
    no INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL,
    latest BLOB,
    points TEXT NOT NULL,
    parts TEXT NOT NULL DEFAULT '[]',
    checksum INTEGER
  ) STRICT;
  INSERT INTO device_new (no, device_id, latest, points) SELECT no, device_id, latest, points FROM device;
  DROP TABLE device;
  ALTER TABLE device_new RENAME TO device;
  CREATE INDEX device_by_id ON device (device_id);

  -- Whose everything is stands twice.
  CREATE TABLE device_copy (
    no INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL,
    points TEXT NOT NULL,
    checksum INTEGER
  ) STRICT;
  INSERT INTO device_copy (no, device_id, points) SELECT no, device_id, points FROM device;

  ALTER TABLE event ADD COLUMN checksum INTEGER;

  -- Which windows of a device's day have a summary, and which have a block still: 96 bits each.
  CREATE TABLE sealed (
    device_no INTEGER NOT NULL,
    day INTEGER NOT NULL,
    summaries BLOB NOT NULL,
    blocks BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (device_no, day)
  ) STRICT, WITHOUT ROWID;

  -- The journal's rows up to this one are gone because they are not needed; none behind it may be missing.
  CREATE TABLE journal_dropped (
    id INTEGER PRIMARY KEY,
    through INTEGER NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT;

  -- What could not be read when something was to be made of it, until a repair drops it. Neither the device's number nor the window need be right.
  CREATE TABLE set_aside (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    device_no INTEGER,
    window INTEGER,
    what TEXT NOT NULL,
    bytes BLOB
  ) STRICT;
  `,
  `
  -- Days were summarized by another rule (version 1 of day-codec.ts). Their rows up to 'until' are made anew; those up to 'through' are done.
  CREATE TABLE renewal (
    id INTEGER PRIMARY KEY,
    through INTEGER NOT NULL,
    until INTEGER NOT NULL
  ) STRICT;
  INSERT INTO renewal SELECT 1, 0, coalesce(max(id), 0) FROM day;
  `,
  `
  -- Values that count for nothing, of a registration in a range; the samples themselves are kept as they came.
  CREATE TABLE strike (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id TEXT NOT NULL,
    from_ms REAL NOT NULL,
    to_ms REAL NOT NULL,
    -- Names as JSON; NULL: all.
    points TEXT,
    at_ms REAL NOT NULL,
    made_by TEXT NOT NULL,
    checksum INTEGER
  ) STRICT;
  `,
  `
  -- What is stored of the devices' own journals (ADR 70). The rows of the journal above that are still there may hold more.
  CREATE TABLE device_journal (
    epoch INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL,
    journal_id TEXT NOT NULL,
    -- JSON: [[from, to], …], both included.
    ranges TEXT NOT NULL,
    opened_at_ms REAL NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX device_journal_by_device ON device_journal (device_id);
  `,
];

const amendments: readonly Amendment[] = [
  {
    // The very first stores had the first step in another form: without the index, and numbers could have been used again.
    version: 1,
    isDue: (database) =>
      database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'journal_by_time'").get() === undefined,
    sql: `
    ALTER TABLE journal RENAME TO first_journal;
    CREATE TABLE journal (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      samples INTEGER NOT NULL,
      observed_from_ms REAL NOT NULL,
      observed_to_ms REAL NOT NULL,
      records BLOB NOT NULL
    ) STRICT;
    INSERT INTO journal SELECT * FROM first_journal;
    DROP TABLE first_journal;
    CREATE INDEX journal_by_time ON journal (observed_to_ms, observed_from_ms);
    `,
  },
];

export const storeSchema: Schema = { steps: migrations, amendments };
/** Every column that is used, by table: where a name in the file's list of tables was changed, the start says so, and not the first question. */
export const columns: Readonly<Record<string, string>> = {
  journal: "id, records",
  part: "id, device_no, window, through, minutes, body",
  block: "id, device_no, window, samples, through, minutes, body",
  day: "id, device_no, day, body",
  device: "no, device_id, latest, points, parts, checksum",
  device_copy: "no, device_id, points, checksum",
  event: "number, at_ms, kind, device_id, message, checksum",
  sealed: "device_no, day, summaries, blocks, checksum",
  journal_dropped: "id, through, checksum",
  set_aside: "id, kind, device_no, window, what, bytes",
  renewal: "id, through, until",
  strike: "number, device_id, from_ms, to_ms, points, at_ms, made_by, checksum",
  device_journal: "epoch, device_id, journal_id, ranges, opened_at_ms, checksum",
};
