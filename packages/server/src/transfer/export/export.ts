import type { Clock } from "../../base/clock.ts";
import { WorkerClient } from "../../base/worker-client.ts";
import { workerUrl } from "../../base/worker-url.ts";
import type { Store } from "../../store/store.ts";
import { columnsOf } from "./export-columns.ts";
import type { ExportFormat, ExportMethods, ExportSetup, StoreExportQuery } from "./export-query.ts";

/** Behind the body of an answer: what was left out, since it cannot be read. */
export const leftOutTrailer = "wattboard-left-out";
/**
 * The raw samples of devices as a file, piece by piece; what is held of it does not grow with it. The columns are set before the first piece:
 * those of the points that the devices have sent so far, or of the `points` that are asked for.
 */
export async function openExport(
  store: Store,
  clock: Clock,
  query: StoreExportQuery,
): Promise<AsyncGenerator<Uint8Array>> {
  const { devices, points, signal } = query;
  const known = [];
  for (const { registration } of devices) {
    signal?.throwIfAborted();
    known.push(await store.points(registration));
  }
  const wanted = points === undefined ? undefined : new Set(points);
  const columns = columnsOf(known).filter(({ name }) => wanted?.has(name) ?? true);
  // A point that nobody has sent yet still has its column, so that what was asked for is there.
  const missing = points?.filter((name) => !columns.some((column) => column.name === name)) ?? [];
  const all = [...columns, ...[...new Set(missing)].map((name) => ({ name, type: "number" }) as const)];
  return makePieces(store, clock, query, all);
}

/**
 * A thread reads and writes each export: it has the samples from the store without a way over the event loop, which sees finished bytes only.
 * One piece is made while the one before is taken.
 */
async function* makePieces(
  store: Store,
  clock: Clock,
  { signal, onLeftOut, ...query }: StoreExportQuery,
  columns: ExportSetup["columns"],
): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  const source = store.openReadPort();
  const thread = new WorkerClient<ExportMethods>({
    url: workerUrl(import.meta.url, "./export-worker"),
    setup: () => ({ data: { query, columns, source } satisfies ExportSetup, transfer: [source] }),
    clock,
    name: "the thread of the export",
    endedCode: "export_failed",
  });
  const ask = () => thread.callWith({ signal }, "next");
  try {
    for (let next = ask(); ; ) {
      const piece = await next;
      if (!(piece instanceof Uint8Array)) {
        if (piece.length > 0) onLeftOut?.(piece);
        return;
      }
      next = ask();
      // Who has left does not hear of it; whoever stays does, with the next piece.
      next.catch(() => {});
      yield piece;
    }
  } finally {
    await thread.terminate();
  }
}

export const contentTypes: Readonly<Record<ExportFormat, string>> = {
  csv: "text/csv; charset=utf-8; header=present",
  parquet: "application/vnd.apache.parquet",
};
