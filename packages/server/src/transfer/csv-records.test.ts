import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CsvRecord, CsvSplitter } from "./csv-records.ts";

/** What comes of the pieces of one file. */
function split(pieces: readonly string[], separator = ","): CsvRecord[] {
  const splitter = new CsvSplitter(separator);
  return [...pieces.flatMap((piece) => [...splitter.push(piece)]), ...splitter.end()];
}

const textsOf = (records: readonly CsvRecord[]) =>
  records.map((record) => ("fault" in record ? record.fault : record.cells.map(({ text }) => text)));

const cells = fc.string({ unit: fc.constantFrom("a", "é", '"', ",", "\n", "\r\n", " ", "1"), maxLength: 6 });
const rows = fc.array(fc.array(cells, { minLength: 2, maxLength: 4 }), { maxLength: 5 });

test("whatever is written by RFC 4180 is read as it was, wherever the file falls into pieces, and as another reader reads it", () => {
  fc.assert(
    fc.property(
      rows,
      fc.constantFrom("\n", "\r\n"),
      fc.array(fc.nat({ max: 60 }), { maxLength: 5 }),
      (table, end, cuts) => {
        const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
        const text = table.map((row) => row.map(quoted).join(",") + end).join("");
        const places = [0, ...cuts.sort((a, b) => a - b), text.length];
        const pieces = places.slice(1).map((place, at) => text.slice(places[at], place));
        expect(textsOf(split(pieces))).toEqual(table);
        expect(textsOf(split([text]))).toEqual(parse(text, { record_delimiter: end, relax_column_count: true }));
      },
    ),
  );
});

test.each([
  [
    "a;b\r\n\r\nc;d",
    ";",
    [
      ["a", "b"],
      ["c", "d"],
    ],
  ],
  [
    "a,b\rc,d\r",
    ",",
    [
      ["a", "b"],
      ["c", "d"],
    ],
  ],
  ['"",\n', ",", [["", ""]]],
  ['""\n', ",", [[""]]],
  ["a,", ",", [["a", ""]]],
  ["", ",", []],
])("%j is read as %j says", (text, separator, expected) => {
  expect(textsOf(split([text], separator))).toEqual(expected);
});

test("a cell tells whether it stood in quotes, and a row its last line", () => {
  expect(split(['x,"1"\n"a\nb",2\n'])).toEqual([
    {
      line: 1,
      cells: [
        { text: "x", isQuoted: false },
        { text: "1", isQuoted: true },
      ],
    },
    {
      line: 3,
      cells: [
        { text: "a\nb", isQuoted: true },
        { text: "2", isQuoted: false },
      ],
    },
  ]);
});

describe("a row that cannot be read is named, and the next is read", () => {
  test.each([
    ["a quote in the middle", 'say "hi",1', "A quote stands in the middle of a cell"],
    ["something behind a closing quote", '"say" hi,1', "A quote stands in the middle of a cell"],
    ["a thousand cells and one", ",".repeat(1_000), "more than 1000 cells"],
    ["a cell that no message could hold", "x".repeat(16 * 1024 + 1), "longer than 16384 characters"],
    ["a mebibyte and more", `${"x,".repeat(600_000)}`, "The row is longer than 1048576 characters"],
  ])("%s", (_what, row, fault) => {
    const [first, bad, next] = split([`a,b\n${row}\nc,d\n`]);
    expect(first).toMatchObject({ line: 1, cells: [{ text: "a" }, { text: "b" }] });
    expect(bad).toMatchObject({ line: 2, fault: expect.stringContaining(fault) });
    expect(next).toMatchObject({ line: 3, cells: [{ text: "c" }, { text: "d" }] });
  });

  test("a quote that is never closed", () => {
    expect(textsOf(split(['a,b\n1,"2\n3,4']))).toEqual([["a", "b"], expect.stringContaining("never closed")]);
  });

  test("a thousand cells are none too many", () => {
    const [row] = split([`${",".repeat(999)}\n`]);
    expect(row).toMatchObject({ cells: { length: 1_000 } });
  });
});
