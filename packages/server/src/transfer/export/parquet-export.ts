import { ByteWriter, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import { type ExportColumn, fitting, leadingColumns } from "./export-columns.ts";
import type { SamplePage } from "./sample-pages.ts";

/** What is held until it is written as one row group: so many values, whatever the number of columns. */
const groupCellsMax = 1_000_000;
/** The same where they are long texts. */
const groupBytesMax = 16 * 1024 * 1024;

/**
 * Parquet: times as TIMESTAMP in UTC, to the millisecond, a point as DOUBLE, STRING or BOOLEAN by what it has held; one that has held several kinds, or lists, as
 * STRING with JSON in it. A piece is a row group, the last one the file's end.
 */
export async function* writeParquet(
  pages: AsyncIterable<SamplePage>,
  columns: readonly ExportColumn[],
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const bytes = new ByteWriter();
  const parquet = new ParquetWriter({ writer: bytes, schema: schemaOf(columns), createdBy: "wattboard" });
  const take = (): Uint8Array<ArrayBuffer> => {
    const piece = new Uint8Array(bytes.getBytes());
    bytes.index = 0;
    return piece;
  };
  const rowsMax = Math.floor(groupCellsMax / (columns.length + leadingColumns.length));
  let group = new RowGroup(columns);
  for await (const { deviceId, samples } of pages) {
    for (const sample of samples) {
      group.add(deviceId, sample);
      if (group.rows < rowsMax && group.textBytes < groupBytesMax) continue;
      group.writeTo(parquet);
      yield take();
      group = new RowGroup(columns);
    }
  }
  if (group.rows > 0) group.writeTo(parquet);
  parquet.finish();
  yield take();
}

function schemaOf(columns: readonly ExportColumn[]): SchemaElement[] {
  return [
    { name: "root", num_children: leadingColumns.length + columns.length },
    { name: "device_id", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
    instant("observed_at"),
    instant("received_at"),
    ...columns.map(({ name, type }): SchemaElement => {
      if (type === "number") return { name, type: "DOUBLE", repetition_type: "OPTIONAL" };
      if (type === "boolean") return { name, type: "BOOLEAN", repetition_type: "OPTIONAL" };
      return { name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" };
    }),
  ];
}

/** Said in both ways: by the older one alone pyarrow takes it for a local time. */
function instant(name: string): SchemaElement {
  return {
    name,
    type: "INT64",
    converted_type: "TIMESTAMP_MILLIS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MILLIS" },
    repetition_type: "REQUIRED",
  };
}

/** Rows that are written together, a list a column. */
class RowGroup {
  rows = 0;
  textBytes = 0;
  readonly #leading: readonly [unknown[], unknown[], unknown[]] = [[], [], []];
  readonly #columns: readonly { readonly column: ExportColumn; readonly values: unknown[] }[];

  constructor(columns: readonly ExportColumn[]) {
    this.#columns = columns.map((column) => ({ column, values: [] }));
  }

  add(deviceId: string, { observedAtMs, receivedAtMs, points }: SamplePage["samples"][number]): void {
    this.rows++;
    const [deviceIds, observed, received] = this.#leading;
    deviceIds.push(deviceId);
    observed.push(BigInt(observedAtMs));
    received.push(BigInt(receivedAtMs));
    for (const { column, values } of this.#columns) {
      const value = fitting(points[column.name], column.type);
      if (typeof value === "string") this.textBytes += value.length;
      values.push(value);
    }
  }

  writeTo(parquet: ParquetWriter): void {
    const lists = [...this.#leading, ...this.#columns.map(({ values }) => values)];
    const names = [...leadingColumns, ...this.#columns.map(({ column }) => column.name)];
    parquet.write({
      // The index of pages would be kept in memory to the end of the file.
      columnData: names.map((name, at) => ({ name, data: lists[at] as unknown[], offsetIndex: false })),
      rowGroupSize: this.rows,
    });
  }
}
