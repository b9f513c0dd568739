import {
  type AlarmRuleBody,
  type AlarmRuleChangeBody,
  type AlarmSeverity,
  alarmSeverities,
  type NewAlarmRuleBody,
} from "@wattboard/protocol";
import { type Command, Option } from "commander";
import { AlarmClient } from "./alarm-client.ts";
import { parseDuration } from "./api-token.ts";
import { addAdministrationOptions, type TargetOptions } from "./device.ts";
import { ProgressBar } from "./progress-bar.ts";
import { printJson, printLine, printTable, WrongUsage } from "./report.ts";

interface RuleOptions extends TargetOptions {
  when?: string[];
  clearWhen?: string[];
  where?: string[];
  for?: number;
  clearFor?: number;
  severity?: AlarmSeverity;
  text?: string;
  name?: string;
  on?: boolean;
  off?: boolean;
}

const examples = `
Examples:
  $ wattboard alarm rule add "Battery is nearly empty" --when "battery.soc < 10" --clear-when "battery.soc > 15" --for 5m
  $ wattboard alarm rule add "Grid voltage" --when "grid.voltage > 253" --for 10m --where "properties.country = SE" --severity critical
  $ wattboard alarm rule try --when "battery.soc < 10" --for 5m          what it would have done in the last 30 days
  $ wattboard alarm rule set no_data --for 10m
  $ wattboard alarm rule set clock_off --off`;

export function addAlarmRuleCommands(alarm: Command): void {
  addAdministrationOptions(alarm.command("rules"))
    .description("List all rules, those that are built in first.")
    .addHelpText("after", "\nExamples:\n  $ wattboard alarm rules")
    .action(async (options: TargetOptions) => {
      const rules = await AlarmClient.open(options, "viewer").listRules();
      if (options.json) return printJson(rules);
      printTable(
        ["RULE", "NAME", "ON", "SEVERITY", "FOR", "WHEN", "WHERE", "OPEN"],
        rules.map((rule) => [
          rule.rule_id,
          rule.name,
          rule.is_on ? "on" : "off",
          rule.severity,
          `${rule.for_s} s`,
          rule.is_built_in ? "(built in)" : rule.when.join(", "),
          rule.where.join(", "),
          String(rule.open_alarms),
        ]),
      );
    });
  const rule = alarm.command("rule").description("Say when alarms ring.").addHelpText("after", examples);
  addChanges(rule);
  addTry(rule);
}

function addChanges(rule: Command): void {
  addRuleOptions(rule.command("add <name>"))
    .description("Make a rule.")
    .addHelpText("after", examples)
    .action(async (name: string, options: RuleOptions) => {
      printRule(
        await AlarmClient.open(options, "admin").addRule(newRuleOf(name, options)),
        options,
        "rings from now on",
      );
    });

  addRuleOptions(rule.command("set <rule>"))
    .description("Change a rule; what is not said stays. Of one that is built in, when it rings stays as well.")
    .option("--name <name>", "what it is called")
    .option("--on", "it rings")
    .option("--off", "it does not ring, and its open alarms are over")
    .addHelpText("after", examples)
    .action(async (ruleId: string, options: RuleOptions) => {
      const change: AlarmRuleChangeBody = {
        ...ruleFieldsOf(options),
        ...(options.name !== undefined && { name: options.name }),
        ...(options.when !== undefined && { when: options.when }),
        ...(options.on === true && { is_on: true }),
        ...(options.off === true && { is_on: false }),
      };
      printRule(await AlarmClient.open(options, "admin").changeRule(ruleId, change), options, "is changed");
    });

  addAdministrationOptions(rule.command("remove <rule>"))
    .description("Remove a rule of one's own, and end its alarms.")
    .addHelpText("after", "\nExamples:\n  $ wattboard alarm rule remove rul_8kd3")
    .action(async (ruleId: string, options: TargetOptions) => {
      printRule(await AlarmClient.open(options, "admin").removeRule(ruleId), options, "is removed");
    });
}

function addTry(rule: Command): void {
  addRuleOptions(rule.command("try"))
    .description("Say what a rule would have done, by what is stored; nothing is made.")
    .option("--from <time>", "from then on, such as 2026-01-01T00:00:00Z (default: 30 days before --to)")
    .option("--to <time>", "until then, such as 2026-02-01T00:00:00Z (default: now)")
    .addHelpText("after", examples)
    .action(async (options: RuleOptions & { from?: string; to?: string }) => {
      const given = Object.entries({ from: options.from, to: options.to }).filter(([, value]) => value !== undefined);
      const progress = new ProgressBar();
      const trial = await AlarmClient.open(options, "admin")
        .tryRule(newRuleOf("Tried", options), new URLSearchParams(given as never), (share) =>
          progress.show(share, "trying"),
        )
        .finally(() => progress.end());
      if (options.json) return printJson(trial);
      const { times, total_s: totalS, devices, from, to } = trial;
      printLine(
        `From ${from} to ${to}, for ${devices} devices: it would have rung ${times} times, for ${durationInWords(totalS)} in all.`,
      );
      if (times === 0) return;
      printTable(
        ["DEVICE", "SINCE", "RUNG", "OVER"],
        trial.alarms.map((each) => [each.device_id, each.since, each.raised_at, each.cleared_at ?? "(not yet)"]),
      );
      if (trial.alarms.length < times) printLine(`… the first ${trial.alarms.length} of ${times}`);
    });
}

function addRuleOptions(command: Command): Command {
  const condition = (text: string, before: string[] = []): string[] => [...before, text];
  return addAdministrationOptions(command)
    .option("--when <condition>", 'what rings, on what devices send: "battery.soc < 10"; may be given again', condition)
    .option("--clear-when <condition>", "what clears it again (default: as soon as --when fails)", condition)
    .option(
      "--where <condition>",
      'which devices: "properties.site = north"; may be given again (default: all)',
      condition,
    )
    .option("--for <time>", "how long it has to hold, such as 90s or 5m", parseDuration)
    .option("--clear-for <time>", "how long it has to be over, such as 90s or 5m", parseDuration)
    .addOption(new Option("--severity <severity>", "how much it matters").choices([...alarmSeverities]))
    .option("--text <text>", "what to do");
}

function newRuleOf(name: string, options: RuleOptions): NewAlarmRuleBody {
  const { when } = options;
  if (when === undefined) throw new WrongUsage('Say when it rings: --when "battery.soc < 10"');
  return { name, when, ...ruleFieldsOf(options) };
}

function ruleFieldsOf(options: RuleOptions): Omit<AlarmRuleChangeBody, "name" | "when" | "is_on"> {
  const { clearWhen, where, severity, text } = options;
  return {
    ...(clearWhen !== undefined && { clear_when: clearWhen }),
    ...(where !== undefined && { where }),
    ...(options.for !== undefined && { for_s: Math.round(options.for / 1_000) }),
    ...(options.clearFor !== undefined && { clear_for_s: Math.round(options.clearFor / 1_000) }),
    ...(severity !== undefined && { severity }),
    ...(text !== undefined && { text }),
  };
}

function printRule(rule: AlarmRuleBody, { json }: TargetOptions, what: string): void {
  if (json) printJson(rule);
  else printLine(`${rule.rule_id} (${rule.name}) ${what}.`);
}

/** `1 h 12 min` */
function durationInWords(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return `${Math.round(seconds)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
