import { mergeSamples } from "../merge-samples.ts";
import type { PointValue } from "../point-value.ts";
import type { SampleColumns } from "../sample-columns.ts";
import type { RecordReader, SampleHeader } from "../sample-record.ts";
import type { MessageShape } from "./message-shape.ts";

/** A few samples of one device, as they come. */
interface Piece {
  columns(wanted: ReadonlySet<string> | undefined): SampleColumns;
}

/** Samples of one device and one window that are in the journal and not yet in a part. */
export class OpenSamples {
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

const firstRows = 16;
/** Before the points: observed, received, epoch, seq. Samples filed under the server's clock are not kept in rows. */
const headerWidth = 4;

/**
 * Samples whose messages have one shape, a row each: so a sample is written to one place in memory and not to as many as it has points, which
 * is what this costs with a thousand devices.
 */
class OpenRows implements Piece {
  readonly shape: MessageShape;
  readonly #width: number;
  #numbers: Float64Array;
  #tags: Uint16Array;
  #count = 0;
  /** What it takes in memory. */
  bytes: number;

  constructor(shape: MessageShape) {
    this.shape = shape;
    this.#width = headerWidth + shape.names.length;
    this.#numbers = new Float64Array(firstRows * this.#width);
    this.#tags = new Uint16Array(firstRows * this.#width);
    this.bytes = this.#numbers.byteLength + this.#tags.byteLength;
  }

  add(record: RecordReader): boolean {
    const at = this.#count * this.#width;
    if (at === this.#numbers.length) this.#grow();
    const numbers = this.#numbers;
    if (!this.shape.read(record, record.messageAt, record.end, numbers, this.#tags, at + headerWidth)) return false;
    numbers[at] = record.observedAtMs;
    numbers[at + 1] = record.receivedAtMs;
    numbers[at + 2] = record.epoch;
    numbers[at + 3] = record.seq;
    this.#count++;
    return true;
  }

  columns(wanted: ReadonlySet<string> | undefined): SampleColumns {
    const observedAtMs = this.#column(0);
    const points = new Map<string, ArrayLike<PointValue>>();
    for (const [index, name] of this.shape.names.entries()) {
      if (wanted === undefined || wanted.has(name)) points.set(name, this.#values(headerWidth + index));
    }
    return {
      count: this.#count,
      observedAtMs,
      receivedAtMs: this.#column(1),
      deviceTimeMs: observedAtMs,
      epoch: this.#column(2),
      seq: this.#column(3),
      serverClock: new Float64Array(this.#count),
      points,
    };
  }

  #column(offset: number): Float64Array {
    const column = new Float64Array(this.#count);
    for (let row = 0; row < column.length; row++) column[row] = this.#numbers[row * this.#width + offset] as number;
    return column;
  }

  #values(offset: number): ArrayLike<PointValue> {
    let isNumeric = true;
    for (let row = 0; row < this.#count; row++) if (this.#tags[row * this.#width + offset] !== 0) isNumeric = false;
    const numbers = this.#column(offset);
    if (isNumeric) return numbers;
    const values: PointValue[] = [];
    for (let row = 0; row < this.#count; row++) {
      const tag = this.#tags[row * this.#width + offset] as number;
      values.push(tag === 0 ? (numbers[row] as number) : this.shape.other(tag));
    }
    return values;
  }

  #grow(): void {
    const numbers = new Float64Array(2 * this.#numbers.length);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
    const tags = new Uint16Array(numbers.length);
    tags.set(this.#tags);
    this.#tags = tags;
    this.bytes = numbers.byteLength + tags.byteLength;
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
