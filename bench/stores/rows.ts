import { readRecords } from "../../packages/server/dist/store/sample-record.js";
import { answerOf } from "./store-port.ts";
import type { Answer, Question } from "./subject.ts";

/** A row a sample, a column a point: what one would make with a database at hand. A device is a small number, which is kind to it. */
export const columns = [
  ["device", "INTEGER"],
  ["epoch", "INTEGER"],
  ["seq", "INTEGER"],
  ["observed_ms", "DOUBLE"],
  ["received_ms", "DOUBLE"],
  ["state", "TEXT"],
  ["mode", "TEXT"],
  ["error_flags", "TEXT"],
  ["battery_voltage", "DOUBLE"],
  ["battery_current", "DOUBLE"],
  ["battery_power", "DOUBLE"],
  ["battery_soc", "DOUBLE"],
  ["battery_temperature", "DOUBLE"],
  ["grid_voltage", "DOUBLE"],
  ["grid_power", "DOUBLE"],
  ["solar_power", "DOUBLE"],
  ["load_power", "DOUBLE"],
] as const;

export type Row = (string | number)[];

export const columnList = columns.map(([name, type]) => `${name} ${type} NOT NULL`).join(", ");

interface Message {
  readonly system_status: { readonly state: string; readonly mode: string; readonly error_flags: readonly string[] };
  readonly battery: Readonly<Record<"voltage" | "current" | "power" | "soc" | "temperature", number>>;
  readonly grid: Readonly<Record<"voltage" | "power", number>>;
  readonly solar: { readonly power: number };
  readonly load: { readonly power: number };
}

/** Makes rows of a batch of records, as these tables take them. */
export function* rowsOf(batch: Buffer): Generator<Row> {
  for (const { key, epoch, seq, observedAtMs, receivedAtMs, message } of readRecords(batch)) {
    const { system_status: system, battery, grid, solar, load } = JSON.parse(message.toString()) as Message;
    const flags = system.error_flags;
    yield [
      Number(key.slice(key.indexOf("-") + 1)),
      epoch,
      seq,
      observedAtMs,
      receivedAtMs,
      system.state,
      system.mode,
      flags.length === 0 ? "[]" : JSON.stringify(flags),
      battery.voltage,
      battery.current,
      battery.power,
      battery.soc,
      battery.temperature,
      grid.voltage,
      grid.power,
      solar.power,
      load.power,
    ];
  }
}

const bucket = "floor((observed_ms - ?) / ?)";
const threeOf = (column: string): string => `min(${column}), avg(${column}), max(${column})`;
const inRange = "observed_ms >= ? AND observed_ms < ?";

/** The question in SQL, with its values. The figure that `answerOfRows` takes is called `power`. */
export function sqlOf(question: Question): { readonly sql: string; readonly values: number[] } {
  const { fromMs, toMs } = question;
  switch (question.kind) {
    case "samples":
      return {
        sql: `SELECT *, grid_power AS power FROM sample WHERE device = ? AND ${inRange} ORDER BY observed_ms`,
        values: [question.device, fromMs, toMs],
      };
    case "history":
      return {
        sql: `SELECT ${bucket} AS bucket, avg(grid_power) AS power, ${threeOf("grid_power")}, ${threeOf("battery_soc")}
          FROM sample WHERE device = ? AND ${inRange} GROUP BY bucket ORDER BY bucket`,
        values: [fromMs, question.bucketMs, question.device, fromMs, toMs],
      };
    case "fleet":
      return {
        sql: `SELECT bucket, sum(mean) AS power FROM
            (SELECT ${bucket} AS bucket, avg(grid_power) AS mean FROM sample
             WHERE ${inRange} GROUP BY device, bucket)
          GROUP BY bucket ORDER BY bucket`,
        values: [fromMs, question.bucketMs, fromMs, toMs],
      };
  }
}

export function answerOfRows(rows: readonly Record<string, unknown>[]): Answer {
  return answerOf(rows.map(({ power }) => Number(power)));
}
