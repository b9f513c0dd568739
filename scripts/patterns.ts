/**
 * Judges every regular expression of the sources: each must take time that grows with the text's length and not with its square, since others
 * choose the text, and the event loop stands still meanwhile. `npm run lint` runs it.
 *
 * recheck judges by the automaton, so that the verdict is a proof and the same on every machine; what it cannot judge (lookaheads, back
 * references) is refused. So are patterns that are put together while the program runs, since nothing can judge them here.
 */
import { globSync, readFileSync } from "node:fs";
import { type Argument, type CallExpression, type NewExpression, parseSync, Visitor } from "oxc-parser";

/** A pattern, and where it stands. */
export interface FoundPattern {
  /** `packages/server/src/config/config.ts:55` */
  readonly at: string;
  readonly source: string;
  readonly flags: string;
}

interface Found {
  readonly patterns: readonly FoundPattern[];
  /** Patterns that are not written out, and where. */
  readonly faults: readonly string[];
}

const root = new URL("..", import.meta.url).pathname;
const sources = ["packages/*/src/**/*.{ts,tsx}", "bench/**/*.ts", "scripts/**/*.{ts,mjs}", "examples/**/*.mjs"];

/** Regular expressions, `RegExp("…")`, and `pattern: "…"` as JSON Schema has it. */
export function findPatterns(): Found {
  const patterns: FoundPattern[] = [];
  const faults: string[] = [];
  for (const path of globSync(sources, { cwd: root, exclude: ["**/*.test.{ts,tsx}", "**/node_modules/**"] }).sort()) {
    const text = readFileSync(root + path, "utf8");
    const at = ({ start }: { readonly start: number }) => `${path}:${text.slice(0, start).split("\n").length}`;
    const add = (node: Argument | undefined, flags: string): void => {
      if (node === undefined || isRegExpSource(node)) return;
      const source = writtenOut(node);
      if (source === null)
        faults.push(`${at(node)}: a pattern is put together. Write it out: /…/, or the source of one.`);
      else patterns.push({ at: at(node), source, flags });
    };
    const construct = ({ callee, arguments: [source, flags] }: NewExpression | CallExpression): void => {
      if (callee.type === "Identifier" && callee.name === "RegExp")
        add(source, flags === undefined ? "" : (writtenOut(flags) ?? ""));
    };
    new Visitor({
      Literal(node) {
        if ("regex" in node) patterns.push({ at: at(node), source: node.regex.pattern, flags: node.regex.flags });
      },
      NewExpression: construct,
      CallExpression: construct,
      Property({ key, value }) {
        if (key.type === "Identifier" && key.name === "pattern") add(value as Argument, "u");
      },
    }).visit(parseSync(path, text).program);
  }
  return { patterns, faults };
}

/** The text of a literal, or null. */
function writtenOut(node: Argument): string | null {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type === "TemplateLiteral" && node.expressions.length === 0) return node.quasis[0]?.value.cooked ?? null;
  return null;
}

/** `namePattern.source`: that one is judged where it is written. */
function isRegExpSource(node: Argument): boolean {
  return node.type === "MemberExpression" && node.property.type === "Identifier" && node.property.name === "source";
}

if (import.meta.main) {
  // In this process, whatever else is installed beside it.
  process.env.RECHECK_BACKEND = "pure";
  const { checkSync } = await import("recheck");
  const { patterns, faults } = findPatterns();
  const problems = [...faults];
  for (const { at, source, flags } of patterns) {
    const verdict = checkSync(source, flags, { checker: "automaton", timeout: 60_000 });
    if (verdict.status === "safe") continue;
    const reason =
      verdict.status === "vulnerable"
        ? `takes ${verdict.complexity.summary} time, as of ${verdict.attack.pattern}`
        : `cannot be judged (${verdict.error.kind}); lookaheads and back references cannot`;
    problems.push(`${at}: /${source}/${flags} ${reason}.`);
  }
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else console.log(`${patterns.length} patterns, and none that backtracks.`);
}
