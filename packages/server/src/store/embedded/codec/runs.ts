import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** Small integers of which equal ones follow one another: value, length, value, length, … */
export class Runs {
  readonly #pairs: number[] = [];

  add(value: number, length: number): void {
    const last = this.#pairs.length - 2;
    if (last >= 0 && this.#pairs[last] === value) this.#pairs[last + 1] = (this.#pairs[last + 1] as number) + length;
    else this.#pairs.push(value, length);
  }

  /** How many have that value. */
  lengthOf(value: number): number {
    let length = 0;
    for (let at = 0; at < this.#pairs.length; at += 2) {
      if (this.#pairs[at] === value) length += this.#pairs[at + 1] as number;
    }
    return length;
  }

  /** Calls `task` with each run: its value, where it begins, and where it ends. */
  each(task: (value: number, start: number, end: number) => void): void {
    let start = 0;
    for (let at = 0; at < this.#pairs.length; at += 2) {
      const end = start + (this.#pairs[at + 1] as number);
      task(this.#pairs[at] as number, start, end);
      start = end;
    }
  }

  write(writer: ByteWriter): void {
    for (const each of this.#pairs) writer.varint(each);
  }
}

export function writeRuns(writer: ByteWriter, values: ArrayLike<number>): void {
  const runs = new Runs();
  for (let at = 0; at < values.length; ) {
    const start = at++;
    while (at < values.length && values[at] === values[start]) at++;
    runs.add(values[start] as number, at - start);
  }
  runs.write(writer);
}

/** Reads runs of `count` values together. */
export function readRuns(reader: ByteReader, count: number): Runs {
  const runs = new Runs();
  for (let left = count; left > 0; ) {
    const value = reader.varint();
    const length = reader.varint();
    if (length === 0 || length > left) throw new RangeError("A run does not fit its block.");
    runs.add(value, length);
    left -= length;
  }
  return runs;
}
