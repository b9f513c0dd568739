import { readDeviceTime } from "@wattboard/protocol/constants";
import pg from "pg";
import { kindOf, type PointKind, type PointValue, pointKinds, pointsOf } from "../algebra/point-value.ts";
import type { SampleColumns } from "../algebra/sample-columns.ts";
import type { StoredSample } from "../store.ts";

interface ReadingColumn {
  /** The point: `battery.soc`. */
  readonly name: string;
  readonly column: string;
  readonly type: "float8" | "text" | "text[]";
}

/** The points that have a column of their own. One more needs a migration; without it the point stands in `extra`, and nothing is lost. */
export const readingColumns: readonly ReadingColumn[] = [
  { name: "system_status.state", column: "state", type: "text" },
  { name: "system_status.mode", column: "mode", type: "text" },
  { name: "system_status.error_flags", column: "error_flags", type: "text[]" },
  { name: "system_status.wifi_strength", column: "wifi_strength", type: "float8" },
  { name: "battery.soc", column: "battery_soc", type: "float8" },
  { name: "battery.power", column: "battery_power", type: "float8" },
  { name: "battery.voltage", column: "battery_voltage", type: "float8" },
  { name: "battery.current", column: "battery_current", type: "float8" },
  { name: "battery.temperature", column: "battery_temperature", type: "float8" },
  { name: "grid.power", column: "grid_power", type: "float8" },
  { name: "grid.voltage", column: "grid_voltage", type: "float8" },
  { name: "grid.frequency", column: "grid_frequency", type: "float8" },
  { name: "solar.power", column: "solar_power", type: "float8" },
  { name: "load.power", column: "load_power", type: "float8" },
  { name: "inverter.power", column: "inverter_power", type: "float8" },
];

const kindOfType: Readonly<Record<ReadingColumn["type"], PointKind>> = {
  float8: "number",
  text: "text",
  "text[]": "list",
};
/** By point: its column, what it can hold, and its place in an insert. */
const columnOf = new Map(
  readingColumns.map((column, at) => [column.name, { ...column, kind: kindOfType[column.type], place: 7 + at }]),
);

/** The columns of an insert, in the order of {@link SampleRows.take}; the first seven as numbers and texts that are turned into times. */
export const insertTypes = [
  "text",
  "float8",
  "float8",
  "float8",
  "text",
  "bigint",
  "bigint",
  ...readingColumns.map(({ type }) => (type === "text[]" ? "text" : type)),
  "jsonb",
] as const;

/** From the oldest sample to the newest one, ms. */
export interface TimeSpan {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Samples on their way into the database, a column at a time, since PostgreSQL takes an array a column fastest. */
export class SampleRows {
  #columns: string[][] = insertTypes.map(() => []);
  /** Which points each device sent, with the kinds of their values. */
  readonly kinds = new Map<string, Map<string, number>>();
  /** When each device's samples were measured. */
  readonly times = new Map<string, { firstMs: number; lastMs: number }>();
  /** Each device's newest sample. */
  readonly newest = new Map<string, StoredSample>();
  #waiting = 0;

  /** How many were added since the last {@link take}. */
  get waiting(): number {
    return this.#waiting;
  }

  add(sample: StoredSample): void {
    const { message } = sample;
    const text = Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString();
    const telemetry = JSON.parse(text) as { timestamp?: unknown };
    const deviceTimeMs = sample.clock === "server" ? readDeviceTime(telemetry.timestamp)?.ms : undefined;
    const cells = [
      quoted(sample.key),
      String(sample.observedAtMs),
      String(sample.receivedAtMs),
      String(deviceTimeMs ?? sample.observedAtMs),
      sample.clock,
      String(sample.epoch),
      String(sample.seq),
      ...noReadings,
    ];
    const kinds = this.#kindsOf(sample.key);
    let extra: [string, unknown][] | null = null;
    for (const [name, value] of pointsOf(telemetry)) {
      const kind = kindOf(value);
      const bits = kinds.get(name);
      const bit = kind === null ? 0 : kindBit(kind);
      if (bits === undefined || (bits & bit) !== bit) kinds.set(name, (bits ?? 0) | bit);
      const column = columnOf.get(name);
      if (column?.kind === kind && isPlain(value)) {
        cells[column.place] = cellOf(value);
      } else {
        extra ??= [];
        extra.push([name, isPlain(value) ? value : { json: JSON.stringify(value) }]);
      }
    }
    if (extra !== null) cells[cells.length - 1] = quoted(JSON.stringify(Object.fromEntries(extra)));
    for (let at = 0; at < cells.length; at++) this.#columns[at]?.push(cells[at] as string);
    this.#waiting++;
    const { key, observedAtMs } = sample;
    const times = this.times.get(key);
    if (times === undefined) this.times.set(key, { firstMs: observedAtMs, lastMs: observedAtMs });
    else if (observedAtMs < times.firstMs) times.firstMs = observedAtMs;
    else if (observedAtMs > times.lastMs) times.lastMs = observedAtMs;
    const newest = this.newest.get(sample.key);
    if (newest === undefined || isNewer(sample, newest)) this.newest.set(sample.key, sample);
  }

