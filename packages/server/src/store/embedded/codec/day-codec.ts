import { type Energy, energyNames, type PowerPoint } from "../../algebra/energy.ts";
import { windowsPerDay } from "../../algebra/window.ts";
import type { Gap, PointColumns, PointSummary, SummaryColumns, WindowSummary } from "../../algebra/window-summary.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { readNumbers, writeNumbers } from "./number-column.ts";

/**
 * The window summaries of one device's day (UTC), a column a figure, so that a chart over years reads one row a day and of it only what it
 * shows. The format (docs/reference/block-format.md):
 *
 *     version u8 = 1
 *     count varint, then that many window numbers within the day, u8 each
 *     times    a block: number columns of samples, first ms, last ms, period ms, number of gaps;
 *              then a number column of all gaps' first ms and last ms, if there are any
 *     energy   a block: number columns of the seven energies; then, at the first sample and at the last, of the four powers
 *     points varint, then for each: name text, and
 *              a block: count varint, places (which of the windows have it, u8 each), number columns of count, min, max, sum, first, last
 *
 * A block is its length and its bytes. A power that is not known is told by a flag (u8 each) before the powers' column.
 */
const version = 1;

const powerNames = ["gridW", "batteryW", "solarW", "loadW"] as const;
const pointFigures = ["count", "min", "max", "sum", "first", "last"] as const satisfies readonly (keyof PointSummary)[];

/** What to read of a day; what is not wanted is passed over. */
export interface DayParts {
  readonly points: ReadonlySet<string>;
  readonly energy: boolean;
}

/** The summaries of a day, or some of them. */
export interface DayColumns extends SummaryColumns {
  /** Null where it is not wanted. */
  readonly energy: EnergyColumns | null;
}

interface EnergyColumns {
  readonly energies: Readonly<Record<keyof Energy, Float64Array>>;
  readonly firstPower: readonly PowerPoint[];
  readonly lastPower: readonly PowerPoint[];
}

const writer = new ByteWriter();
const blockWriter = new ByteWriter();

export function encodeDay(summaries: readonly WindowSummary[]): Buffer {
  writer.clear();
  writer.byte(version);
  writer.varint(summaries.length);
  for (const { window } of summaries) writer.byte(window % windowsPerDay);
  const column = (of: (summary: WindowSummary) => number): void => writeNumbers(blockWriter, summaries.map(of));

  blockWriter.clear();
  column(({ count }) => count);
  column(({ firstMs }) => firstMs);
  column(({ lastMs }) => lastMs);
  column(({ periodMs }) => periodMs);
  column(({ gaps }) => gaps.length);
  const edges = summaries.flatMap(({ gaps }) => gaps.flatMap(({ fromMs, toMs }) => [fromMs, toMs]));
  if (edges.length > 0) writeNumbers(blockWriter, edges);
  writer.block(blockWriter.bytes());

  blockWriter.clear();
  for (const name of energyNames) column(({ energy }) => energy[name]);
  for (const end of ["firstPower", "lastPower"] as const) {
    for (const name of powerNames) {
      for (const summary of summaries) blockWriter.byte(summary[end][name] === null ? 0 : 1);
      column((summary) => summary[end][name] ?? 0);
    }
  }
  writer.block(blockWriter.bytes());

  const names = new Set(summaries.flatMap(({ points }) => [...points.keys()]));
  writer.varint(names.size);
  for (const name of names) {
    const places = [...summaries.keys()].filter((place) => summaries[place]?.points.has(name));
    const found = places.map((place) => summaries[place]?.points.get(name) as PointSummary);
    blockWriter.clear();
    blockWriter.varint(places.length);
    for (const place of places) blockWriter.byte(place);
    for (const figure of pointFigures)
      writeNumbers(
        blockWriter,
        found.map((summary) => summary[figure]),
      );
    writer.text(name);
    writer.block(blockWriter.bytes());
  }
  return Buffer.from(writer.bytes());
}

/** A summary that does not stand in its day, as it would be read from there. */
export function dayOf(summary: WindowSummary, wanted: DayParts): DayColumns {
  return decodeDayColumns(Math.floor(summary.window / windowsPerDay), encodeDay([summary]), wanted);
}

/** Decodes of a day, counted from 1970, what is wanted. Throws a RangeError where it is damaged. */
export function decodeDayColumns(day: number, bytes: Uint8Array, wanted: DayParts): DayColumns {
  const { points, ...columns } = readDay(day, bytes, wanted.energy);
  const found = new Map<string, PointColumns>();
  for (const [name, block] of points) if (wanted.points.has(name)) found.set(name, readPoint(new ByteReader(block)));
  return { ...columns, points: found };
}

