import fc from "fast-check";
import { expect, test } from "vitest";
import type { DatasetRow } from "./dataset.ts";
import { answerQuery, readQuery } from "./query.ts";

const rows: DatasetRow[] = [
  {
    serial_number: "0001",
    country: "AT",
    postcode: "9733",
    battery: 40,
    capacity: 9,
    last_status_update: "2024-03-11T00:46:52Z",
  },
  {
    serial_number: "0012",
    country: "de",
    postcode: "",
    battery: 7.5,
    capacity: 10,
    last_status_update: "2024-03-12T00:46:52Z",
  },
  { serial_number: "0123", country: "DE", postcode: "10115", battery: 100, last_status_update: null },
];

/** The rows that the conditions find, or what is wrong with them; and in how many steps. */
function ask<Each extends DatasetRow>(
  table: readonly Each[],
  conditions: unknown,
): { found: Each[] | string; steps: number } {
  const query = readQuery(conditions);
  if (typeof query === "string") return { found: query, steps: 0 };
  const work = answerQuery(
    query,
    table.map((row) => ({ row })),
  );
  for (let steps = 0; ; steps++) {
    const { done, value } = work.next();
    if (done) return { found: typeof value === "string" ? value : value.map(({ row }) => row), steps };
  }
}

function rowsOf<Each extends DatasetRow>(table: readonly Each[], conditions: readonly string[]): Each[] {
  const { found } = ask(table, conditions);
  if (typeof found === "string") throw new Error(found);
  return found;
}

function serials(...conditions: string[]): string[] {
  return rowsOf(rows, conditions).map((row) => String(row.serial_number));
}

test.each([
  [["filter:serial_number:=:12"], ["0012", "0123"]],
  [["filter:country:=:DE"], ["0012", "0123"]],
  [["filter:country:==:DE"], ["0123"]],
  [["filter:country:^:d"], ["0012", "0123"]],
  [["filter:battery:==:40.0"], ["0001"]],
  [["filter:serial_number:==:1"], ["0001"]],
  [["filter:battery:<:40"], ["0012"]],
  [["filter:battery:<=:40"], ["0001", "0012"]],
  [["filter:battery:>:7.5"], ["0001", "0123"]],
  [["filter:battery:>=:7.5"], ["0001", "0012", "0123"]],
  [["filter:postcode:>:9999"], ["0123"]],
  [["filter:capacity:>:9"], ["0012"]],
  [["filter:last_status_update:>:2024-03-11T12:00"], ["0012"]],
  [
    ["filter:battery:>:7", "filter:country:=:de", "sort:battery:>:123"],
    ["0123", "0012"],
  ],
  [["sort:battery:<:123"], ["0012", "0001", "0123"]],
  [["sort:battery:>:abc"], ["0123", "0001", "0012"]],
  [
    ["sort:country:<:abc", "sort:battery:>:123"],
    ["0001", "0123", "0012"],
  ],
  [["sort:capacity:<:123"], ["0001", "0012", "0123"]],
  [["sort:capacity:>:123"], ["0012", "0001", "0123"]],
  [[], ["0001", "0012", "0123"]],
])("%j finds %j", (conditions, found) => {
  expect(serials(...conditions)).toEqual(found);
});

test.each([
  ["filter:country:=:AT", "message must be a list"],
  [{ length: 1 }, "message must be a list"],
  [[1], "1 is no text"],
  [["filter:country"], '"filter:country" is neither filter:NAME:OPERATOR:VALUE nor sort:NAME:<:abc'],
  [["filter:country:~:AT"], "the operator must be one of = == ^ < > <= >="],
  [["sort:country:up:abc"], "the direction must be <"],
  [["sort:country:<:xyz"], "it must end in abc or 123"],
  [["filter::=:1"], "is neither"],
  [Array.from({ length: 33 }, () => "filter:country:=:A"), "at most 32 filters and sorts, not 33"],
  [[`filter:country:=:${"A".repeat(257)}`], "a value has at most 256 characters"],
])("%j is refused: %s", (message, fault) => {
  expect(readQuery(message)).toContain(fault);
});

test.each(["filter:colour:=:red", "sort:__proto__:<:abc", "filter:constructor:=:a"])(
  "%s: no device has the field",
  (condition) => {
    expect(() => serials(condition)).toThrow("no device has a field");
  },
);

test("a field that one device calls constructor is no field of the others", () => {
  const table = [{ serial_number: "1", constructor: "two" }, { serial_number: "2" }] as unknown as DatasetRow[];
  expect(rowsOf(table, ["filter:constructor:=:o"])).toEqual([table[0]]);
});

