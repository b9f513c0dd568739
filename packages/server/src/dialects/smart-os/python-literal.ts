import { parseDecimal } from "@wattboard/protocol";

/** How deep lists and dicts may stand in one another. */
const depthMax = 8;

/** Not a Python literal; the message says what was found instead, and where. */
export class PythonSyntaxError extends Error {}

/**
 * Reads a Python literal as `str(…)` and `repr(…)` write it: dicts with text keys, lists, tuples, texts, numbers, True, False, None. Nothing
 * is evaluated. Dicts become objects whose keys are all their own (`__proto__` too), tuples become arrays. Throws a `PythonSyntaxError`, also for
 * what JSON could not hold (inf, nan, other keys) and for more than 8 levels.
 */
export function parsePythonLiteral(text: string): unknown {
  const reader = new LiteralReader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

const words: ReadonlyMap<string, boolean | null> = new Map([
  ["True", true],
  ["False", false],
  ["None", null],
]);
const escapes: Readonly<Record<string, string>> = {
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\n": "",
};
const codeEscape = /x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})/y;
/** A number or a word: Python's numbers without underscores, hexadecimals and complex ones. A longer one is neither. */
const bare = /[\w.+-]{1,33}/y;
const space = /[ \t\r\n\f]*/y;
const plain = /[^\\'"\r\n]+/y;

class LiteralReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): unknown {
    this.#skipSpace();
    const first = this.#text[this.#at];
    switch (first) {
      case "{":
        return this.#dict(depth + 1);
      case "[":
        return this.#list("]", depth + 1);
      case "(":
        return this.#list(")", depth + 1);
      case "'":
      case '"':
        return this.#string(first);
    }
    const start = this.#at;
    const text = this.#match(bare) ?? "";
    const word = words.get(text);
    if (word !== undefined) return word;
    const number = parseDecimal(text) ?? this.#fail(start);
    if (!Number.isFinite(number)) throw new PythonSyntaxError(`${text} is too large for a number`);
    return number;
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail();
  }

  #dict(depth: number): object {
    const entries: [string, unknown][] = [];
    this.#items("}", depth, () => {
      const quote = this.#text[this.#at];
      if (quote !== "'" && quote !== '"') this.#fail();
      const key = this.#string(quote);
      this.#skipSpace();
      if (this.#text[this.#at] !== ":") this.#fail();
      this.#at++;
      entries.push([key, this.value(depth)]);
    });
    // Defines properties rather than setting them: no key reaches a prototype.
    return Object.fromEntries(entries);
  }

  #list(closing: string, depth: number): unknown[] {
    const items: unknown[] = [];
    this.#items(closing, depth, () => items.push(this.value(depth)));
    return items;
  }

  /** What stands between brackets; a comma may stand before the closing one. */
  #items(closing: string, depth: number, readItem: () => void): void {
    if (depth > depthMax) throw new PythonSyntaxError(`more than ${depthMax} levels at character ${this.#at + 1}`);
    this.#at++;
    for (;;) {
      this.#skipSpace();
      if (this.#text[this.#at] === closing) break;
      readItem();
      this.#skipSpace();
      const after = this.#text[this.#at];
      if (after === ",") this.#at++;
      else if (after !== closing) this.#fail();
    }
    this.#at++;
  }

  #string(quote: string): string {
    let read = "";
    this.#at++;
    for (;;) {
      read += this.#match(plain) ?? "";
      const next = this.#text[this.#at];
      if (next === quote) break;
      if (next === "\\") read += this.#escape();
      else if (next === "'" || next === '"') {
        read += next;
        this.#at++;
      } else this.#fail();
    }
    this.#at++;
    return read;
  }

  #escape(): string {
    this.#at++;
    const next = this.#text[this.#at];
    const simple = next === undefined ? undefined : escapes[next];
    if (simple !== undefined) {
      this.#at++;
      return simple;
    }
    codeEscape.lastIndex = this.#at;
    const found = codeEscape.exec(this.#text);
    if (found === null) this.#fail();
    const [whole, two, four, eight, octal = ""] = found;
    const hex = two ?? four ?? eight;
    const code = hex === undefined ? Number.parseInt(octal, 8) : Number.parseInt(hex, 16);
    if (code > 0x10ffff) this.#fail();
    this.#at += whole.length;
    return String.fromCodePoint(code);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }

  #skipSpace(): void {
    this.#match(space);
  }

  #fail(at = this.#at): never {
    const found = at >= this.#text.length ? "the end" : JSON.stringify(this.#text.slice(at, at + 12));
    throw new PythonSyntaxError(`unexpected ${found} at character ${at + 1}`);
  }
}
