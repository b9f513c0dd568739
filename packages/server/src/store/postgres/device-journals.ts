import { limits, type SeqRange, SeqRanges } from "@wattboard/protocol";
import { RecordReader } from "../sample-record.ts";
import type { StoredJournal } from "../store.ts";
import { type Client, rowOf } from "./database.ts";

/** As `StoreWriter.openJournal`, of the registration with that key. */
export async function openJournal(
  client: Client,
  key: string,
  journalId: string,
  epoch: number,
): Promise<StoredJournal> {
  const [stored, ranges] = await rowOf<[number, string]>(
    client,
    `INSERT INTO device_journal (device_id, journal_id, epoch)
      VALUES ($1, $2, greatest($3::bigint, (SELECT max(epoch) + 1 FROM device_journal)))
      ON CONFLICT (device_id, journal_id) DO UPDATE SET opened_at = now()
      RETURNING epoch::float8, ranges::text`,
    [key, journalId, epoch],
  );
  await client.query(
    `DELETE FROM device_journal WHERE device_id = $1 AND epoch NOT IN (
      SELECT epoch FROM device_journal WHERE device_id = $1 ORDER BY opened_at DESC, epoch DESC LIMIT $2)`,
    [key, limits.journalsPerDevice],
  );
  return { epoch: stored, ranges: readMultirange(ranges) };
}

/** Within the transaction that stores the batch: what is numbered in it is stored. In the order of the epochs, so that two servers never wait in a circle. */
export async function extendJournals(client: Client, batch: Uint8Array): Promise<void> {
  const found = new Map<number, SeqRanges>();
  const record = new RecordReader(Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength));
  while (record.next()) {
    if (!record.isNumbered) continue;
    let ranges = found.get(record.epoch);
    if (ranges === undefined) {
      ranges = new SeqRanges();
      found.set(record.epoch, ranges);
    }
    ranges.add(record.seq, record.toSeq);
  }
  if (found.size === 0) return;
  const rows = [...found].sort(([a], [b]) => a - b);
  await client.query(
    `UPDATE device_journal AS journal SET ranges = journal.ranges + given.ranges::int8multirange
      FROM unnest($1::bigint[], $2::text[]) AS given (epoch, ranges) WHERE journal.epoch = given.epoch`,
    [rows.map(([epoch]) => epoch), rows.map(([, ranges]) => writeMultirange(ranges.toJSON()))],
  );
}

/** PostgreSQL's form: the end of a range is not in it. */
function writeMultirange(ranges: readonly SeqRange[]): string {
  return `{${ranges.map(([from, to]) => `[${from},${to + 1})`).join(",")}}`;
}

function readMultirange(text: string): SeqRange[] {
  return text
    .slice(1, -1)
    .split("),")
    .filter((range) => range !== "")
    .map((range) => {
      const [from, end] = range.replace("[", "").replace(")", "").split(",");
      return [Number(from), Number(end) - 1];
    });
}