/** Decodes a day, counted from 1970. Throws a RangeError where it is damaged. */
export function decodeDay(day: number, bytes: Uint8Array): WindowSummary[] {
  const { points: blocks, energy, ...columns } = readDay(day, bytes, true);
  const windows = Array.from(columns.windows);
  const points = windows.map(() => new Map<string, PointSummary>());
  for (const [name, block] of blocks) {
    const reader = new ByteReader(block);
    const { places, count, min, max, sum } = readPoint(reader);
    const [first, last] = [readNumbers(reader, places.length), readNumbers(reader, places.length)];
    for (const [index, place] of places.entries()) {
      points[place]?.set(name, {
        count: count[index] as number,
        min: min[index] as number,
        max: max[index] as number,
        sum: sum[index] as number,
        first: first[index] as number,
        last: last[index] as number,
      });
    }
  }
  return windows.map((window, at) => ({
    window,
    count: columns.count[at] as number,
    firstMs: columns.firstMs[at] as number,
    lastMs: columns.lastMs[at] as number,
    periodMs: columns.periodMs[at] as number,
    gaps: columns.gaps[at] ?? [],
    energy: energyAt(energy as EnergyColumns, at),
    firstPower: energy?.firstPower[at] as PowerPoint,
    lastPower: energy?.lastPower[at] as PowerPoint,
    points: points[at] as Map<string, PointSummary>,
  }));
}

/** The columns of a day; the points' are left as they are. */
function readDay(
  day: number,
  bytes: Uint8Array,
  isEnergyWanted: boolean,
): Omit<DayColumns, "points"> & { readonly points: [name: string, block: Buffer][] } {
  const reader = new ByteReader(bytes);
  const found = reader.byte();
  if (found !== version) throw new RangeError(`The day has version ${found}; this program reads ${version}.`);
  const length = reader.varint();
  const windows = readPlaces(reader, length, day * windowsPerDay);
  const times = new ByteReader(reader.block());
  const count = readNumbers(times, length);
  const firstMs = readNumbers(times, length);
  const lastMs = readNumbers(times, length);
  const periodMs = readNumbers(times, length);
  const gaps = readGaps(times, readNumbers(times, length));
  const energyReader = new ByteReader(reader.block());
  const energy = isEnergyWanted ? readEnergies(energyReader, firstMs, lastMs) : null;
  const points = Array.from({ length: reader.varint() }, (): [string, Buffer] => [reader.text(), reader.block()]);
  return { windows, count, firstMs, lastMs, periodMs, gaps, energy, points };
}

function readGaps(reader: ByteReader, counts: Float64Array): Gap[][] {
  const count = counts.reduce((sum, each) => sum + each, 0);
  if (count === 0) return [];
  const edges = readNumbers(reader, 2 * count);
  let next = 0;
  return Array.from(counts, (length) =>
    Array.from({ length }, () => ({ fromMs: edges[next++] as number, toMs: edges[next++] as number })),
  );
}

function readEnergies(reader: ByteReader, firstMs: Float64Array, lastMs: Float64Array): EnergyColumns {
  const columns = energyNames.map((name) => [name, readNumbers(reader, firstMs.length)]);
  const energies = Object.fromEntries(columns) as Record<keyof Energy, Float64Array>;
  return { energies, firstPower: readPowers(reader, firstMs), lastPower: readPowers(reader, lastMs) };
}

export function energyAt({ energies }: EnergyColumns, at: number): Energy {
  return {
    imported: energies.imported[at] as number,
    exported: energies.exported[at] as number,
    charged: energies.charged[at] as number,
    discharged: energies.discharged[at] as number,
    produced: energies.produced[at] as number,
    consumed: energies.consumed[at] as number,
    selfConsumed: energies.selfConsumed[at] as number,
  };
}

function readPowers(reader: ByteReader, atMs: Float64Array): PowerPoint[] {
  const columns = powerNames.map(() => {
    const isKnown = Array.from(atMs, () => reader.byte() === 1);
    const values = readNumbers(reader, atMs.length);
    return isKnown.map((known, at) => (known ? (values[at] as number) : null));
  });
  return Array.from(atMs, (ms, at) => ({
    atMs: ms,
    gridW: columns[0]?.[at] ?? null,
    batteryW: columns[1]?.[at] ?? null,
    solarW: columns[2]?.[at] ?? null,
    loadW: columns[3]?.[at] ?? null,
  }));
}

function readPlaces(reader: ByteReader, length: number, first = 0): Int32Array {
  const places = new Int32Array(length);
  for (let at = 0; at < length; at++) places[at] = first + reader.byte();
  return places;
}

/** Reads a point's figures but for its first and last values, which stand behind. */
function readPoint(reader: ByteReader): PointColumns {
  const places = readPlaces(reader, reader.varint());
  const [count, min, max, sum] = [0, 1, 2, 3].map(() => readNumbers(reader, places.length));
  return { places, count, min, max, sum } as PointColumns;
}
