import { parseDecimal } from "@wattboard/protocol";

/** How deep lists and dicts may stand in one another. */
const depthMax = 8;

/** Not a Python literal; the message says what was found instead, and where. */
export class PythonSyntaxError extends Error {}

/** Stands for a value that is written right, and that JSON could not hold: nan, a set, bytes, an object such as a datetime. */
export const unreadable = Symbol("unreadable");

/**
 * Reads a Python literal as `str(…)` and `repr(…)` write it: dicts with text keys, lists, tuples, texts, numbers, True, False, None. Nothing
 * is evaluated. Dicts become objects whose keys are all their own (`__proto__` too), tuples become arrays. What else Python writes costs itself: it
 * is `unreadable`, but for numbers in a coat (`np.float64(85.0)`, `Decimal('85.0')`). Throws a `PythonSyntaxError`, also for more than 8 levels.
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
  // As JSON writes them, beside a nan that no JSON reader takes.
  ["true", true],
  ["false", false],
  ["null", null],
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
const bare = /[\w.+-]{1,64}/y;
const identifier = /^[A-Za-z_][\w.]*$/;
/** What Python's own `Decimal` and numpy put around one number. */
const coat = /^(?:Decimal|(?:np|numpy)\.(?:float|int|uint)\d{1,3}|(?:np|numpy)\.bool_?)$/;
const infinite = /^[+-]?(?:nan|inf)$/i;
/** An object without a literal of its own: `<Mode.AUTO: 1>`. */
const angled = /<[^<>]*>/y;
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
      case "<":
        if (this.#match(angled) === null) this.#fail();
        return unreadable;
    }
    return this.#bare(depth);
  }

  /** A number or a word, and what is put together with one. */
  #bare(depth: number): unknown {
    const start = this.#at;
    const text = this.#match(bare) ?? "";
    const word = words.get(text);
    if (word !== undefined) return word;
    const number = parseDecimal(text);
    if (number !== null) return Number.isFinite(number) ? number : unreadable;
    if (infinite.test(text)) return unreadable;
    const next = this.#text[this.#at];
    if (depth === 0 || !identifier.test(text)) this.#fail(start);
    if (next === "(") return this.#call(text, depth + 1);
    if (next === "'" || next === '"') this.#string(next);
    else if (next === "=") {
      if (depth >= depthMax) this.#fail();
      this.#at++;
      this.value(depth + 1);
    }
    return unreadable;
  }

  /** `datetime.datetime(2026, 1, 31, tzinfo=…)`; what stands in a coat is read as what it is. */
  #call(name: string, depth: number): unknown {
    const [inside, ...more] = this.#list(")", depth);
    if (!coat.test(name) || more.length > 0) return unreadable;
    return typeof inside === "string" ? (parseDecimal(inside) ?? unreadable) : (inside ?? unreadable);
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail();
  }

  /** A dict, or a set. A key that is no text costs its entry, and is shown as a name that does not fit. */
  #dict(depth: number): object | typeof unreadable {
    const entries: [string, unknown][] = [];
    let isSet = false;
    this.#items("}", depth, () => {
      const start = this.#at;
      const key = this.value(depth);
      const written = this.#text.slice(start, this.#at);
      this.#skipSpace();
      if (this.#text[this.#at] !== ":") {
        // Of a dict of the frame itself an entry without a value is a mistake, and no set.
        if (depth === 1 || entries.length > 0) this.#fail();
        isSet = true;
        return;
      }
      if (isSet) this.#fail();
      this.#at++;
      entries.push([typeof key === "string" ? key : `(${written})`, this.value(depth)]);
    });
    // Defines properties rather than setting them: no key reaches a prototype.
    return isSet ? unreadable : Object.fromEntries(entries);
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
