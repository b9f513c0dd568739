import type { EventsQuery, NumberedEvent, StoredEvent } from "../store.ts";
import { type Client, rowsOf } from "./database.ts";

const keptMax = 100_000;

export async function storeEvents(client: Client, events: readonly StoredEvent[]): Promise<void> {
  // No text of PostgreSQL has NUL in it.
  const clean = (text: string): string => text.replaceAll("\0", "\uFFFD").toWellFormed();
  const stored = await rowsOf<[number]>(
    client,
    `INSERT INTO event (at, kind, device_id, message)
     SELECT instant(at), kind, device_id, message
     FROM unnest($1::float8[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS given (at, kind, device_id, message, place)
     ORDER BY place RETURNING number::float8`,
    [
      events.map(({ atMs }) => atMs),
      events.map(({ kind }) => clean(kind)),
      events.map(({ key }) => key),
      events.map(({ message }) => clean(message)),
    ],
  );
  // Now and then is enough: looking for the oldest one to keep reads them all.
  if (!stored.some(([number]) => number % 1_000 === 0)) return;
  await client.query(
    `DELETE FROM event WHERE number <= (SELECT number FROM event ORDER BY number DESC OFFSET ${keptMax} LIMIT 1)`,
  );
}

type EventRow = [number, number, string, string | null, string];

export async function readEvents(client: Client, query: EventsQuery): Promise<NumberedEvent[]> {
  const values: unknown[] = [query.limit];
  const conditions = ["true"];
  const only = (condition: (parameter: string) => string, value: unknown): void => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  only((before) => `number < ${before}`, query.before);
  only((keys) => `device_id = ANY (${keys})`, query.keys);
  only((kind) => `kind = ${kind}`, query.kind);
  only((fromMs) => `at >= instant(${fromMs})`, query.fromMs);
  only((toMs) => `at < instant(${toMs})`, query.toMs);
  const rows = await rowsOf<EventRow>(
    client,
    `SELECT number::float8, ms(at), kind, device_id, message FROM event
     WHERE ${conditions.join(" AND ")} ORDER BY number DESC LIMIT $1`,
    values,
  );
  return rows.map(([number, atMs, kind, key, message]) => ({ number, atMs, kind, key, message }));
}
