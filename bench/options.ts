import { parseArgs } from "node:util";
import type { RunOptions, Scenario } from "./scenarios/scenario.ts";

export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly help: boolean;
  readonly json: boolean;
  readonly smoke: boolean;
  /** What was said on the command line; the rest is the scenario's own. */
  readonly given: Partial<RunOptions>;
}

/** What was typed cannot be understood; the message says why. */
export class WrongUsage extends Error {}

export function readOptions(args: readonly string[], known: readonly Scenario[]): Options {
  const { values, positionals } = parse(args);
  const help = values.help ?? false;
  const [name, ...more] = positionals;
  if (more.length > 0) throw new WrongUsage(`One scenario at a time, or "all": ${more.join(" ")} is too much.`);
  if (name === undefined && !help) throw new WrongUsage("Which scenario?");
  const scenarios = name === "all" ? known : known.filter((scenario) => scenario.name === name);
  if (scenarios.length === 0 && !help) throw new WrongUsage(`There is no scenario "${name}".`);
  const rounds = positive(values.rounds, "--rounds", { whole: true, max: 1_000 });
  const seconds = positive(values.seconds, "--seconds", { whole: false, max: 3_600 });
  const devices = positive(values.devices, "--devices", { whole: true, max: 15_000 });
  const days = positive(values.days, "--days", { whole: false, max: 400 });
  return {
    scenarios,
    help,
    json: values.json ?? false,
    smoke: values.smoke ?? false,
    given: {
      ...(rounds !== undefined && { rounds }),
      ...(seconds !== undefined && { seconds }),
      ...(devices !== undefined && { devices }),
      ...(days !== undefined && { days }),
      ...(values.profile !== undefined && { profileDir: values.profile }),
    },
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: { type: "string" },
        seconds: { type: "string" },
        devices: { type: "string" },
        days: { type: "string" },
        profile: { type: "string" },
        json: { type: "boolean" },
        smoke: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new WrongUsage(error instanceof Error ? error.message : String(error));
  }
}

function positive(
  text: string | undefined,
  name: string,
  { whole, max }: { readonly whole: boolean; readonly max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0 && value <= max && (!whole || Number.isInteger(value))) return value;
  throw new WrongUsage(`${name} must be a ${whole ? "whole " : ""}number above 0, at most ${max}; it is "${text}".`);
}

export function helpText(known: readonly Scenario[]): string {
  const list = known.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`).join("\n");
  return `Usage: npm run bench -- <scenario> [options]

Measures Wattboard beside a baseline, in alternating rounds of one run. Needs a build: npm run build

Scenarios:
${list}
  all         one after the other

Options:
  --rounds N       how often each side is measured
  --seconds S      how long one measurement lasts; in store and wear: the span of the samples
  --devices N      devices; in memory: connections; in fanout: dashboards as well
  --days D         in history: how many days the samples reach back
  --smoke          as little as shows that it works; nothing is written
  --json           the figures as JSON on standard output
  --profile DIR    write CPU profiles of Wattboard to DIR; the figures are then no figures, and nothing is written
  --help           this text

Examples:
  $ npm run bench -- ingest
  $ npm run bench -- fanout --rounds 9 --seconds 5
  $ npm run bench -- memory --devices 2000 --json
  $ npm run bench -- store --devices 100 --rounds 1
  $ npm run bench -- history --days 2
  $ npm run bench -- ingest --smoke
  $ npm run bench -- ingest --rounds 2 --profile profiles

Figures of whole runs are written to bench/results/. Close what else uses the machine. Exit codes: 0 done, 1 failed, 2 wrong usage.
`;
}
