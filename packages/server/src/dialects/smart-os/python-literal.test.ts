import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PythonSyntaxError, parsePythonLiteral, unreadable } from "./python-literal.ts";

type Literal = null | boolean | number | string | Literal[] | { [key: string]: Literal };

/** As Python's `repr` writes it. */
function repr(value: Literal): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return Object.is(value, -0) ? "-0.0" : String(value);
  if (typeof value === "string") return reprText(value);
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  return `{${Object.entries(value)
    .map(([key, each]) => `${reprText(key)}: ${repr(each)}`)
    .join(", ")}}`;
}

function reprText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let written = "";
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (character === quote || character === "\\") written += `\\${character}`;
    else if (code < 0x20 || code === 0x7f) written += `\\x${code.toString(16).padStart(2, "0")}`;
    else if (code >= 0xd800 && code <= 0xdfff) written += `\\u${code.toString(16)}`;
    else written += character;
  }
  return quote + written + quote;
}

const literals = fc.letrec<{ literal: Literal; list: Literal[]; dict: Record<string, Literal> }>((tie) => ({
  literal: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.string({ unit: "binary" }),
    tie("list"),
    tie("dict"),
  ),
  list: fc.array(tie("literal"), { maxLength: 4 }),
  // Also "__proto__" and the like.
  dict: fc.dictionary(
    fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("__proto__", "constructor")),
    tie("literal"),
    {
      maxKeys: 4,
    },
  ),
})).literal;

test("whatever Python's repr writes is read as what it was", () => {
  fc.assert(
    fc.property(literals, (value) => {
      expect(JSON.stringify(parsePythonLiteral(repr(value)))).toBe(JSON.stringify(value));
    }),
  );
});

test("whatever text comes: it is read, or refused with a PythonSyntaxError", () => {
  const pieces = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "'",
    '"',
    ":",
    ",",
    "\\",
    "\\x",
    "True",
    "None",
    "1",
    "-",
    ".5",
    "e9",
    " ",
    "a",
  );
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pieces, { maxLength: 20 }).map((each) => each.join("")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        parsePythonLiteral(text);
      } catch (error) {
        expect(error).toBeInstanceOf(PythonSyntaxError);
      }
    }),
    { numRuns: 1_000 },
  );
});

test.each([
  [`{'a': 'AT', "b": "it's", 'c': 'say "hi"'}`, { a: "AT", b: "it's", c: 'say "hi"' }],
  ["{'a': True, 'b': False, 'c': None}", { a: true, b: false, c: null }],
  ["{'a': 5., 'b': .5, 'c': -1e3, 'd': +7}", { a: 5, b: 0.5, c: -1000, d: 7 }],
  ["(1, 2,)", [1, 2]],
  ["{}", {}],
  [" { 'a' : [ ] , } ", { a: [] }],
  [String.raw`'\x41\u00e9\U0001f600\101\n\t\\'`, "Aé😀A\n\t\\"],
  ["{'a': 1, 'a': 2}", { a: 2 }],
])("%s", (text, value) => {
  expect(parsePythonLiteral(text)).toEqual(value);
});

test.each([
  "nan",
  "-inf",
  "NaN",
  "1e999",
  "datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.timezone.utc)",
  "np.float64(nan)",
  "array([1., 2.], dtype=float32)",
  String.raw`b'\x00abc'`,
  "{1, 'two', 3.0}",
  "set()",
  "<Mode.AUTO: 1>",
  "Mode.AUTO",
  "open('x')",
  "r'text'",
])("%s costs its own value and no other", (written) => {
  expect(parsePythonLiteral(`{'before': 1, 'odd': ${written}, 'after': 'x'}`)).toEqual({
    before: 1,
    odd: unreadable,
    after: "x",
  });
});

test.each([
  ["np.float64(85.5)", 85.5],
  ["numpy.int32(7)", 7],
  ["np.True_", unreadable],
  ["Decimal('85.50')", 85.5],
  ["np.bool_(True)", true],
])("%s is read as what it holds", (written, value) => {
  expect(parsePythonLiteral(`{'a': ${written}}`)).toEqual({ a: value });
});

test("a key that is no text costs its entry", () => {
  expect(parsePythonLiteral("{1: 2, 'a': 3}")).toEqual({ "(1)": 2, a: 3 });
});

test.each([
  ["", "unexpected the end at character 1"],
  ["{'a': 1", "unexpected the end at character 8"],
  ["{'a' 1}", 'unexpected "1}" at character 6'],
  ["{1}", 'unexpected "}" at character 3'],
  ["{'a': 1, 2}", 'unexpected "}" at character 11'],
  ["__import__('os')", 'unexpected "__import__(\'" at character 1'],
  ["{'a': open('x'}", 'unexpected "}" at character 15'],
  ["{'a': <Mode.AUTO: 1}", 'unexpected "<Mode.AUTO: " at character 7'],
  ["'a\nb'", 'unexpected "\\nb\'" at character 3'],
  ["[[[[[[[[[]]]]]]]]]", "more than 8 levels at character 9"],
  ["{'a': 1} {}", 'unexpected "{}" at character 10'],
  ["01a", 'unexpected "01a" at character 1'],
])("%j is refused: %s", (text, message) => {
  expect(() => parsePythonLiteral(text)).toThrow(new PythonSyntaxError(message));
});

test("a hundred thousand opening brackets are refused at the ninth", () => {
  expect(() => parsePythonLiteral("[".repeat(100_000))).toThrow("more than 8 levels at character 9");
});

const python = (() => {
  try {
    return execFileSync("python3", ["--version"], { stdio: "pipe" }).length > 0;
  } catch {
    return false;
  }
})();

test.runIf(python)("what a real Python writes is read as it meant it", () => {
  const values = fc.sample(literals, 50);
  const program = "import json, sys\nfor line in sys.stdin: print(ascii(json.loads(line)))";
  const input = values.map((value) => `${JSON.stringify(value)}\n`).join("");
  const lines = execFileSync("python3", ["-c", program], { input }).toString().split("\n");
  for (const [at, value] of values.entries()) {
    expect(JSON.stringify(parsePythonLiteral(lines[at] ?? ""))).toBe(JSON.stringify(value));
  }
});
