import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { PointValue } from "../../algebra/point-value.ts";
import type { SampleColumns } from "../../algebra/sample-columns.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { readNumbers, writeNumbers } from "./number-column.ts";
import { readPoint, writePoint } from "./point-column.ts";
import { readRuns, writeRuns } from "./runs.ts";

/**
 * Many samples of one device, a column a point. The format (docs/reference/block-format.md):
 *
 *     version u8 = 2, then zstd of:
 *       count varint
 *       observed                         number column (number-column.ts), ms
 *       length varint, then the identity
 *       points varint, then for each:    name text, length varint, column (point-column.ts)
 *     identity:
 *       received − observed, epoch, seq  number columns
 *       clock                            runs of 0 (device) and 1 (server)
 *       device time − observed           number column, of the samples under the server's clock only, if there are any
 *
 * In version 1, which is still read, the identity's length is left out.
 */
const version = 2;
const oldVersion = 1;

/** More makes blocks of such columns no smaller, and takes three times as long. */
const fast = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

const scratch = new ByteWriter();
const columnScratch = new ByteWriter();

/** Encodes samples that are merged: in the order of the port, each once. */
export function encodeBlock(columns: SampleColumns): Buffer {
  const writer = scratch;
  writer.clear();
  writer.varint(columns.count);
  writeNumbers(writer, columns.observedAtMs);
  columnScratch.clear();
  writeIdentity(columnScratch, columns);
  writer.block(columnScratch.bytes());
  writer.varint(columns.points.size);
  for (const [name, values] of columns.points) {
    writer.text(name);
    columnScratch.clear();
    writePoint(columnScratch, values);
    writer.block(columnScratch.bytes());
  }
  return Buffer.concat([Buffer.of(version), zstdCompressSync(writer.bytes(), fast)]);
}

/**
 * Decodes a block; with `wanted`, only those points. What tells who a sample is (received, epoch, seq, clock, device time) is decoded when it is
 * first asked for, or at once where it may be damaged (`isDoubtful`). Throws a RangeError where it is damaged or of a version that this program does
 * not know.
 */
export function decodeBlock(block: Uint8Array, wanted?: ReadonlySet<string>, isDoubtful = false): SampleColumns {
  const found = block[0];
  if (found !== version && found !== oldVersion) {
    throw new RangeError(`The block has version ${found}; this program reads ${oldVersion} and ${version}.`);
  }
  const reader = new ByteReader(zstdDecompressSync(block.subarray(1)));
  const count = reader.varint();
  const observedAtMs = readNumbers(reader, count);
  const known = found === version ? new ByteReader(reader.block()) : readIdentity(reader, observedAtMs);
  const identity = isDoubtful && known instanceof ByteReader ? readIdentity(known, observedAtMs) : known;
  const points = new Map<string, ArrayLike<PointValue | undefined>>();
  for (let left = reader.varint(); left > 0; left--) {
    const name = reader.text();
    const column = reader.block();
    if (wanted === undefined || wanted.has(name)) points.set(name, readPoint(new ByteReader(column), count));
  }
  return new BlockColumns(observedAtMs, identity, points);
}

/** What tells one sample from another, and how it came. */
type Identity = Pick<SampleColumns, "receivedAtMs" | "deviceTimeMs" | "epoch" | "seq" | "serverClock">;

class BlockColumns implements SampleColumns {
  readonly observedAtMs: Float64Array;
  readonly points: ReadonlyMap<string, ArrayLike<PointValue | undefined>>;
  readonly isMerged = true;
  #identity: Identity | ByteReader;

  constructor(
    observedAtMs: Float64Array,
    identity: Identity | ByteReader,
    points: ReadonlyMap<string, ArrayLike<PointValue | undefined>>,
  ) {
    this.observedAtMs = observedAtMs;
    this.#identity = identity;
    this.points = points;
  }

  get count(): number {
    return this.observedAtMs.length;
  }

  get receivedAtMs(): ArrayLike<number> {
    return this.#known().receivedAtMs;
  }

  get deviceTimeMs(): ArrayLike<number> {
    return this.#known().deviceTimeMs;
  }

  get epoch(): ArrayLike<number> {
    return this.#known().epoch;
  }

  get seq(): ArrayLike<number> {
    return this.#known().seq;
  }

  get serverClock(): ArrayLike<number> {
    return this.#known().serverClock;
  }

  #known(): Identity {
    if (this.#identity instanceof ByteReader) this.#identity = readIdentity(this.#identity, this.observedAtMs);
    return this.#identity;
  }
}

function writeIdentity(writer: ByteWriter, columns: SampleColumns): void {
  const { observedAtMs, deviceTimeMs, serverClock } = columns;
  writeTimesBeside(writer, columns.receivedAtMs, observedAtMs);
  writeNumbers(writer, columns.epoch);
  writeNumbers(writer, columns.seq);
  writeRuns(writer, serverClock);
  const filedOtherwise = placesOf(serverClock);
  if (filedOtherwise.length === 0) return;
  const told = filedOtherwise.map((at) => deviceTimeMs[at] as number);
  writeTimesBeside(
    writer,
    told,
    filedOtherwise.map((at) => observedAtMs[at] as number),
  );
}

function readIdentity(reader: ByteReader, observedAtMs: Float64Array): Identity {
  const count = observedAtMs.length;
  const receivedAtMs = readTimesBeside(reader, observedAtMs);
  const epoch = readNumbers(reader, count);
  const seq = readNumbers(reader, count);
  const serverClock = new Uint8Array(count);
  readRuns(reader, count).each((flag, start, end) => serverClock.fill(flag, start, end));
  const filedOtherwise = placesOf(serverClock);
  if (filedOtherwise.length === 0) return { receivedAtMs, deviceTimeMs: observedAtMs, epoch, seq, serverClock };
  const deviceTimeMs = observedAtMs.slice();
  const told = readTimesBeside(
    reader,
    Float64Array.from(filedOtherwise, (at) => observedAtMs[at] as number),
  );
  for (const [index, at] of filedOtherwise.entries()) deviceTimeMs[at] = told[index] as number;
  return { receivedAtMs, deviceTimeMs, epoch, seq, serverClock };
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
