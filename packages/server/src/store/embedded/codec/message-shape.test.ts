import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type PointValue, pointsOf } from "../../algebra/point-value.ts";
import { MessageShape } from "./message-shape.ts";

const bytesOf = (text: string): Buffer => Buffer.from(text);

function readWith(shape: MessageShape | null, text: string): [string, PointValue][] | null {
  const bytes = bytesOf(`noise${text}noise`);
  const numbers = new Float64Array(40);
  const tags = new Uint16Array(40);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (shape === null || !shape.read({ bytes, view }, 5, bytes.length - 5, numbers, tags, 3)) return null;
  return shape.names.map((name, at) => {
    const tag = tags[3 + at] as number;
    return [name, tag === 0 ? (numbers[3 + at] as number) : shape.other(tag)];
  });
}

const scalar = fc.oneof(
  { weight: 4, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 4, arbitrary: fc.integer({ min: -1e6, max: 1e6 }).map((value) => value / 100) },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
  { weight: 1, arbitrary: fc.constantFrom(null, true, false, -0, 1e-300, 2 ** 70) },
  { weight: 1, arbitrary: fc.array(fc.string(), { maxLength: 3 }) },
);
const section = fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), scalar, { maxKeys: 5 });

describe("a message's shape", () => {
  test("reads every message of its shape as a JSON parser does, whatever the values", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.oneof(scalar, section), { maxKeys: 5 }),
        fc.array(scalar, { minLength: 30, maxLength: 30 }),
        fc.constantFrom(0, 2),
        (message, others, indent) => {
          const text = JSON.stringify({ device_id: "a", timestamp: "2026-01-31T12:00:00Z", ...message }, null, indent);
          const shape = MessageShape.of(bytesOf(text));
          expect(readWith(shape, text)).toEqual([...pointsOf(JSON.parse(text))]);
          // The same names with other values.
          let next = 0;
          const other = JSON.parse(text, (key, value) =>
            key === "" || (typeof value === "object" && value !== null && !Array.isArray(value)) || /^\d/.test(key)
              ? value
              : others[next++ % others.length],
          );
          const otherText = JSON.stringify({ ...other, device_id: "b", timestamp: "x" }, null, indent);
          expect(readWith(shape, otherText)).toEqual([...pointsOf(JSON.parse(otherText))]);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("reads numbers exactly, however they are written", () => {
    const shape = MessageShape.of(bytesOf('{"a":1}'));
    for (const text of [
      "0",
      "-0",
      "-0.0",
      "1e3",
      "1E-7",
      "0.1",
      "123456789012345678",
      "0.30000000000000004",
      "9007199254740993",
      "5e-324",
      "1.7976931348623157e308",
      "-12.50",
      "100000000000000.5",
      "0.000000000000001",
    ]) {
      expect(readWith(shape, `{"a":${text}}`)).toEqual([["a", JSON.parse(text)]]);
    }
  });

  test("does not take a message of another shape for its own", () => {
    const shape = MessageShape.of(bytesOf('{"a":1,"b":{"c":"x"}}'));
    for (const text of [
      '{"a":1}',
      '{"a":1,"b":{"d":"x"}}',
      '{"a":1,"b":{"c":"x","d":1}}',
      '{"a":1,"b":{"c":"x"},"e":1}',
      '{"a":{"f":1},"b":{"c":"x"}}',
      '{"b":{"c":"x"},"a":1}',
      '{ "a":1,"b":{"c":"x"}}',
      '{"a":1,"b":{"c":"x"}} ',
    ]) {
      expect(readWith(shape, text)).toBeNull();
    }
  });

  test("keeps nothing of the bytes that it was made of", () => {
    const bytes = bytesOf('{"a":1,"b":"x"}');
    const shape = MessageShape.of(bytes);
    bytes.fill(0);
    expect(readWith(shape, '{"a":2,"b":"x"}')).toEqual([
      ["a", 2],
      ["b", "x"],
    ]);
  });

  test("leaves messages with escaped or doubled names to a parser", () => {
    expect(MessageShape.of(bytesOf('{"a\\n":1}'))).toBeNull();
    expect(MessageShape.of(bytesOf('{"a":1,"a":2}'))).toBeNull();
    expect(MessageShape.of(bytesOf('{"a":{"b":{"c":1}}}'))).toBeNull();
  });
});