  /** Gives what was added since the last time: a column each, as PostgreSQL writes arrays. */
  take(): string[] {
    const columns = this.#columns.map(arrayOf);
    this.#columns = insertTypes.map(() => []);
    this.#waiting = 0;
    return columns;
  }

  #kindsOf(key: string): Map<string, number> {
    let kinds = this.kinds.get(key);
    if (kinds === undefined) {
      kinds = new Map();
      this.kinds.set(key, kinds);
    }
    return kinds;
  }
}

const noReadings = new Array<string>(readingColumns.length + 1).fill("NULL");

function isNewer(a: StoredSample, b: StoredSample): boolean {
  return (a.observedAtMs - b.observedAtMs || a.epoch - b.epoch || a.seq - b.seq) > 0;
}

function cellOf(value: PointValue): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "string") return quoted(value);
  return quoted(arrayOf((value as readonly string[]).map(quoted)));
}

/** An array as PostgreSQL reads it; the items are quoted already where they need it. */
function arrayOf(items: readonly string[]): string {
  return `{${items.join(",")}}`;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Neither `text` nor `jsonb` takes NUL or half a surrogate pair; such a value is kept as JSON text, where both are written as escapes. */
function isPlain(value: PointValue): boolean {
  if (typeof value === "string") return !value.includes("\0") && value.isWellFormed();
  return typeof value !== "object" || value === null || value.every(isPlain);
}

/** Points' kinds as bits, in the order of {@link pointKinds}; a point that has only ever held null has none. */
function kindBit(kind: PointKind): number {
  return 1 << pointKinds.indexOf(kind);
}

export function kindsOf(bits: number): PointKind[] {
  return pointKinds.filter((_, at) => (bits & (1 << at)) !== 0);
}

/** A sample as it is selected by {@link selectList}. */
export type SampleRow = [number, number, number, string, number, number, Record<string, unknown> | null, ...unknown[]];

/** The columns of a select: those every sample has, then the wanted points'. */
export function selectList(wanted?: ReadonlySet<string>): string {
  const own = wantedColumns(wanted).map(({ column }) => column);
  return ["ms(observed_at), ms(received_at), ms(device_time), clock, epoch::float8, seq::float8, extra", ...own].join(
    ", ",
  );
}

export function columnsOf(rows: readonly SampleRow[], wanted?: ReadonlySet<string>): SampleColumns {
  const points = new Map<string, (PointValue | undefined)[]>();
  const column = (name: string): (PointValue | undefined)[] => {
    let values = points.get(name);
    if (values === undefined) {
      values = new Array(rows.length).fill(undefined);
      points.set(name, values);
    }
    return values;
  };
  for (const [at, { name }] of wantedColumns(wanted).entries()) {
    for (const [place, row] of rows.entries()) {
      const value = row[7 + at];
      if (value !== null) column(name)[place] = value as PointValue;
    }
  }
  for (const [place, row] of rows.entries()) {
    for (const [name, value] of Object.entries(row[6] ?? {})) {
      if (wanted?.has(name) ?? true) column(name)[place] = fromExtra(value);
    }
  }
  return {
    count: rows.length,
    observedAtMs: rows.map((row) => row[0]),
    receivedAtMs: rows.map((row) => row[1]),
    deviceTimeMs: rows.map((row) => row[2]),
    serverClock: rows.map((row) => (row[3] === "server" ? 1 : 0)),
    epoch: rows.map((row) => row[4]),
    seq: rows.map((row) => row[5]),
    points,
  };
}

export function fromExtra(value: unknown): PointValue {
  const isWrapped = typeof value === "object" && value !== null && !Array.isArray(value);
  return isWrapped ? (JSON.parse((value as { json: string }).json) as PointValue) : (value as PointValue);
}

function wantedColumns(wanted?: ReadonlySet<string>): readonly ReadingColumn[] {
  return wanted === undefined ? readingColumns : readingColumns.filter(({ name }) => wanted.has(name));
}

/** The column of a point of the kind number, if it has one. */
export function numberColumn(point: string): string | undefined {
  const column = columnOf.get(point);
  return column?.type === "float8" ? column.column : undefined;
}

/** A point as a number for SQL, null where it is none. */
export function numberOf(point: string): string {
  const column = numberColumn(point);
  if (column !== undefined) return column;
  const name = literal(point);
  return `CASE WHEN jsonb_typeof(extra->${name}) = 'number' THEN (extra->>${name})::float8 END`;
}

/** A point's value as jsonb for SQL, null where the sample does not have it. */
export function jsonOf(point: string): string {
  const column = columnOf.get(point)?.column;
  const inExtra = `extra->${literal(point)}`;
  return column === undefined ? inExtra : `coalesce(to_jsonb(${column}), ${inExtra})`;
}

/** A text for SQL. No point's name has NUL in it, and no text of PostgreSQL may. */
export function literal(text: string): string {
  return pg.escapeLiteral(text.replaceAll("\0", "\uFFFD"));
}
