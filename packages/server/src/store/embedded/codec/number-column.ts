import { takeNumbers } from "../../algebra/number-pool.ts";
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
  /** One number, written once as 8 bytes, stands for all. */
  constant: 4,
} as const;

/** Fewer equal numbers than this take no more as deltas. */
const constantMin = 8;
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
  if (count >= constantMin && isConstant(values)) {
    writer.byte(kinds.constant);
    writer.float64(values[0] as number);
    return;
  }
  const scale = scaleToIntegers(values);
  if (scale === null) {
    writer.byte(kinds.floats);
    for (let at = 0; at < count; at++) writer.float64(values[at] as number);
    return;
  }
  const kind = cheapestKind(count);
  writer.byte(kind);
  writer.byte(scale);
  if (kind === kinds.offsets) subtractFirst(count);
  writer.zigzags(integers, count, kind === kinds.offsets ? 0 : kind === kinds.deltas ? 1 : 2);
}

function isConstant(values: ArrayLike<number>): boolean {
  const first = values[0];
  for (let at = 1; at < values.length; at++) if (!Object.is(values[at], first)) return false;
  return true;
}

/** Turns `integers` into their differences from the first, which stays. */
function subtractFirst(count: number): void {
  const first = integers[0] as number;
  for (let at = 1; at < count; at++) integers[at] = (integers[at] as number) - first;
}

/** Reads `count` numbers into a new array. Throws a RangeError for a kind that this version does not know. */
export function readNumbers(reader: ByteReader, count: number): Float64Array {
  const values = takeNumbers(count);
  const kind = reader.byte();
  if (kind === kinds.floats) {
    for (let at = 0; at < count; at++) values[at] = reader.float64();
    return values;
  }
  if (kind === kinds.constant) return values.fill(reader.float64());
  if (kind > kinds.constant) throw new RangeError(`A column has the unknown kind ${kind}.`);
  const power = powers[reader.byte()];
  if (power === undefined) throw new RangeError("A column has an unknown scale.");
  reader.zigzags(values);
  if (kind === kinds.offsets) {
    const first = values[0] as number;
    for (let at = 1; at < count; at++) values[at] = first + (values[at] as number);
  } else addBefore(values);
  if (kind === kinds.deltasOfDeltas) addBefore(values);
  if (power > 1) for (let at = 0; at < count; at++) values[at] = (values[at] as number) / power;
  return values;
}

function addBefore(values: Float64Array): void {
  let sum = 0;
  for (let at = 0; at < values.length; at++) {
    sum += values[at] as number;
    values[at] = sum;
  }
}

/** Puts the scaled values into `integers`, and gives the least number of decimals that holds all of them exactly, or null. */
function scaleToIntegers(values: ArrayLike<number>): number | null {
  const count = values.length;
  if (integers.length < count) integers = new Float64Array(2 * count);
  let scale = 0;
  let power = 1;
  for (let at = 0; at < count; at++) {
    const value = values[at] as number;
    const integer = Math.round(value * power);
    // At more decimals it is larger still.
    if (!(Math.abs(integer) <= integerMax) || (integer === 0 && Object.is(value, -0))) return null;
    integers[at] = integer;
    if (integer / power === value) continue;
    if (scale === scaleMax) return null;
    power = powers[++scale] as number;
    // Those before it were scaled by less; the first value most often has as many decimals as any.
    at = -1;
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