test("a query goes over a large fleet in steps of one row or a few comparisons", () => {
  const table = Array.from(
    { length: 5_000 },
    (_, at): DatasetRow => ({ serial_number: `s${(at * 7_919) % 5_000}`, x: at % 3 }),
  );
  const filtered = ask(table, ["filter:x:<:2"]);
  expect(filtered.found).toHaveLength(3_334);
  expect(filtered.steps).toBe(5_000);
  const sorted = ask(table, ["sort:x:<:123", "sort:serial_number:>:abc"]);
  expect(sorted.found).toHaveLength(5_000);
  expect(sorted.steps).toBeGreaterThan(5_000 + 5_000 / 64);
});

test("a number has at most 32 characters; what is longer is a text", () => {
  const long = "1".repeat(33);
  expect(serials(`filter:battery:<:${long}`)).toEqual([]);
  expect(serials(`filter:battery:<:${"1".repeat(32)}`)).toEqual(["0001", "0012", "0123"]);
  expect(rowsOf([{ serial_number: long }], [`filter:serial_number:==:${long}`])).toHaveLength(1);
});

const values = fc.oneof(
  fc.constant(null),
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom("a", "B", "ab", "1", "02", "", "z9"),
  fc.boolean(),
);
const tables = fc.array(fc.record({ x: values, y: values }), { minLength: 1, maxLength: 20 });

test("a filter finds what a plain reading of it finds", () => {
  const operators = fc.constantFrom("=", "==", "^", "<", ">", "<=", ">=");
  const wanted = fc.oneof(
    fc.constantFrom("a", "b", "AB", "1", "2", "", "tru"),
    fc.integer({ min: -3, max: 3 }).map(String),
  );
  fc.assert(
    fc.property(tables, operators, wanted, (table, operator, value) => {
      expect(rowsOf(table, [`filter:x:${operator}:${value}`])).toEqual(
        table.filter(({ x }) => model(x, operator, value)),
      );
    }),
  );
});

test("a sort keeps every row, puts them in one order, and leaves equal ones as they stood", () => {
  fc.assert(
    fc.property(tables, fc.constantFrom("<", ">"), (table, direction) => {
      const numbered = table.map((row, at) => ({ ...row, at }));
      const sorted = rowsOf(numbered, [`sort:x:${direction}:abc`]);
      expect(new Set(sorted)).toEqual(new Set(numbered));
      const ranks = sorted.map(({ x }) => rank(x as never));
      for (let at = 1; at < sorted.length; at++) {
        const [before, after] = [ranks[at - 1], ranks[at]];
        const order = compareRanks(before as Rank, after as Rank, direction === ">");
        expect(order).toBeLessThanOrEqual(0);
        if (order === 0) expect(Number(sorted[at - 1]?.at)).toBeLessThan(Number(sorted[at]?.at));
      }
    }),
  );
});

const isNumeric = (text: string): boolean => text.trim() !== "" && !Number.isNaN(Number(text));

function model(value: unknown, operator: string, wanted: string): boolean {
  if (value === null) return false;
  const text = String(value).toLowerCase();
  if (operator === "=") return text.includes(wanted.toLowerCase());
  if (operator === "^") return text.startsWith(wanted.toLowerCase());
  const numeric = typeof value !== "boolean" && isNumeric(String(value));
  if (operator === "==")
    return isNumeric(wanted) ? numeric && Number(value) === Number(wanted) : String(value) === wanted;
  if (numeric !== isNumeric(wanted)) return false;
  const [one, other] = numeric ? [Number(value), Number(wanted)] : [text, wanted.toLowerCase()];
  if (operator === "<") return one < other;
  if (operator === ">") return one > other;
  return operator === "<=" ? one <= other : one >= other;
}

type Rank = readonly [number, number | string];

function rank(value: null | number | string | boolean): Rank {
  if (value === null) return [2, 0];
  return typeof value !== "boolean" && isNumeric(String(value)) ? [0, Number(value)] : [1, String(value).toLowerCase()];
}

function compareRanks(one: Rank, other: Rank, isDescending: boolean): number {
  const sign = isDescending && one[0] !== 2 && other[0] !== 2 ? -1 : 1;
  if (one[0] !== other[0]) return sign * (one[0] - other[0]);
  if (one[1] === other[1]) return 0;
  return sign * (one[1] < other[1] ? -1 : 1);
}
