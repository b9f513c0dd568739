import { type Energy, energyNames, noEnergy, type PowerPoint } from "../../algebra/energy.ts";
import type { LongStep } from "../../algebra/steps.ts";
import { windowsPerDay } from "../../algebra/window.ts";
import {
  asWasMeasured,
  type PointColumns,
  type PointSummary,
  type SummaryColumns,
  type WindowSummary,
} from "../../algebra/window-summary.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { readNumbers, writeNumbers } from "./number-column.ts";

/**
 * The window summaries of one device's day (UTC), a column a figure, so that a chart over years reads one row a day and of it only what it
 * shows. The format (docs/reference/block-format.md):
 *
 *     version u8 = 2
 *     count varint, then that many window numbers within the day, u8 each
 *     times    a block: number columns of samples, first ms, last ms, period ms, number of steps of more than 30 s;
 *              then a number column of all these steps' first ms and last ms, if there are any
 *     energy   a block: energies; then, at the first sample and at the last, number columns of the four powers; then the energies of the long steps
 *     points varint, then for each: name text, and
 *              a block: count varint, places (which of the windows have it, u8 each), number columns of count, min, max, sum, first, last
 *
 * A block is its length and its bytes. Energies are a byte each whose bits say which of the eight are known, then a number column of each. A power that
 * is not known is told by a flag (u8 each) before the powers' column.
 *
 * Version 1 has seven energies, all of them known, and of the steps only the longest eight, without energies: of these nothing was counted.
 */
const version = 2;
/** Energies of version 1. */
const energiesBefore = energyNames.slice(0, 7);

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
  readonly energies: readonly Energy[];
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
  column(({ longSteps }) => longSteps.length);
  const longSteps = summaries.flatMap((summary) => summary.longSteps);
  const edges = longSteps.flatMap(({ fromMs, toMs }) => [fromMs, toMs]);
  if (edges.length > 0) writeNumbers(blockWriter, edges);
  writer.block(blockWriter.bytes());

  blockWriter.clear();
  writeEnergies(summaries.map(({ energy }) => energy));
  for (const end of ["firstPower", "lastPower"] as const) {
    for (const name of powerNames) {
      for (const summary of summaries) blockWriter.byte(summary[end][name] === null ? 0 : 1);
      column((summary) => summary[end][name] ?? 0);
    }
  }
  writeEnergies(longSteps.map(({ energy }) => energy));
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

function writeEnergies(energies: readonly Energy[]): void {
  for (const energy of energies) {
    blockWriter.byte(energyNames.reduce((bits, name, bit) => (energy[name] === null ? bits : bits | (1 << bit)), 0));
  }
  for (const name of energyNames) {
    writeNumbers(
      blockWriter,
      energies.map((energy) => energy[name] ?? 0),
    );
  }
}

/** Whether a day was written before there was the version of today, so that it is to be made anew. Throws a RangeError where it is damaged. */
export function isOutdated(bytes: Uint8Array): boolean {
  return new ByteReader(bytes).byte() < version;
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
    longSteps: columns.longSteps[at] ?? [],
    energy: energy?.energies[at] as Energy,
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
  if (found < 1 || found > version) {
    throw new RangeError(`The day has version ${found}; this program reads 1 to ${version}.`);
  }
  const length = reader.varint();
  const windows = readPlaces(reader, length, day * windowsPerDay);
  const times = new ByteReader(reader.block());
  const count = readNumbers(times, length);
  const firstMs = readNumbers(times, length);
  const lastMs = readNumbers(times, length);
  const periodMs = readNumbers(times, length);
  const stepCounts = readNumbers(times, length);
  const stepCount = stepCounts.reduce((sum, each) => sum + each, 0);
  const edges = stepCount === 0 ? [] : readNumbers(times, 2 * stepCount);
  const energyReader = new ByteReader(reader.block());
  let energy = isEnergyWanted ? readEnergies(energyReader, firstMs, lastMs, found) : null;
  const stepEnergies = energy !== null && found > 1 ? readEnergyList(energyReader, stepCount, energyNames) : [];
  if (energy !== null && found === 1) energy = { ...energy, energies: asWasMeasured(energy) };
  let step = 0;
  const longSteps =
    stepCount === 0
      ? []
      : Array.from(stepCounts, (length) =>
          Array.from({ length }, (): LongStep => {
            const at = step++;
            const [fromMs, toMs] = [edges[2 * at] as number, edges[2 * at + 1] as number];
            return { fromMs, toMs, energy: stepEnergies[at] ?? noEnergy };
          }),
        );
  const points = Array.from({ length: reader.varint() }, (): [string, Buffer] => [reader.text(), reader.block()]);
  return { windows, count, firstMs, lastMs, periodMs, longSteps, energy, points };
}

function readEnergies(reader: ByteReader, firstMs: Float64Array, lastMs: Float64Array, found: number): EnergyColumns {
  const energies = readEnergyList(reader, firstMs.length, found === 1 ? energiesBefore : energyNames);
  return { energies, firstPower: readPowers(reader, firstMs), lastPower: readPowers(reader, lastMs) };
}

/** In version 1 all that it has are known. */
function readEnergyList(
  reader: ByteReader,
  count: number,
  names: typeof energyNames | typeof energiesBefore,
): Energy[] {
  const known = Array.from({ length: count }, () => (names === energyNames ? reader.byte() : 0xff));
  const columns = names.map((name) => [name, readNumbers(reader, count)] as const);
  return known.map((bits, at) => {
    const energy: Record<keyof Energy, number | null> = { ...noEnergy };
    for (const [bit, [name, values]] of columns.entries()) {
      if ((bits >> bit) & 1) energy[name] = values[at] as number;
    }
    return energy;
  });
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
