import { mergeSamples } from "../algebra/merge-samples.ts";
import { takeNumbers } from "../algebra/number-pool.ts";
import type { PointValue } from "../algebra/point-value.ts";
import type { SampleColumns } from "../algebra/sample-columns.ts";
import type { RecordReader, SampleHeader } from "../sample-record.ts";
import type { MessageShape } from "./codec/message-shape.ts";

/** A few samples of one device, as they come. */
interface Piece {
  columns(wanted: ReadonlySet<string> | undefined): SampleColumns;
}

/** Samples of one device and one window that are in the journal and not yet in a part. */
export class Head {
  readonly window: number;
  /** The oldest journal row that holds one of these samples. */
  readonly journalId: number;
  readonly openedAtMs: number;
  readonly #rows: OpenRows[] = [];
  #columns: OpenColumns | null = null;
  /** What it takes in memory, roughly. */
  bytes = 0;

  constructor(window: number, journalId: number, openedAtMs: number) {
    this.window = window;
    this.journalId = journalId;
    this.openedAtMs = openedAtMs;
  }

  /** Adds a record whose message is of that shape; false where it has another. */
  addShaped(record: RecordReader, shape: MessageShape): boolean {
    let rows = this.#rows.find((each) => each.shape === shape);
    if (rows !== undefined) {
      const bytesBefore = rows.bytes;
      const isAdded = rows.add(record);
      this.bytes += rows.bytes - bytesBefore;
      return isAdded;
    }
    rows = new OpenRows(shape);
    if (!rows.add(record)) return false;
    this.#rows.push(rows);
    this.bytes += rows.bytes;
    return true;
  }

  /** Adds a sample of no known shape. */
  addPoints(header: SampleHeader, deviceTimeMs: number, points: Iterable<[name: string, value: PointValue]>): void {
    this.#columns ??= new OpenColumns();
    this.bytes += this.#columns.add(header, deviceTimeMs, points);
  }

  /** All of them, in order; with `wanted`, only those points. */
  columns(wanted?: ReadonlySet<string>): SampleColumns {
    const pieces: Piece[] = this.#columns === null ? this.#rows : [...this.#rows, this.#columns];
    return mergeSamples(pieces.map((piece) => piece.columns(wanted)));
  }
}

/** Rows that are made at once: more would lie empty where many devices are there, fewer take longer. */
const rowsPerChunk = 16;
/** What the two arrays of a chunk take besides their numbers, roughly. */
const chunkOverheadBytes = 512;
/** Before the points: observed, received, epoch, seq. Samples filed under the server's clock are not kept in rows. */
const headerWidth = 4;

/** Some rows: their numbers, and tags at the same places for what is no number. */
interface Chunk {
  readonly numbers: Float64Array;
  readonly tags: Uint16Array;
}

/**
 * Samples whose messages have one shape, a row each: so a sample is written to one place in memory and not to as many as it has points, which
 * is what this costs with a thousand devices.
 */
class OpenRows implements Piece {
  readonly shape: MessageShape;
  readonly #width: number;
  readonly #chunks: Chunk[] = [];
  #last: Chunk;
  #count = 0;
  /** What it takes in memory. */
  bytes = 0;

  constructor(shape: MessageShape) {
    this.shape = shape;
    this.#width = headerWidth + shape.names.length;
    this.#last = this.#grow();
  }

