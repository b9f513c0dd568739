import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { Failure } from "../base/failure.ts";
import { workerUrl } from "../base/worker-url.ts";
import { type ExportColumn, fitting } from "./export-columns.ts";
import { NumberBuffer, type RowGroup, TextBuffer } from "./row-group.ts";
import type { SamplePage } from "./sample-pages.ts";

/** What is held until it is written as one row group: so many values, whatever the number of columns. */
const groupCellsMax = 1_000_000;

/**
 * Parquet: times as TIMESTAMP_MILLIS, a point as DOUBLE, STRING or BOOLEAN by what it has held; one that has held several kinds, or lists, as
 * STRING with JSON in it. Encoding is done in a thread of its own, a row group after the other.
 */
export async function* writeParquet(
  pages: AsyncIterable<SamplePage>,
  columns: readonly ExportColumn[],
): AsyncGenerator<Uint8Array> {
  const worker = new Worker(workerUrl(import.meta.url, "./parquet-worker"), { workerData: { columns } });
  const encode = async (group: RowGroup | null): Promise<Uint8Array> => {
    worker.postMessage(group, group === null ? [] : group.buffers);
    try {
      const [bytes] = (await once(worker, "message")) as [Uint8Array];
      return bytes;
    } catch (error) {
      throw new Failure("export_failed", "The export could not be encoded as Parquet. Try it as CSV.", error);
    }
  };
  try {
    const rowsMax = Math.floor(groupCellsMax / (columns.length + 3));
    let group = new OpenGroup(columns, rowsMax);
    for await (const { deviceId, samples } of pages) {
      for (const sample of samples) {
        group.add(deviceId, sample);
        if (group.rows < rowsMax) continue;
        yield await encode(group.close());
        group = new OpenGroup(columns, rowsMax);
      }
    }
    if (group.rows > 0) yield await encode(group.close());
    yield await encode(null);
  } finally {
    await worker.terminate();
  }
}

class OpenGroup {
  rows = 0;
  readonly #deviceIds: TextBuffer;
  readonly #observedAtMs: NumberBuffer;
  readonly #receivedAtMs: NumberBuffer;
  readonly #columns: readonly { readonly column: ExportColumn; readonly buffer: NumberBuffer | TextBuffer }[];

  constructor(columns: readonly ExportColumn[], rowsMax: number) {
    this.#deviceIds = new TextBuffer(rowsMax);
    this.#observedAtMs = new NumberBuffer(rowsMax);
    this.#receivedAtMs = new NumberBuffer(rowsMax);
    this.#columns = columns.map((column) => {
      const isNumeric = column.type === "number" || column.type === "boolean";
      return { column, buffer: isNumeric ? new NumberBuffer(rowsMax) : new TextBuffer(rowsMax) };
    });
  }

  add(deviceId: string, { observedAtMs, receivedAtMs, points }: SamplePage["samples"][number]): void {
    const row = this.rows++;
    this.#deviceIds.set(row, deviceId);
    this.#observedAtMs.set(row, observedAtMs);
    this.#receivedAtMs.set(row, receivedAtMs);
    for (const { column, buffer } of this.#columns) {
      const value = fitting(points[column.name], column.type);
      if (value === null) continue;
      if (buffer instanceof NumberBuffer) buffer.set(row, Number(value));
      else buffer.set(row, value as string);
    }
  }

  close(): RowGroup {
    const buffers = [
      this.#deviceIds,
      this.#observedAtMs,
      this.#receivedAtMs,
      ...this.#columns.map((each) => each.buffer),
    ];
    return {
      rows: this.rows,
      columns: buffers.map((buffer) => buffer.column),
      buffers: buffers.flatMap((buffer) => buffer.transferable),
    };
  }
}
