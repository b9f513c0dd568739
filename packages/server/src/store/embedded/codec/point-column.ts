import type { PointValue } from "../../algebra/point-value.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { readNumbers, writeNumbers } from "./number-column.ts";
import { Runs, readRuns } from "./runs.ts";

/** A value's kind; the number is in the file format and never changes its meaning. */
const kinds = { missing: 0, null: 1, false: 2, true: 3, number: 4, text: 5, list: 6 } as const;

/**
 * Writes one point's values, an entry a sample, so that they come back exactly (docs/reference/block-format.md): runs of their kinds, the
 * numbers, the distinct texts and lists, and runs of these texts' places.
 */
export function writePoint(writer: ByteWriter, values: ArrayLike<PointValue | undefined>): void {
  const count = values.length;
  const kindsOf = new Runs();
  if (values instanceof Float64Array) {
    if (count > 0) kindsOf.add(kinds.number, count);
    kindsOf.write(writer);
    if (count > 0) writeNumbers(writer, values);
    return;
  }
  const numbers = new Float64Array(count);
  let numberCount = 0;
  /** Distinct texts in the order of their first use. */
  const texts = new Map<string, number>();
  const textsOf = new Runs();
  for (let at = 0; at < count; ) {
    const value = values[at];
    if (typeof value === "number") {
      numbers[numberCount++] = value;
      kindsOf.add(kinds.number, 1);
      at++;
      continue;
    }
    // What is no number mostly stays the same from one sample to the next; a list as the same object.
    const start = at++;
    while (at < count && values[at] === value) at++;
    const kind = kindNumber(value);
    kindsOf.add(kind, at - start);
    if (kind !== kinds.text && kind !== kinds.list) continue;
    const text = kind === kinds.text ? (value as string) : JSON.stringify(value);
    const place = texts.get(text) ?? texts.size;
    texts.set(text, place);
    textsOf.add(place, at - start);
  }
  kindsOf.write(writer);
  if (numberCount > 0) writeNumbers(writer, numbers.subarray(0, numberCount));
  if (texts.size === 0) return;
  writer.varint(texts.size);
  for (const text of texts.keys()) writer.text(text);
  textsOf.write(writer);
}

/** Reads what `writePoint` wrote; a Float64Array where all are numbers. */
export function readPoint(reader: ByteReader, count: number): ArrayLike<PointValue | undefined> {
  const kindsOf = readRuns(reader, count);
  const numberCount = kindsOf.lengthOf(kinds.number);
  const numbers = numberCount > 0 ? readNumbers(reader, numberCount) : noNumbers;
  if (numberCount === count) return numbers;
  const textCount = kindsOf.lengthOf(kinds.text) + kindsOf.lengthOf(kinds.list);
  const texts = textCount > 0 ? readTexts(reader, textCount) : noTexts;
  const values = new Array<PointValue | undefined>(count).fill(undefined);
  const lists = new Map<string, readonly string[]>();
  let numberAt = 0;
  let textAt = 0;
  kindsOf.each((kind, start, end) => {
    switch (kind) {
      case kinds.missing:
        return;
      case kinds.null:
        values.fill(null, start, end);
        return;
      case kinds.false:
      case kinds.true:
        values.fill(kind === kinds.true, start, end);
        return;
      case kinds.number:
        for (let at = start; at < end; at++) values[at] = numbers[numberAt++] as number;
        return;
      case kinds.text:
        for (let at = start; at < end; at++) values[at] = texts[textAt++] as string;
        return;
      case kinds.list:
        for (let at = start; at < end; at++) {
          const text = texts[textAt++] as string;
          let list = lists.get(text);
          if (list === undefined) {
            list = JSON.parse(text) as string[];
            lists.set(text, list);
          }
          values[at] = list;
        }
        return;
      default:
        throw new RangeError(`A value has the unknown kind ${kind}.`);
    }
  });
  return values;
}

const noNumbers = new Float64Array(0);
const noTexts: readonly string[] = [];

function readTexts(reader: ByteReader, count: number): string[] {
  const distinct = Array.from({ length: reader.varint() }, () => reader.text());
  const texts = new Array<string>(count).fill("");
  readRuns(reader, count).each((place, start, end) => {
    const text = distinct[place];
    if (text === undefined) throw new RangeError("A text is missing from its block.");
    texts.fill(text, start, end);
  });
  return texts;
}

function kindNumber(value: PointValue | undefined): number {
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
