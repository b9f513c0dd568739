import { parentPort, workerData } from "node:worker_threads";
import { ByteWriter, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import type { ExportColumn } from "./export-columns.ts";
import { leadingColumns } from "./export-columns.ts";
import type { ColumnValues, RowGroup } from "./row-group.ts";

/** Encodes row groups as they come, and posts the bytes of each; `null` ends the file. */
const { columns } = workerData as { readonly columns: readonly ExportColumn[] };
const writer = new ByteWriter();
const schema: SchemaElement[] = [
  { name: "root", num_children: leadingColumns.length + columns.length },
  { name: "device_id", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
  { name: "observed_at", type: "INT64", converted_type: "TIMESTAMP_MILLIS", repetition_type: "REQUIRED" },
  { name: "received_at", type: "INT64", converted_type: "TIMESTAMP_MILLIS", repetition_type: "REQUIRED" },
  ...columns.map(({ name, type }): SchemaElement => {
    if (type === "number") return { name, type: "DOUBLE", repetition_type: "OPTIONAL" };
    if (type === "boolean") return { name, type: "BOOLEAN", repetition_type: "OPTIONAL" };
    return { name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" };
  }),
];
const parquet = new ParquetWriter({ writer, schema, createdBy: "wattboard" });

parentPort?.on("message", (group: RowGroup | null) => {
  if (group === null) {
    parquet.finish();
  } else {
    const columnData = group.columns.map((column, at) => {
      const { name, type } = schema[at + 1] as SchemaElement;
      // The index of pages would be kept in memory to the end of the file.
      return { name, data: valuesOf(column, group.rows, type), offsetIndex: false };
    });
    parquet.write({ columnData, rowGroupSize: group.rows });
  }
  const bytes = writer.getBytes().slice();
  writer.index = 0;
  parentPort?.postMessage(bytes, [bytes.buffer]);
});

function valuesOf(column: ColumnValues, rows: number, type: SchemaElement["type"]): unknown[] {
  if ("places" in column) {
    return Array.from({ length: rows }, (_, row) => column.texts[(column.places[row] as number) - 1] ?? null);
  }
  const convert =
    type === "BOOLEAN"
      ? (value: number): unknown => value === 1
      : type === "INT64"
        ? (value: number): unknown => BigInt(value)
        : (value: number): unknown => value;
  return Array.from({ length: rows }, (_, row) =>
    column.present[row] === 0 ? null : convert(column.numbers[row] as number),
  );
}
