import { buildState } from "./build-check.ts";
import { cleanUpAtEnd } from "./measure/cleanup.ts";
import { describeMachine } from "./measure/machine.ts";
import { moveToLoadCore } from "./measure/pinning.ts";
import { helpText, type Options, readOptions, WrongUsage } from "./options.ts";
import { keepReport, markdown, reportOf, stringify } from "./report.ts";
import type { Scenario } from "./scenarios/scenario.ts";

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const build = buildState();
  if (build === "missing") {
    process.stderr.write("It is not built yet. Run: npm run build\n");
    return 1;
  }
  if (build === "old")
    process.stderr.write("Sources are newer than the build, which is what is measured. To renew it: npm run build\n");
  // They import what is built, so they come after the check.
  const known = [
    (await import("./scenarios/ingest.ts")).ingest,
    (await import("./scenarios/fanout.ts")).fanout,
    (await import("./scenarios/memory.ts")).memory,
    (await import("./scenarios/commands.ts")).commands,
    (await import("./scenarios/guessing.ts")).guessing,
    (await import("./scenarios/smart-os.ts")).smartOs,
    (await import("./scenarios/store.ts")).store,
    (await import("./scenarios/history.ts")).history,
    (await import("./scenarios/wear.ts")).wear,
    (await import("./scenarios/journal.ts")).journal,
    (await import("./scenarios/restart.ts")).restart,
    (await import("./scenarios/load.ts")).load,
    (await import("./scenarios/questions.ts")).questions,
    (await import("./scenarios/turns.ts")).turns,
    (await import("./scenarios/backfill.ts")).backfill,
    (await import("./scenarios/notify.ts")).notify,
    (await import("./micro/validators.ts")).validators,
    (await import("./micro/alarms.ts")).alarms,
  ];
  let options: Options;
  try {
    options = readOptions(args, known);
  } catch (error) {
    if (!(error instanceof WrongUsage)) throw error;
    process.stderr.write(`${error.message} (add --help for the scenarios, options and examples)\n`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(helpText(known));
    return 0;
  }
  cleanUpAtEnd();
  moveToLoadCore();
  for (const scenario of options.scenarios) await measure(scenario, options);
  return 0;
}

async function measure(scenario: Scenario, { smoke, json, given }: Options): Promise<void> {
  const options = { ...(smoke ? scenario.smoke : scenario.defaults), ...given };
  const startedAtMs = performance.now();
  const found = await scenario.run(options, (text) => {
    const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(0);
    process.stderr.write(`${seconds.padStart(4)} s  ${scenario.name}: ${text}\n`);
  });
  const report = reportOf(scenario, options, describeMachine(), found);
  if (!smoke && options.profileDir === undefined) keepReport(report);
  process.stdout.write(json ? stringify(report) : `\n${markdown(report)}`);
}
