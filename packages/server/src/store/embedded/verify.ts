import { zstdDecompressSync } from "node:zlib";
import { readRecords } from "../sample-record.ts";
import { windowMs, windowsPerDay } from "../window.ts";
import { decodeBlock } from "./block-codec.ts";
import type { BlockStore } from "./block-store.ts";
import { decodeDay } from "./day-codec.ts";
import type { Work } from "./reader.ts";

/** Faults that are listed; there may be more. */
const faultsMax = 100;

/** Reads everything that is kept, and gives what is damaged, in words. */
export function* verify({ tables }: BlockStore, progress: (share: number) => void): Work<string[]> {
  const faults: string[] = [];
  for (const row of tables.all("PRAGMA integrity_check(20)")) {
    if (row.integrity_check !== "ok") faults.push(`The file: ${row.integrity_check}`);
  }
  yield;
  const names = new Map(
    tables.all("SELECT no, device_id FROM device").map((row) => [Number(row.no), String(row.device_id)]),
  );
  const nameOf = (no: unknown): string => names.get(Number(no)) ?? `device number ${no}`;
  const checks: readonly (readonly [table: string, check: (row: Record<string, unknown>) => string | null])[] = [
    [
      "journal",
      (row) =>
        check(`The journal's row ${row.id}`, () => {
          for (const _ of readRecords(zstdDecompressSync(row.records as Uint8Array)));
        }),
    ],
    ["part", (row) => checkWindow("A part of", nameOf(row.device_no), row)],
    ["block", (row) => checkWindow("The block of", nameOf(row.device_no), row)],
    [
      "day",
      (row) => {
        const day = Number(row.day);
        const at = new Date(day * windowsPerDay * windowMs).toISOString().slice(0, 10);
        return check(`The summaries of ${nameOf(row.device_no)} of ${at}`, () => {
          decodeDay(day, row.body as Uint8Array);
        });
      },
    ],
  ];
  for (const [place, [table, checkRow]] of checks.entries()) {
    const rows = Number(tables.first(`SELECT count(*) AS rows FROM ${table}`)?.rows);
    let after = 0;
    for (let done = 0; ; done++) {
      const row = tables.first(`SELECT * FROM ${table} WHERE id > ? ORDER BY id LIMIT 1`, after);
      if (row === undefined) break;
      after = Number(row.id);
      const fault = checkRow(row);
      if (fault !== null) faults.push(fault);
      if (faults.length >= faultsMax) return faults;
      if (done % 1_000 === 0) progress((place + Math.min(1, done / rows)) / checks.length);
      yield;
    }
  }
  progress(1);
  return faults;
}

function checkWindow(what: string, deviceId: string, row: Record<string, unknown>): string | null {
  const window = Number(row.window);
  const at = new Date(window * windowMs).toISOString();
  return check(`${what} ${deviceId} at ${at}`, () => {
    const columns = decodeBlock(row.body as Uint8Array);
    if (row.samples !== undefined && columns.count !== Number(row.samples)) {
      throw new RangeError(`it holds ${columns.count} samples, and says ${row.samples}`);
    }
    // Decoded when first asked for.
    if (columns.seq.length !== columns.count) throw new RangeError("it lacks the numbers of samples");
    for (let index = 0; index < columns.count; index++) {
      const atMs = columns.observedAtMs[index] as number;
      if (Math.floor(atMs / windowMs) !== window) throw new RangeError("it holds samples of another time");
    }
  });
}

function check(what: string, task: () => void): string | null {
  try {
    task();
    return null;
  } catch (error) {
    return `${what}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
