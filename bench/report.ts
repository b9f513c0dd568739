import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type Comparison, ratioOf } from "./measure/comparison.ts";
import type { Machine } from "./measure/machine.ts";
import { type Spread, spreadOf } from "./measure/spread.ts";
import type { RunOptions, Scenario } from "./scenarios/scenario.ts";

/** One run of one scenario, as it is kept. */
export interface Report {
  readonly scenario: string;
  readonly method: string;
  readonly options: RunOptions;
  readonly machine: Machine;
  readonly comparisons: readonly Comparison[];
}

const folder = new URL("results/", import.meta.url);

export function reportOf(scenario: Scenario, options: RunOptions, machine: Machine, found: Comparison[]): Report {
  const comparisons = found.map((comparison) => ({ ...comparison, rounds: rounded(comparison) }));
  return { scenario: scenario.name, method: scenario.method, options, machine, comparisons };
}

/** Keeps the report, and writes the page of all that are kept. */
export function keepReport(report: Report): void {
  writeFileSync(new URL(`${report.scenario}.json`, folder), stringify(report));
  const kept = readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Report);
  const page = `# Results\n\nWritten by \`npm run bench\`; the last run of each scenario. How to read them: [bench/README.md](../README.md).\n`;
  writeFileSync(new URL("README.md", folder), `${page}${kept.map((each) => `\n${markdown(each)}`).join("")}`);
}

export function stringify(report: Report): string {
  // One line for the values of a subject, as the formatter has it.
  const text = JSON.stringify(report, null, 2);
  return `${text.replaceAll(/\[[-\d.,\s]*\]/g, (list) => `[${list.slice(1, -1).trim().replaceAll(/\s+/g, " ")}]`)}\n`;
}

export function markdown({ scenario, method, options, machine, comparisons }: Report): string {
  const { date, cpu, cores, memoryGb, system, pinning, versions, settings } = machine;
  const made = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `## ${scenario}

${date} UTC, ${options.rounds} rounds of ${options.seconds} s, ${options.devices} devices${options.days === undefined ? "" : `, ${options.days} days`}. ${cpu}, ${cores} cores, ${memoryGb} GB, ${system}; ${pinning}.
${[...made, ...settings].join(", ")}.

${method}

${comparisons.map(table).join("\n")}`;
}

function table(comparison: Comparison): string {
  const { quantity, unit, digits, rounds } = comparison;
  // Measured on one subject alone, there is nothing to compare.
  const baseline = Object.keys(rounds).length > 1 ? comparison.baseline : undefined;
  const head = [quantity, `${unit}, median (min–max)`, ...(baseline === undefined ? [] : [`ratio to ${baseline}`])];
  const lines = Object.entries(rounds).map(([subject, values]) => {
    const ratio = ratioOf(comparison, subject);
    const cells = [subject, values.length === 0 ? "not available" : shown(spreadOf(values), digits)];
    return baseline === undefined ? cells : [...cells, ratio === null ? "" : shown(ratio, 2)];
  });
  return aligned([head, ...lines]);
}

/** A markdown table that can be read in a terminal too; the first row is its head. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  const [head = "", ...rest] = rows.map((row) => line(row.map((cell, column) => cell.padEnd(widths[column] ?? 0))));
  return head + line(widths.map((width) => "-".repeat(width))) + rest.join("");
}

function shown({ median, min, max }: Spread, digits: number): string {
  const format = (value: number): string =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${format(median)} (${format(min)}–${format(max)})`;
}

function rounded({ rounds, digits }: Comparison): Comparison["rounds"] {
  return Object.fromEntries(
    Object.entries(rounds).map(([subject, values]) => [
      subject,
      values.map((value) => Number(value.toFixed(digits + 2))),
    ]),
  );
}
