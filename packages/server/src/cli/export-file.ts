import { createReadStream, existsSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { parseRfc3339 } from "@wattboard/protocol";
import { Failure, systemErrorCode } from "../base/failure.ts";
import { startingWith } from "../base/starting-with.ts";
import type { ExportQuery } from "../transfer/export/export-query.ts";
import { ExportProgress } from "./export-progress.ts";
import type { MaintenanceClient } from "./maintenance.ts";
import { WrongUsage } from "./report.ts";

/** Writes a new file, or goes on with a CSV that is there. */
export async function exportFile(
  maintenance: MaintenanceClient,
  query: ExportQuery,
  path: string,
  { resume = false }: { readonly resume?: boolean },
): Promise<void> {
  const end = resume && existsSync(path) ? await findEnd(path) : null;
  try {
    if (end === null) await writeFile(await maintenance.export(query), query, path, resume ? "w" : "wx");
    else await goOn(maintenance, query, path, end);
  } catch (error) {
    const isLeft = error instanceof Failure && query.format === "csv" && existsSync(path);
    throw isLeft ? new Failure(error.code, `${error.message} ${wayOn(query, path)}`, error) : error;
  }
}

/** `flags` as `open` has them: `wx` for a file that must not be there yet. */
export async function writeFile(
  pieces: AsyncIterable<string | Uint8Array>,
  query: ExportQuery,
  path: string,
  flags: "w" | "wx" | "r+",
  fromByte = 0,
): Promise<void> {
  const file = await open(path, flags).catch((error: unknown) => {
    if (systemErrorCode(error) !== "EEXIST") throw unwritable(path, error);
    throw new WrongUsage(
      `${path} is there already. Go on with it by --resume (CSV), choose another name, or remove it.`,
    );
  });
  const progress = new ExportProgress(query);
  try {
    await file.truncate(fromByte);
    let at = fromByte;
    for await (const piece of pieces) {
      query.signal?.throwIfAborted();
      const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
      await file.write(bytes, 0, bytes.length, at).catch((error: unknown) => {
        throw unwritable(path, error);
      });
      at += bytes.length;
      progress.note(bytes);
    }
    await file.sync();
  } catch (error) {
    // The rows of a CSV are good as far as they go; a Parquet file without its end is nothing.
    if (query.format === "parquet") await rm(path, { force: true });
    throw error;
  } finally {
    progress.end();
    await file.close();
  }
}

function wayOn({ deviceIds, toMs }: ExportQuery, path: string): string {
  const end = deviceIds.length > 1 ? ` and --to ${new Date(toMs).toISOString()}` : "";
  return `${path} is good as far as it goes. To go on: the same command with --resume${end}.`;
}

/** Where a CSV that was written before ends. */
interface FileEnd {
  readonly header: string;
  /** Of what stays: everything before the rows of the last device's last time, which are written anew. */
  readonly keptBytes: number;
  /** Null where there are no rows. */
  readonly last: { readonly deviceId: string; readonly observedAtMs: number } | null;
}

async function goOn(
  maintenance: MaintenanceClient,
  query: ExportQuery,
  path: string,
  { header, keptBytes, last }: FileEnd,
): Promise<void> {
  if (last !== null && !query.deviceIds.includes(last.deviceId)) {
    throw new WrongUsage(`${path} ends with ${last.deviceId}, which is not among the devices asked for.`);
  }
  // What is asked for lies before what is there: nothing to add.
  if (last !== null && last.observedAtMs >= query.toMs && query.deviceIds.at(-1) === last.deviceId) return;
  const start =
    last === null ? undefined : { deviceId: last.deviceId, fromMs: Math.max(query.fromMs, last.observedAtMs) };
  const rows = withoutHeader(await maintenance.export({ ...query, start }), (found) => {
    if (found === header) return;
    throw new WrongUsage(
      `The columns of ${path} are not those of this export: new points have come, or others were asked for. Name the columns with --points, or write another file.`,
    );
  });
  // The header is compared before anything is cut off.
  const first = await rows.next();
  await writeFile(startingWith(first, rows), query, path, "r+", keptBytes);
}

/** Takes off the first line, of which `check` is told. The line holds names of points only, so that no sign in it is quoted. */
async function* withoutHeader(
  pieces: AsyncIterable<string | Uint8Array>,
  check: (header: string) => void,
): AsyncGenerator<Buffer> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece as Uint8Array);
    if (head === null) {
      yield bytes;
      continue;
    }
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf(newline);
    if (end === -1) continue;
    check(head.toString("utf8", 0, end));
    yield head.subarray(end + 1);
    head = null;
  }
  if (head !== null) throw new Failure("export_failed", "The export ended before its first line.");
}

const newline = 0x0a;
const quote = 0x22;
const comma = 0x2c;

/** Reads the file through; null where not even its header is whole. Throws a `WrongUsage` where it is no export. */
async function findEnd(path: string): Promise<FileEnd | null> {
  let header: string | null = null;
  let isQuoted = false;
  let commas = 0;
  /** The device and the time that the present row begins with, or the whole of the first row. */
  let key: number[] = [];
  let lastKey = "";
  let at = 0;
  let rowAt = 0;
  let groupAt = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    for (const byte of chunk as Buffer) {
      at++;
      if (byte === quote) isQuoted = !isQuoted;
      if (byte === comma) commas++;
      if (byte === newline && !isQuoted) {
        const text = Buffer.from(key).toString();
        if (header === null) {
          header = text;
          groupAt = at;
        } else if (text !== lastKey) {
          lastKey = text;
          groupAt = rowAt;
        }
        key = [];
        commas = 0;
        rowAt = at;
      } else if (header === null || commas < 2) {
        key.push(byte);
        if (key.length > headerBytesMax) throw notAnExport(path);
      }
    }
  }
  if (header === null) return null;
  if (!header.startsWith("device_id,observed_at,received_at")) throw notAnExport(path);
  if (lastKey === "") return { header, keptBytes: groupAt, last: null };
  const [deviceId = "", time = ""] = lastKey.split(",");
  const observedAtMs = parseRfc3339(time);
  if (Number.isNaN(observedAtMs)) throw notAnExport(path);
  return { header, keptBytes: groupAt, last: { deviceId, observedAtMs } };
}

const headerBytesMax = 1024 * 1024;

function notAnExport(path: string): WrongUsage {
  return new WrongUsage(`${path} is no CSV that an export has written, so it cannot be gone on with.`);
}

function unwritable(path: string, error: unknown): Failure {
  const reason = error instanceof Error ? error.message : String(error);
  return new Failure("export_failed", `${path} cannot be written: ${reason}`, error);
}
