import { energyNames } from "../algebra/energy.ts";
import { windowMs, windowOf } from "../algebra/window.ts";
import { summarize } from "../algebra/window-summary.ts";
import { type Client, rowOf, rowsOf, snapshot } from "./database.ts";
import { readColumns } from "./reader.ts";
import { energyColumns, isTouched } from "./summary-row.ts";

type WindowRow = [key: string, startMs: number, samples: number, ...energy: (number | null)[]];
const windowsAtOnce = 64;

/** Reads every sample, and compares with what was made of them. Each piece is read in a transaction of its own, so that none is long. */
export async function verify(
  client: Client,
  retainedMs: number,
  progress: (share: number) => void,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const problems: string[] = [];
  const [windows] = await rowOf<[number]>(
    client,
    "SELECT count(*)::float8 FROM window_summary WHERE window_start >= instant($1)",
    [retainedMs],
  );
  let done = 0;
  let from: [string, number] | null = ["", 0];
  while (from !== null) {
    const after: [string, number] = from;
    from = await snapshot(client, async () => {
      const rows = await rowsOf<WindowRow>(
        client,
        `SELECT device_id, ms(window_start), samples, ${energyColumns} FROM window_summary s
         WHERE (device_id, window_start) > ($1, instant($2)) AND window_start >= instant($3)
           AND version = 2 AND NOT ${isTouched("s")} ORDER BY device_id, window_start LIMIT ${windowsAtOnce}`,
        [...after, retainedMs],
      );
      for (const row of rows) {
        signal?.throwIfAborted();
        const problem = await windowFault(client, row);
        if (problem !== null) problems.push(problem);
        progress(Math.min(1, ++done / windows));
      }
      const last = rows.at(-1);
      return last === undefined ? null : [last[0], last[1]];
    });
  }
  for (const [key] of await rowsOf<[string]>(client, "SELECT device_id FROM latest ORDER BY device_id")) {
    signal?.throwIfAborted();
    const orphans = await rowsOf<[number, number]>(
      client,
      `SELECT ms(window_start), samples FROM (
         SELECT device_id, date_bin('15 minutes', observed_at, 'epoch') AS window_start, count(*)::float8 AS samples
         FROM sample WHERE device_id = $1 GROUP BY 1, 2
       ) AS found
       WHERE NOT ${isTouched("found")} AND NOT EXISTS (
         SELECT FROM window_summary s WHERE s.device_id = found.device_id AND s.window_start = found.window_start)
       ORDER BY window_start`,
      [key],
    );
    for (const [startMs, samples] of orphans) {
      problems.push(`${windowName(key, startMs)}: ${samples} samples have no summary.`);
    }
  }
  progress(1);
  return problems;
}

async function windowFault(client: Client, [key, startMs, samples, ...energy]: WindowRow): Promise<string | null> {
  const columns = await readColumns(client, key, startMs, startMs + windowMs);
  if (columns.count !== samples) {
    return `${windowName(key, startMs)}: ${columns.count} samples are there, the summary was made of ${samples}.`;
  }
  const made = summarize(windowOf(startMs), columns).energy;
  const isSame = energyNames.every((name, at) => Object.is(made[name], energy[at]));
  return isSame ? null : `${windowName(key, startMs)}: the summary's energy is not that of its samples.`;
}

function windowName(key: string, startMs: number): string {
  return `Device ${key}, 15 minutes from ${new Date(startMs).toISOString()}`;
}
