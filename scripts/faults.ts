// The tests of faults, short as in CI, or long: `npm run faults -- --long [part of a file's name …]`. A long run is written to docs/guarantees.md,
// a line a file, with the seed that repeats it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

const root = resolve(import.meta.dirname, "..");
const page = join(root, "docs", "guarantees.md");
/** Behind it the lines of the table, newest first. */
const tableHead = "| date | commit | test | seed | result |\n|---|---|---|---|---|\n";
const linesMax = 40;

interface FileResult {
  readonly name: string;
  readonly assertionResults: readonly { readonly status: string }[];
  readonly startTime: number;
  readonly endTime: number;
}

const { values, positionals } = parseArgs({
  options: { long: { type: "boolean", default: false }, seed: { type: "string" } },
  allowPositionals: true,
});
const seed = values.seed ?? String(values.long ? Math.floor(Date.now() / 1_000) : 1);
const folder = mkdtempSync(join(tmpdir(), "wattboard-faults-"));
const report = join(folder, "report.json");
const files = positionals.length > 0 ? positionals : ["tests/faults", "tests/simulation"];
const { status } = spawnSync(
  process.execPath,
  [
    join(root, "node_modules", "vitest", "vitest.mjs"),
    "run",
    ...files,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, FAULTS_SEED: seed, ...(values.long && { FAULTS_LONG: "1", TEST_PATIENCE: "60" }) },
  },
);
if (values.long) writePage(JSON.parse(readFileSync(report, "utf8")).testResults as FileResult[]);
rmSync(folder, { recursive: true });
process.exitCode = status ?? 1;

function writePage(results: readonly FileResult[]): void {
  const date = new Date().toISOString().slice(0, 10);
  const commit = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).stdout.trim();
  const lines = results.map(({ name, assertionResults, startTime, endTime }) => {
    const count = (wanted: string): number => assertionResults.filter(({ status: found }) => found === wanted).length;
    const [passed, failed] = [count("passed"), count("failed")];
    const result = `${passed} passed${failed > 0 ? `, **${failed} failed**` : ""} in ${Math.round((endTime - startTime) / 1_000)} s`;
    return `| ${date} | ${commit} | \`${relative(root, name)}\` | ${seed} | ${result} |`;
  });
  const text = readFileSync(page, "utf8");
  const [before, after] = text.split(tableHead);
  if (after === undefined) throw new Error(`${page} has no table of long runs.`);
  const [table = "", ...rest] = after.split("\n\n");
  const kept = [...lines, ...table.split("\n").filter((line) => line !== "")].slice(0, linesMax);
  writeFileSync(
    page,
    [before, tableHead, kept.join("\n"), rest.length > 0 ? `\n\n${rest.join("\n\n")}` : "\n"].join(""),
  );
}
