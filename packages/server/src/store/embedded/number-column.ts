import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** How a column of numbers is written; the number is in the file format and never changes its meaning. */
const kinds = {
  /** As they are, 8 bytes each. */
  floats: 0,
  /** Scaled to integers, each written as its difference from the one before. For what drifts. */
  deltas: 1,
  /** The same, with the differences of these differences. For what grows evenly: times, counters. */
  deltasOfDeltas: 2,
  /** The same, with the differences from the first. For what jumps about. */
  offsets: 3,
} as const;

/** Largest number of decimals that is tried. */
const scaleMax = 9;
const powers = Array.from({ length: scaleMax + 1 }, (_, scale) => 10 ** scale);
/** Differences of two such integers, and differences of those, still fit a zigzag varint. */
const integerMax = 2 ** 49;

let integers = new Float64Array(1_024);

/**
 * Writes `values` so that they come back exactly. Where one power of ten makes integers of all of them, integers are written, in the way that
 * takes least; the check is that dividing gives the very number back. Everything else (more than nine decimals, −0, huge) is written as float64.
 */
export function writeNumbers(writer: ByteWriter, values: ArrayLike<number>): void {
  const count = values.length;
  const scale = scaleToIntegers(values);
  if (scale === null) {
    writer.byte(kinds.floats);
    for (let at = 0; at < count; at++) writer.float64(values[at] as number);
    return;
  }
  const kind = cheapestKind(count);
  writer.byte(kind);
  writer.byte(scale);
  const first = integers[0] as number;
  let before = 0;
  let deltaBefore = 0;
  for (let at = 0; at < count; at++) {
    const integer = integers[at] as number;
    const delta = integer - before;
    if (kind === kinds.offsets) writer.zigzag(at === 0 ? first : integer - first);
    else if (kind === kinds.deltas) writer.zigzag(delta);
    else writer.zigzag(delta - deltaBefore);
    before = integer;
    deltaBefore = delta;
  }
}

/** Reads `count` numbers into a new array. Throws a RangeError for a kind that this version does not know. */
export function readNumbers(reader: ByteReader, count: number): Float64Array {
  const values = new Float64Array(count);
  const kind = reader.byte();
  if (kind === kinds.floats) {
    for (let at = 0; at < count; at++) values[at] = reader.float64();
    return values;
  }
  if (kind > kinds.offsets) throw new RangeError(`A column has the unknown kind ${kind}.`);
  const power = powers[reader.byte()];
  if (power === undefined) throw new RangeError("A column has an unknown scale.");
  let first = 0;
  let integer = 0;
  let delta = 0;
  for (let at = 0; at < count; at++) {
    const written = reader.zigzag();
    if (kind === kinds.offsets) {
      integer = first + written;
      if (at === 0) first = integer;
    } else {
      delta = kind === kinds.deltas ? written : delta + written;
      integer += delta;
    }
    values[at] = integer / power;
  }
  return values;
}

/** Puts the scaled values into `integers`, and gives the least number of decimals that holds all of them exactly, or null. */
function scaleToIntegers(values: ArrayLike<number>): number | null {
  const count = values.length;
  if (integers.length < count) integers = new Float64Array(2 * count);
  let scale = 0;
  let power = 1;
  for (let at = 0; at < count; at++) {
    const value = values[at] as number;
    while (Math.round(value * power) / power !== value) {
      if (scale === scaleMax) return null;
      power = powers[++scale] as number;
    }
  }
  // Once more at the scale that was found: those before it were tried at smaller ones.
  for (let at = 0; at < count; at++) {
    const value = values[at] as number;
    const integer = Math.round(value * power);
    const isExact = integer <= integerMax && integer >= -integerMax && integer / power === value;
    if (!isExact || (integer === 0 && Object.is(value, -0))) return null;
    integers[at] = integer;
  }
  return scale;
}

/** What is small takes few bytes as a varint, and fewer still once zstd has seen it: the way with the smallest differences wins. */
function cheapestKind(count: number): number {
  let offsets = 0;
  let deltas = 0;
  let deltasOfDeltas = 0;
  const first = integers[0] as number;
  let before = first;
  let deltaBefore = 0;
  for (let at = 1; at < count; at++) {
    const integer = integers[at] as number;
    const delta = integer - before;
    offsets += Math.abs(integer - first);
    deltas += Math.abs(delta);
    deltasOfDeltas += Math.abs(delta - deltaBefore);
    before = integer;
    deltaBefore = delta;
  }
  if (deltas <= deltasOfDeltas && deltas <= offsets) return kinds.deltas;
  return deltasOfDeltas <= offsets ? kinds.deltasOfDeltas : kinds.offsets;
}
