import type { Store } from "../store/store.ts";
import { writeCsv } from "./csv-export.ts";
import { columnsOf } from "./export-columns.ts";
import { writeParquet } from "./parquet-export.ts";
import { readPages } from "./sample-pages.ts";

export const exportFormats = ["csv", "parquet"] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportQuery {
  /** One file holds the devices one after the other, in this order. */
  readonly deviceIds: readonly string[];
  /** These are all that there are. */
  readonly isAll?: boolean;
  /** By measured time, half open, ms since 1970 UTC. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Only these points, and only samples that have one of them; absent: all. */
  readonly points?: readonly string[] | undefined;
  readonly format: ExportFormat;
  /** To go on with an export that was broken off: devices before this one are left out, and its samples before this time. */
  readonly start?: { readonly deviceId: string; readonly fromMs: number } | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The raw samples of devices as a file, piece by piece; what is held of it does not grow with it. The columns are set before the first piece:
 * those of the points that the devices have sent so far, or of the `points` that are asked for.
 */
export async function openExport(store: Store, query: ExportQuery): Promise<AsyncGenerator<string | Uint8Array>> {
  const { deviceIds, points, format, signal } = query;
  const known = [];
  for (const deviceId of deviceIds) {
    signal?.throwIfAborted();
    known.push(await store.points(deviceId));
  }
  const wanted = points === undefined ? undefined : new Set(points);
  const columns = columnsOf(known).filter(({ name }) => wanted?.has(name) ?? true);
  // A point that nobody has sent yet still has its column, so that what was asked for is there.
  const missing = points?.filter((name) => !columns.some((column) => column.name === name)) ?? [];
  const all = [...columns, ...[...new Set(missing)].map((name) => ({ name, type: "number" }) as const)];
  const pages = readPages(store, query);
  return format === "csv" ? writeCsv(pages, all) : writeParquet(pages, all);
}

export const contentTypes: Readonly<Record<ExportFormat, string>> = {
  csv: "text/csv; charset=utf-8; header=present",
  parquet: "application/vnd.apache.parquet",
};
