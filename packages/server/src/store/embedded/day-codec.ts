import { type Energy, energyNames, noEnergy, type PowerPoint } from "../energy.ts";
import { windowsPerDay } from "../window.ts";
import type { Gap, PointSummary, WindowSummary } from "../window-summary.ts";
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
  /** Absent: all. */
  readonly points?: ReadonlySet<string>;
  readonly energy: boolean;
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

/** A year of a chart is 35,000 windows: what each of them lacks is the same for all. */
const noGaps: readonly Gap[] = [];
const unknownPower: PowerPoint = { atMs: Number.NaN, gridW: null, batteryW: null, solarW: null, loadW: null };

/** Decodes a day, counted from 1970. Energies that are not wanted come as 0, and powers as null. Throws a RangeError where it is damaged. */
export function decodeDay(day: number, bytes: Uint8Array, wanted: DayParts): WindowSummary[] {
  const reader = new ByteReader(bytes);
  const found = reader.byte();
  if (found !== version) throw new RangeError(`The day has version ${found}; this program reads ${version}.`);
  const length = reader.varint();
  const windows = Array.from({ length }, () => day * windowsPerDay + reader.byte());
  const times = new ByteReader(reader.block());
  const counts = readNumbers(times, length);
  const firstMs = readNumbers(times, length);
  const lastMs = readNumbers(times, length);
  const periodMs = readNumbers(times, length);
  const gaps = readGaps(times, readNumbers(times, length));
  const energyReader = new ByteReader(reader.block());
  const energies = wanted.energy ? energyNames.map(() => readNumbers(energyReader, length)) : null;
  const firstPower = wanted.energy ? readPowers(energyReader, firstMs) : null;
  const lastPower = wanted.energy ? readPowers(energyReader, lastMs) : null;
  const points = windows.map(() => new Map<string, PointSummary>());
  for (let left = reader.varint(); left > 0; left--) {
    const name = reader.text();
    const block = reader.block();
    if (wanted.points === undefined || wanted.points.has(name)) readPoint(name, new ByteReader(block), points);
  }
  return windows.map((window, at) => ({
    window,
    count: counts[at] as number,
    firstMs: firstMs[at] as number,
    lastMs: lastMs[at] as number,
    periodMs: periodMs[at] as number,
    gaps: gaps[at] ?? noGaps,
    energy: energies === null ? noEnergy : energyAt(energies, at),
    firstPower: firstPower?.[at] ?? unknownPower,
    lastPower: lastPower?.[at] ?? unknownPower,
    points: points[at] as Map<string, PointSummary>,
  }));
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

function energyAt(energies: readonly Float64Array[], at: number): Energy {
  return Object.fromEntries(energyNames.map((name, index) => [name, energies[index]?.[at]])) as unknown as Energy;
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

function readPoint(name: string, reader: ByteReader, points: readonly Map<string, PointSummary>[]): void {
  const places = Array.from({ length: reader.varint() }, () => reader.byte());
  const [count, min, max, sum, first, last] = pointFigures.map(() => readNumbers(reader, places.length));
  for (let at = 0; at < places.length; at++) {
    points[places[at] as number]?.set(name, {
      count: count?.[at] as number,
      min: min?.[at] as number,
      max: max?.[at] as number,
      sum: sum?.[at] as number,
      first: first?.[at] as number,
      last: last?.[at] as number,
    });
  }
}
