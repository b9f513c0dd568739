import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { PointValue } from "../point-value.ts";
import type { SampleColumns } from "../sample-columns.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { readNumbers, writeNumbers } from "./number-column.ts";

/**
 * Many samples of one device, a column a point. The format (docs/reference/block-format.md):
 *
 *     version u8 = 1, then zstd of:
 *       count varint
 *       observed                         number column (number-column.ts), ms
 *       received − observed, epoch, seq  number columns
 *       clock                            runs of 0 (device) and 1 (server)
 *       device time − observed           number column, of the samples under the server's clock only, if there are any
 *       points varint, then for each:    name text, length varint, column
 *     column:
 *       kinds                            runs of the kinds below, one for each sample
 *       numbers                          the values of kind `number`, if there are any
 *       texts varint, texts              the distinct texts and flag lists, if there are any; then runs of their places
 */
const version = 1;

/** A value's kind; the number is in the file format and never changes its meaning. */
const kinds = { missing: 0, null: 1, false: 2, true: 3, number: 4, text: 5, list: 6 } as const;

const scratch = new ByteWriter();
const columnScratch = new ByteWriter();

/** Encodes a block. `level` is zstd's: low for blocks that will be merged soon, higher for those that stay. */
export function encodeBlock(columns: SampleColumns, level = 3): Buffer {
  const writer = scratch;
  writer.clear();
  writer.varint(columns.count);
  writeNumbers(writer, columns.observedAtMs);
  writeTimesBeside(writer, columns.receivedAtMs, columns.observedAtMs);
  writeNumbers(writer, columns.epoch);
  writeNumbers(writer, columns.seq);
  writeRuns(writer, columns.serverClock);
  const filedOtherwise = placesOf(columns.serverClock);
  if (filedOtherwise.length > 0) {
    const told = filedOtherwise.map((at) => columns.deviceTimeMs[at] as number);
    writeTimesBeside(
      writer,
      told,
      filedOtherwise.map((at) => columns.observedAtMs[at] as number),
    );
  }
  writer.varint(columns.points.size);
  for (const [name, values] of columns.points) {
    writer.text(name);
    columnScratch.clear();
    writePoint(columnScratch, values);
    writer.block(columnScratch.bytes());
  }
  const body = zstdCompressSync(writer.bytes(), { params: { [constants.ZSTD_c_compressionLevel]: level } });
  return Buffer.concat([Buffer.of(version), body]);
}

/**
 * Decodes a block; with `wanted`, only those points. Throws a RangeError where it is damaged or of a version that this program does not know.
 */
export function decodeBlock(block: Uint8Array, wanted?: ReadonlySet<string>): SampleColumns {
  if (block[0] !== version) throw new RangeError(`The block has version ${block[0]}; this program reads ${version}.`);
  const reader = new ByteReader(zstdDecompressSync(block.subarray(1)));
  const count = reader.varint();
  const observedAtMs = readNumbers(reader, count);
  const receivedAtMs = readTimesBeside(reader, observedAtMs);
  const epoch = readNumbers(reader, count);
  const seq = readNumbers(reader, count);
  const serverClock = readRuns(reader, count);
  const filedOtherwise = placesOf(serverClock);
  let deviceTimeMs = observedAtMs;
  if (filedOtherwise.length > 0) {
    deviceTimeMs = observedAtMs.slice();
    const told = readTimesBeside(
      reader,
      Float64Array.from(filedOtherwise, (at) => observedAtMs[at] as number),
    );
    for (const [index, at] of filedOtherwise.entries()) deviceTimeMs[at] = told[index] as number;
  }
  const points = new Map<string, ArrayLike<PointValue | undefined>>();
  for (let left = reader.varint(); left > 0; left--) {
    const name = reader.text();
    const column = reader.block();
    if (wanted === undefined || wanted.has(name)) points.set(name, readPoint(new ByteReader(column), count));
  }
  return { count, observedAtMs, receivedAtMs, deviceTimeMs, epoch, seq, serverClock, points };
}

/** Times that lie close to others: their difference jumps about little. Written as they are where they are not whole numbers. */
function writeTimesBeside(writer: ByteWriter, times: ArrayLike<number>, others: ArrayLike<number>): void {
  const apart = new Float64Array(times.length);
  let isExact = true;
  for (let at = 0; at < apart.length; at++) {
    apart[at] = (times[at] as number) - (others[at] as number);
    if (!Object.is((others[at] as number) + (apart[at] as number), times[at])) isExact = false;
  }
  writer.byte(isExact ? 1 : 0);
  writeNumbers(writer, isExact ? apart : times);
}

