import { type EnergyStream, energyStreams } from "../algebra/energy.ts";
import type { SampleColumns } from "../algebra/sample-columns.ts";
import { windowMs } from "../algebra/window.ts";
import { ByteReader } from "./codec/byte-reader.ts";
import { ByteWriter } from "./codec/byte-writer.ts";
import { readNumbers, writeNumbers } from "./codec/number-column.ts";

export const minuteMs = 60_000;
const minutesPerWindow = windowMs / minuteMs;

const version = 1;

/** Sums and counts of one power in each minute of one window. */
export class MinuteSums {
  readonly sums = new Float64Array(minutesPerWindow);
  readonly counts = new Float64Array(minutesPerWindow);

  addSamples({ count, observedAtMs, points }: SampleColumns, window: number, stream: EnergyStream): void {
    const values = points.get(stream);
    if (values === undefined) return;
    const startMs = window * windowMs;
    for (let at = 0; at < count; ) {
      // What lies in one minute follows one another.
      const minute = Math.floor(((observedAtMs[at] as number) - startMs) / minuteMs);
      const endMs = startMs + (minute + 1) * minuteMs;
      let sum = 0;
      let found = 0;
      for (; at < count && (observedAtMs[at] as number) < endMs; at++) {
        const value = values[at];
        if (typeof value !== "number") continue;
        sum += value;
        found++;
      }
      this.#add(minute, sum, found);
    }
  }

  /** Adds what `encodeMinutes` wrote. */
  addEncoded(bytes: Uint8Array, stream: EnergyStream): void {
    const reader = new ByteReader(bytes);
    const found = reader.byte();
    if (found !== version) throw new RangeError(`The minutes have version ${found}; this program reads ${version}.`);
    for (const each of energyStreams) {
      const column = reader.block();
      if (column.length === 0) throw new RangeError("The minutes end too early.");
      if (each === stream) this.#addColumn(new ByteReader(column));
    }
  }

  #addColumn(reader: ByteReader): void {
    const present = reader.varint();
    const places: number[] = [];
    for (let minute = 0; minute < minutesPerWindow; minute++) if ((present >> minute) & 1) places.push(minute);
    if (places.length === 0) return;
    const counts = readNumbers(reader, places.length);
    const sums = readNumbers(reader, places.length);
    for (const [at, minute] of places.entries()) this.#add(minute, sums[at] as number, counts[at] as number);
  }

  #add(minute: number, sum: number, count: number): void {
    this.sums[minute] = (this.sums[minute] as number) + sum;
    this.counts[minute] = (this.counts[minute] as number) + count;
  }
}

const writer = new ByteWriter();
const columnWriter = new ByteWriter();

/**
 * The powers' sums in each minute of a window, so that a chart of the whole fleet reads a few bytes of each device's block. The format
 * (docs/reference/block-format.md): version u8 = 1, then for each of `energyStreams`, its length varint and
 * minutes that have it (varint, bit 0 is the first), counts, sums rounded to mW (number columns).
 */
export function encodeMinutes(columns: SampleColumns, window: number): Buffer {
  writer.clear();
  writer.byte(version);
  for (const stream of energyStreams) {
    const minutes = new MinuteSums();
    minutes.addSamples(columns, window, stream);
    columnWriter.clear();
    const places: number[] = [];
    let present = 0;
    for (let minute = 0; minute < minutesPerWindow; minute++) {
      if (minutes.counts[minute] === 0) continue;
      places.push(minute);
      present |= 1 << minute;
    }
    columnWriter.varint(present);
    if (places.length > 0) {
      writeNumbers(
        columnWriter,
        places.map((minute) => minutes.counts[minute] as number),
      );
      writeNumbers(
        columnWriter,
        places.map((minute) => Math.round((minutes.sums[minute] as number) * 1_000) / 1_000),
      );
    }
    writer.block(columnWriter.bytes());
  }
  return Buffer.from(writer.bytes());
}
