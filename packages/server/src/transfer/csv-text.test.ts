import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { expect, test } from "vitest";
import { csvText, guardFormulas, unguardFormulas } from "./csv-text.ts";

const texts = fc.string({ unit: fc.constantFrom(..."=+-@＝；;,|\t\r\n'\" x1"), maxLength: 20 });

test("what was guarded comes back as it was", () => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(unguardFormulas(guardFormulas(text))).toBe(text);
    }),
  );
});

test.each([
  ["=1+1", "'=1+1"],
  ["-5", "'-5"],
  ["＝1", "'＝1"],
  [' "=1', '"\' ""=1"'],
  ["x;=1+1;y", `"x;'=1+1;y"`],
  ['x;"=1+1', `"x;'""=1+1"`],
  ["x\r\n@SUM(A1)", `"x\r\n'@SUM(A1)"`],
  ["2-1=1", "2-1=1"],
  ["a, -b", '"a, -b"'],
])("%j is written as %s", (text, cell) => {
  expect(csvText(text)).toBe(cell);
});

test("no spreadsheet finds a formula in what somebody wrote, whatever it separates cells by, and whether or not quotes count", () => {
  const isFormula = (cell: string) => /^[ "]*[=+\-@＝＋－＠]/.test(cell);
  fc.assert(
    fc.property(texts, texts, (one, other) => {
      const row = `ems_001,${csvText(one)},${csvText(other)},1.5`;
      for (const separator of [";", "|", "\t", ","]) {
        // Its own last line ends a quote that this reading has taken for an opening one.
        const reading = { delimiter: separator, relax_quotes: true, relax_column_count: true };
        const cells = ["", '"'].flatMap((end) => {
          try {
            return (parse(row + end, reading) as string[][]).flat();
          } catch {
            return [];
          }
        });
        // A comma separates as the file means it, and its quotes count.
        const bare = separator === "," ? [] : row.split(/[\r\n]/).flatMap((line) => line.split(separator));
        expect([...cells, ...bare].filter(isFormula)).toEqual([]);
      }
    }),
    { numRuns: 2_000 },
  );
});