function readTimesBeside(reader: ByteReader, others: ArrayLike<number>): Float64Array {
  const isApart = reader.byte() === 1;
  const times = readNumbers(reader, others.length);
  if (isApart) {
    for (let at = 0; at < times.length; at++) times[at] = (others[at] as number) + (times[at] as number);
  }
  return times;
}

/** Where the flag is set. */
function placesOf(flags: ArrayLike<number>): number[] {
  const places: number[] = [];
  for (let at = 0; at < flags.length; at++) if (flags[at] === 1) places.push(at);
  return places;
}

function writePoint(writer: ByteWriter, values: ArrayLike<PointValue | undefined>): void {
  if (values instanceof Float64Array && values.length > 0) {
    writer.varint(kinds.number);
    writer.varint(values.length);
    writeNumbers(writer, values);
    return;
  }
  const kindsOf = new Uint8Array(values.length);
  const numbers: number[] = [];
  const texts: string[] = [];
  // The same list follows itself most of the time, as the same object.
  let list: PointValue | undefined;
  let listText = "";
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    const kind = kindOf(value);
    kindsOf[at] = kind;
    if (kind === kinds.number) numbers.push(value as number);
    else if (kind === kinds.text) texts.push(value as string);
    else if (kind === kinds.list) {
      if (value !== list) listText = JSON.stringify(value);
      list = value;
      texts.push(listText);
    }
  }
  writeRuns(writer, kindsOf);
  if (numbers.length > 0) writeNumbers(writer, numbers);
  if (texts.length > 0) writeTexts(writer, texts);
}

function readPoint(reader: ByteReader, count: number): ArrayLike<PointValue | undefined> {
  const kindsOf = readRuns(reader, count);
  let numberCount = 0;
  let textCount = 0;
  for (const kind of kindsOf) {
    if (kind === kinds.number) numberCount++;
    else if (kind === kinds.text || kind === kinds.list) textCount++;
  }
  const numbers = numberCount > 0 ? readNumbers(reader, numberCount) : new Float64Array(0);
  if (numberCount === count) return numbers;
  const texts = textCount > 0 ? readTexts(reader, textCount) : [];
  let numberAt = 0;
  let textAt = 0;
  const lists = new Map<string, readonly string[]>();
  return Array.from(kindsOf, (kind): PointValue | undefined => {
    switch (kind) {
      case kinds.missing:
        return undefined;
      case kinds.null:
        return null;
      case kinds.false:
        return false;
      case kinds.true:
        return true;
      case kinds.number:
        return numbers[numberAt++];
      case kinds.text:
        return texts[textAt++];
      case kinds.list: {
        const text = texts[textAt++] ?? "[]";
        const list = lists.get(text) ?? (JSON.parse(text) as string[]);
        lists.set(text, list);
        return list;
      }
      default:
        throw new RangeError(`A value has the unknown kind ${kind}.`);
    }
  });
}

function kindOf(value: PointValue | undefined): number {
  switch (typeof value) {
    case "number":
      return kinds.number;
    case "string":
      return kinds.text;
    case "boolean":
      return value ? kinds.true : kinds.false;
    case "undefined":
      return kinds.missing;
    default:
      return value === null ? kinds.null : kinds.list;
  }
}

/** Distinct texts in order of their first use, then runs of their places. */
function writeTexts(writer: ByteWriter, texts: readonly string[]): void {
  const places = new Map<string, number>();
  let before = "";
  let place = -1;
  const placeOf = texts.map((text) => {
    if (text === before && place !== -1) return place;
    before = text;
    place = places.get(text) ?? places.size;
    places.set(text, place);
    return place;
  });
  writer.varint(places.size);
  for (const text of places.keys()) writer.text(text);
  writeRuns(writer, placeOf);
}

function readTexts(reader: ByteReader, count: number): string[] {
  const distinct = Array.from({ length: reader.varint() }, () => reader.text());
  return Array.from(readRuns(reader, count), (place) => {
    const text = distinct[place];
    if (text === undefined) throw new RangeError("A text is missing from its block.");
    return text;
  });
}

/** Equal small integers that follow one another: value, length, value, length, … */
function writeRuns(writer: ByteWriter, values: ArrayLike<number>): void {
  for (let at = 0; at < values.length; ) {
    const value = values[at] as number;
    let end = at + 1;
    while (end < values.length && values[end] === value) end++;
    writer.varint(value);
    writer.varint(end - at);
    at = end;
  }
}

function readRuns(reader: ByteReader, count: number): Uint32Array {
  const values = new Uint32Array(count);
  for (let at = 0; at < count; ) {
    const value = reader.varint();
    const length = reader.varint();
    if (length === 0 || at + length > count) throw new RangeError("A run does not fit its block.");
    values.fill(value, at, at + length);
    at += length;
  }
  return values;
}