  add(record: RecordReader): boolean {
    const row = this.#count % rowsPerChunk;
    if (row === 0 && this.#count === rowsPerChunk * this.#chunks.length) this.#last = this.#grow();
    const { numbers, tags } = this.#last;
    const at = row * this.#width;
    if (!this.shape.read(record, record.messageAt, record.end, numbers, tags, at + headerWidth)) return false;
    numbers[at] = record.observedAtMs;
    numbers[at + 1] = record.receivedAtMs;
    numbers[at + 2] = record.epoch;
    numbers[at + 3] = record.seq;
    this.#count++;
    return true;
  }

  columns(wanted: ReadonlySet<string> | undefined): SampleColumns {
    const { names } = this.shape;
    const header = Array.from({ length: headerWidth }, (_, index) => index);
    const kept = names.flatMap((name, index) => (wanted === undefined || wanted.has(name) ? [index] : []));
    const [observedAtMs, receivedAtMs, epoch, seq, ...numbers] = this.#columnsAt([
      ...header,
      ...kept.map((index) => headerWidth + index),
    ]) as [Float64Array, Float64Array, Float64Array, Float64Array, ...Float64Array[]];
    return {
      count: this.#count,
      observedAtMs,
      receivedAtMs,
      deviceTimeMs: observedAtMs,
      epoch,
      seq,
      serverClock: new Uint8Array(this.#count),
      points: new Map(
        kept.map((index, place) => [names[index] as string, this.#values(index, numbers[place] as Float64Array)]),
      ),
    };
  }

  /** Columns of the rows' numbers. Rows outside, columns inside: a few rows stay in the processor's cache while they are turned around. */
  #columnsAt(offsets: readonly number[]): Float64Array[] {
    const count = this.#count;
    const columns = offsets.map(() => takeNumbers(count));
    for (const [index, { numbers }] of this.#chunks.entries()) {
      const first = index * rowsPerChunk;
      const end = Math.min(count, first + rowsPerChunk);
      for (let place = 0; place < columns.length; place++) {
        const column = columns[place] as Float64Array;
        let from = offsets[place] as number;
        for (let row = first; row < end; row++, from += this.#width) column[row] = numbers[from] as number;
      }
    }
    return columns;
  }

  /** One point's values, where some may be no numbers. */
  #values(index: number, numbers: Float64Array): ArrayLike<PointValue> {
    const count = this.#count;
    let values: PointValue[] | null = null;
    let known = 0;
    let other: PointValue = null;
    let row = 0;
    for (const { tags } of this.#chunks) {
      let from = headerWidth + index;
      const end = Math.min(count, row + rowsPerChunk);
      for (; row < end; row++, from += this.#width) {
        const tag = tags[from] as number;
        if (tag !== 0) {
          if (tag !== known) other = this.shape.other(tag);
          known = tag;
          if (values === null) {
            values = new Array<PointValue>(count).fill(null);
            for (let at = 0; at < row; at++) values[at] = numbers[at] as number;
          }
          values[row] = other;
        } else if (values !== null) values[row] = numbers[row] as number;
      }
    }
    return values ?? numbers;
  }

  #grow(): Chunk {
    const numbers = new Float64Array(rowsPerChunk * this.#width);
    const chunk = { numbers, tags: new Uint16Array(numbers.length) };
    this.#chunks.push(chunk);
    this.bytes += chunk.numbers.byteLength + chunk.tags.byteLength + chunkOverheadBytes;
    return chunk;
  }
}

/** Cost of one value in memory, bytes, roughly. */
const valueBytes = 12;
/** Figures of a sample that are no points. */
const figureCount = 6;

/** Samples of all kinds of shapes, a column a point. */
class OpenColumns implements Piece {
  #count = 0;
  readonly #observedAtMs: number[] = [];
  readonly #receivedAtMs: number[] = [];
  readonly #deviceTimeMs: number[] = [];
  readonly #epoch: number[] = [];
  readonly #seq: number[] = [];
  readonly #serverClock: number[] = [];
  readonly #points = new Map<string, (PointValue | undefined)[]>();

  /** Gives the bytes that it takes, roughly. */
  add(header: SampleHeader, deviceTimeMs: number, points: Iterable<[name: string, value: PointValue]>): number {
    this.#observedAtMs.push(header.observedAtMs);
    this.#receivedAtMs.push(header.receivedAtMs);
    this.#deviceTimeMs.push(deviceTimeMs);
    this.#epoch.push(header.epoch);
    this.#seq.push(header.seq);
    this.#serverClock.push(header.clock === "server" ? 1 : 0);
    for (const [name, value] of points) {
      let column = this.#points.get(name);
      if (column === undefined) {
        column = [];
        this.#points.set(name, column);
      }
      while (column.length < this.#count) column.push(undefined);
      column.push(value);
    }
    this.#count++;
    return (this.#points.size + figureCount) * valueBytes;
  }

  /** A copy of what may still grow. */
  columns(wanted: ReadonlySet<string> | undefined): SampleColumns {
    const points = new Map<string, ArrayLike<PointValue | undefined>>();
    for (const [name, column] of this.#points) {
      if (wanted?.has(name) === false) continue;
      points.set(
        name,
        Array.from({ length: this.#count }, (_, at) => column[at]),
      );
    }
    return {
      count: this.#count,
      observedAtMs: Float64Array.from(this.#observedAtMs),
      receivedAtMs: Float64Array.from(this.#receivedAtMs),
      deviceTimeMs: Float64Array.from(this.#deviceTimeMs),
      epoch: Float64Array.from(this.#epoch),
      seq: Float64Array.from(this.#seq),
      serverClock: Float64Array.from(this.#serverClock),
      points,
    };
  }
}
