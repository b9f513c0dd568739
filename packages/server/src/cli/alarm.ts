import { type AlarmBody, alarmSeverities, alarmStates } from "@wattboard/protocol";
import { type Command, Option } from "commander";
import { AlarmClient } from "./alarm-client.ts";
import { addAlarmRuleCommands } from "./alarm-rule.ts";
import { parseDuration } from "./api-token.ts";
import { addAdministrationOptions, type TargetOptions } from "./device.ts";
import { printJson, printLine, printTable } from "./report.ts";
import { wholeNumber } from "./whole-number.ts";

interface ListOptions extends TargetOptions {
  state: string;
  severity?: string;
  device?: string;
  from?: string;
  to?: string;
  limit: number;
}

export function addAlarmCommand(program: Command): void {
  const alarm = program
    .command("alarm")
    .description("See what is not as it should be, take it on, and say when alarms ring.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard alarm list
  $ wattboard alarm acknowledge alm_5qy2 --note "on my way"
  $ wattboard alarm rule add "Battery is nearly empty" --when "battery.soc < 10" --for 5m
  $ wattboard alarm rule try --when "battery.soc < 10" --for 5m`,
    );
  addList(alarm);
  addShow(alarm);
  addActs(alarm);
  addAlarmRuleCommands(alarm);
}

function addList(alarm: Command): void {
  addAdministrationOptions(alarm.command("list"))
    .description("List alarms: the open ones first, by severity, then those that are over.")
    .addOption(
      new Option("--state <states>", `with commas between them: open, ${alarmStates.join(", ")}, or all`).default(
        "open",
      ),
    )
    .addOption(new Option("--severity <severities>", `with commas between them: ${alarmSeverities.join(", ")}`))
    .option("--device <id>", "only of this device")
    .option("--from <time>", "only what held then or later, such as 2026-01-31T00:00:00Z")
    .option("--to <time>", "only what was raised before, such as 2026-02-01T00:00:00Z")
    .option("--limit <count>", "so many, at most", wholeNumber(1), 100)
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard alarm list
  $ wattboard alarm list --state all --device ems_001
  $ wattboard alarm list --severity critical --json`,
    )
    .action(async (options: ListOptions) => {
      const { state, severity, device, from, to, limit } = options;
      const given = { state: state === "all" ? undefined : state, severity, device_id: device, from, to };
      const query = new URLSearchParams(Object.entries(given).filter(([, value]) => value !== undefined) as never);
      const alarms = await AlarmClient.open(options, "viewer").list(query, limit);
      if (options.json) return printJson(alarms);
      if (alarms.length === 0)
        return printLine(state === "open" ? "All is well: no alarm is open." : "No such alarms.");
      printTable(
        ["ALARM", "SEVERITY", "STATE", "SINCE", "WHAT"],
        alarms.map((each) => [each.alarm_id, each.severity, each.state, each.since, each.title]),
      );
    });
}

function addShow(alarm: Command): void {
  addAdministrationOptions(alarm.command("show <alarm>"))
    .description("Show an alarm with its devices and all its steps.")
    .addHelpText("after", "\nExamples:\n  $ wattboard alarm show alm_5qy2")
    .action(async (alarmId: string, options: TargetOptions) => {
      const client = AlarmClient.open(options, "viewer");
      const [found, devices] = await Promise.all([client.show(alarmId), client.listDevices(alarmId)]);
      if (options.json) return printJson({ ...found, devices });
      printAlarm(found);
      if (found.shared !== null) printLine(`Shared: ${found.shared}.`);
      if (found.text !== "") printLine(found.text);
      if (devices.length > 0) {
        printLine();
        printTable(
          ["DEVICE", "NAME", "SINCE", "UNTIL", "VALUES"],
          devices.map((each) => [each.device_id, each.name, each.since, each.until ?? "", valuesOf(each.evidence)]),
        );
      }
      printLine();
      printTable(
        ["WHEN", "STEP", "BY", "NOTE"],
        found.steps.map(({ at, step, by, note }) => [at, step, by ?? "", note]),
      );
    });
}

function addActs(alarm: Command): void {
  addAdministrationOptions(alarm.command("acknowledge <alarm>"))
    .description("Take an alarm on: it stays open until it is over, and others see who is at it.")
    .option("--note <text>", "for the others")
    .addHelpText("after", '\nExamples:\n  $ wattboard alarm acknowledge alm_5qy2 --note "on my way"')
    .action(async (alarmId: string, options: TargetOptions & { note?: string }) => {
      const done = await AlarmClient.open(options, "operator").acknowledge(alarmId, options.note);
      if (options.json) printJson(done);
      else printAlarm(done);
    });

  addAdministrationOptions(alarm.command("snooze <alarm>"))
    .description("Silence an alarm for a while. It rings again if it still holds then.")
    .addOption(
      new Option("--for <time>", "such as 30m, 12h or 3d; 30d at most").argParser(parseDuration).makeOptionMandatory(),
    )
    .option("--note <text>", "for the others")
    .addHelpText("after", '\nExamples:\n  $ wattboard alarm snooze alm_5qy2 --for 12h --note "the part comes tomorrow"')
    .action(async (alarmId: string, options: TargetOptions & { for: number; note?: string }) => {
      const until = new Date(Date.now() + options.for).toISOString();
      const done = await AlarmClient.open(options, "operator").snooze(alarmId, until, options.note);
      if (options.json) printJson(done);
      else printAlarm(done);
    });
}

function printAlarm(alarm: AlarmBody): void {
  printLine(`${alarm.title} (${alarm.severity}, since ${alarm.since})`);
  if (alarm.state === "cleared") printLine(`Over since ${alarm.cleared_at}: ${alarm.cleared_because}.`);
  else if (alarm.state === "snoozed") printLine(`Snoozed until ${alarm.snoozed_until}.`);
  else if (alarm.state === "acknowledged") printLine(`Taken on by ${alarm.acknowledged_by}.`);
  else printLine(`Nobody has taken it on: wattboard alarm acknowledge ${alarm.alarm_id}`);
}

function valuesOf(evidence: AlarmBody["devices"][number]["evidence"]): string {
  return Object.entries(evidence)
    .map(([point, value]) => `${point} = ${Array.isArray(value) ? value.join(", ") : value}`)
    .join("; ");
}
