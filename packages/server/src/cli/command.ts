import { setTimeout as sleep } from "node:timers/promises";
import {
  type CommandAction,
  type CommandBody,
  commandActionNames,
  type FleetCommandBody,
  type FleetPreviewBody,
  hasEnded,
  type NewCommandBody,
  targetModes,
} from "@wattboard/protocol";
import { Argument, type Command, InvalidArgumentError, Option } from "commander";
import { Failure } from "../base/failure.ts";
import { parseDuration } from "./api-token.ts";
import { CommandClient } from "./command-client.ts";
import { addAdministrationOptions } from "./device.ts";
import { LiveLine, printJson, printLine, printTable, WrongUsage } from "./report.ts";
import { wholeNumber } from "./whole-number.ts";

interface Options {
  dataDir: string;
  url?: string;
  json?: boolean;
}

interface OrderOptions extends Options {
  target?: (typeof targetModes)[number];
  power?: number;
  lease?: number;
  name?: string;
  value?: string;
  ttl?: number;
  wait?: boolean;
}

interface FleetOptions extends OrderOptions {
  where: string[];
  dryRun?: boolean;
  canary?: number;
  wave?: number;
  settle?: number;
  maxErrors?: number;
  maxFailures?: number;
}

const pollMs = 200;

export function addCommandCommand(program: Command): void {
  const command = program
    .command("command")
    .description("Give commands to devices of a running server, and follow them until they took effect.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard command send ems_001 SET_MODE --target MANUAL_DISCHARGE --power 500 --lease 15m --wait
  $ wattboard command list ems_001
  $ wattboard command fleet SET_MODE --target AUTO --where "properties.region = SE" --dry-run`,
    );

  addOrderOptions(command.command("send").argument("<id>", "the device"))
    .description("Give one command. With --wait until its end: exit code 0 only where the device's telemetry shows it.")
    .option("--command-id <id>", "the idempotency key: given twice, it is one command")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard command send ems_001 SET_MODE --target MANUAL_DISCHARGE --power 500 --wait
  $ wattboard command send ems_001 SET_MODE --target MANUAL_CHARGE --power 2000 --lease 15m    back to AUTO after 15 minutes
  $ wattboard command send ems_001 RESET_ERROR --ttl 1h      waits for a device that is offline, an hour at most
  $ wattboard command send ems_001 SET_PARAMETER --name reserve_soc --value 20
  $ wattboard command send ems_001 RESTART --wait`,
    )
    .action(async (id: string, action: CommandAction, options: OrderOptions & { commandId?: string }) => {
      const client = CommandClient.open(options);
      const parameters = async () => (await client.list(id, 1)).announced?.parameters ?? [];
      const given = await client.send(id, {
        action,
        payload: await payloadOf(action, options, async (name) =>
          (await parameters()).some((each) => each.name === name && each.type === "text"),
        ),
        ...(options.ttl !== undefined && { ttl_ms: options.ttl }),
        ...(options.commandId !== undefined && { command_id: options.commandId }),
      });
      if (options.wait !== true) {
        if (options.json) return printJson(given);
        printLine(`${given.command_id} is ${given.status}.`);
        return printLine(`Follow it: wattboard command show ${id} ${given.command_id}`);
      }
      const ended = await follow(client, given, options.json !== true);
      if (options.json) printJson(ended);
      if (ended.status === "applied") return;
      throw new Failure("request_failed", `${ended.command_id} is ${ended.status}: ${ended.history.at(-1)?.cause}`);
    });

  addAdministrationOptions(command.command("list <id>"))
    .description("List a device's commands, the newest first.")
    .option("--limit <number>", "how many", wholeNumber(1), 20)
    .addHelpText("after", "\nExamples:\n  $ wattboard command list ems_001 --limit 5")
    .action(async (id: string, options: Options & { limit: number }) => {
      const { commands } = await CommandClient.open(options).list(id, options.limit);
      if (options.json) return printJson(commands);
      if (commands.length === 0) return printLine(`${id} has been given no commands yet.`);
      printTable(
        ["COMMAND", "ACTION", "PAYLOAD", "STATUS", "GIVEN", "BY"],
        commands.map((each) => [
          each.command_id,
          each.action,
          words(each.payload),
          each.status,
          each.created_at,
          each.requested_by ?? "",
        ]),
      );
    });

  addAdministrationOptions(command.command("show <id> <command>"))
    .description("Show a command with all its steps.")
    .addHelpText("after", "\nExamples:\n  $ wattboard command show ems_001 cmd_8293")
    .action(async (id: string, commandId: string, options: Options) => {
      const found = await CommandClient.open(options).show(id, commandId);
      if (options.json) return printJson(found);
      printLine(`${found.action} ${words(found.payload)}`.trimEnd());
      for (const step of found.history) printStep(step);
    });

  addOrderOptions(command.command("fleet"))
    .description(
      "Give one command to all devices that meet conditions: a few first, which must all apply it, then in waves. It stops by itself where changed devices raise error flags.",
    )
    .requiredOption(
      "--where <condition>",
      'such as "properties.region = SE", "battery.soc > 80", "state != ERROR"; may be given again, all must be met',
      (condition: string, before: string[] = []) => [...before, condition],
    )
    .option("--dry-run", "only tell which devices it would be")
    .option("--canary <number>", "devices of the first wave (default: 1)", wholeNumber(1))
    .option("--wave <number>", "devices of each further wave (default: a quarter of the rest)", wholeNumber(1))
    .option("--settle <time>", "how long error flags are watched after each wave (default: 10s)", parseDuration)
    .option("--max-errors <number>", "changed devices that may raise new error flags (default: 0)", wholeNumber(0))
    .option(
      "--max-failures <number>",
      "devices that may not apply it (default: a tenth of all; in the canary none)",
      wholeNumber(0),
    )
    .addHelpText(
      "after",
      `
A condition is FIELD OPERATOR VALUE, as in the filters of the fleet page. Fields: id, name, online, state, mode, error_flags, age (seconds),
properties.NAME, or a point of the newest sample (while it is current). Operators: = and != (numbers as numbers, texts whatever the case),
~ (contains), ^ (starts with), <, <=, >, >=.

Examples:
  $ wattboard command fleet SET_MODE --target MANUAL_DISCHARGE --power 500 --lease 1h --where "properties.region = SE" --where "battery.soc > 80" --dry-run
  $ wattboard command fleet RESET_ERROR --where "state = ERROR" --wait
  $ wattboard command fleet-abort fleet_0a1b2c3d4e5f`,
    )
    .action(async (action: CommandAction, options: FleetOptions) => {
      const client = CommandClient.open(options);
      const body = {
        action,
        payload: await payloadOf(action, options, async () => false),
        where: options.where,
        ...(options.ttl !== undefined && { ttl_ms: options.ttl }),
        ...(options.canary !== undefined && { canary: options.canary }),
        ...(options.wave !== undefined && { wave_size: options.wave }),
        ...(options.settle !== undefined && { settle_ms: options.settle }),
        ...(options.maxErrors !== undefined && { errors_max: options.maxErrors }),
        ...(options.maxFailures !== undefined && { failures_max: options.maxFailures }),
      };
      if (options.dryRun === true || !options.json) {
        const preview = await client.preview(body);
        if (options.json) return printJson(preview);
        printPreview(preview, options.dryRun === true);
        if (options.dryRun === true) return;
      }
      const begun = await client.begin(body);
      if (options.wait !== true) {
        if (options.json) return printJson(begun);
        printLine(`${begun.fleet_command_id} has begun: ${begun.total} devices in ${begun.waves} waves.`);
        return printLine(`Follow it: wattboard command fleet-show ${begun.fleet_command_id}`);
      }
      const ended = await followFleet(client, begun, options.json !== true);
      if (options.json) printJson(ended);
      if (ended.status !== "done") {
        throw new Failure("request_failed", `${ended.fleet_command_id} is ${ended.status}: ${ended.cause}`);
      }
      if (!options.json) printLine(`${ended.fleet_command_id} is done: ${countsInWords(ended)}.`);
    });

  addAdministrationOptions(command.command("fleet-list"))
    .description("List the fleet commands, the newest first.")
    .addHelpText("after", "\nExamples:\n  $ wattboard command fleet-list")
    .action(async (options: Options) => {
      const listed = await CommandClient.open(options).listFleet();
      if (options.json) return printJson(listed);
      if (listed.length === 0) return printLine("No fleet commands yet.");
      printTable(
        ["FLEET COMMAND", "ACTION", "WHERE", "STATUS", "DEVICES", "BY"],
        listed.map((each) => [
          each.fleet_command_id,
          `${each.action} ${words(each.payload)}`.trimEnd(),
          each.where.join(", "),
          each.status,
          countsInWords(each),
          each.requested_by ?? "",
        ]),
      );
    });

  addAdministrationOptions(command.command("fleet-show <fleet>"))
    .description("Show a fleet command with each of its devices.")
    .addHelpText("after", "\nExamples:\n  $ wattboard command fleet-show fleet_0a1b2c3d4e5f")
    .action(async (fleet: string, options: Options) => {
      const client = CommandClient.open(options);
      const [found, devices] = await Promise.all([client.showFleet(fleet), client.listFleetDevices(fleet)]);
      if (options.json) return printJson({ ...found, devices });
      printLine(`${found.action} ${words(found.payload)} where ${found.where.join(", ")}`);
      printLine(`${found.status}, wave ${found.wave + 1} of ${found.waves}: ${countsInWords(found)}. ${found.cause}`);
      printTable(
        ["DEVICE", "WAVE", "STATUS", "CAUSE"],
        devices.map((each) => [
          each.device_id,
          each.wave === 0 ? "canary" : String(each.wave),
          each.status,
          [...each.new_flags, each.cause].join(" "),
        ]),
      );
    });

  addAdministrationOptions(command.command("fleet-abort <fleet>"))
    .description("Begin no further wave, and take back what no device has been given yet.")
    .addHelpText("after", "\nExamples:\n  $ wattboard command fleet-abort fleet_0a1b2c3d4e5f")
    .action(async (fleet: string, options: Options) => {
      const aborted = await CommandClient.open(options).abortFleet(fleet);
      if (options.json) printJson(aborted);
      else printLine(`${fleet} is aborted: ${countsInWords(aborted)}.`);
    });
}

/** How many devices match, before anything is done; with each of them if that is all that was asked for. */
function printPreview(preview: FleetPreviewBody, withIds: boolean): void {
  const { count, waves, misfit_count: misfits, unknown_count: unknown } = preview;
  const inWaves = count === 0 ? "" : `, in waves of ${waves.join(", ")}`;
  printLine(
    `${count} ${count === 1 ? "device matches" : "devices match"}${inWaves}${withIds && count > 0 ? ":" : "."}`,
  );
  if (withIds) {
    for (const id of preview.device_ids) printLine(`  ${id}`);
    if (count > preview.device_ids.length) printLine("  …");
    for (const { device_id, reason } of preview.misfits) printLine(`  not ${device_id}: ${reason}`);
  } else if (misfits > 0) {
    printLine(`${misfits} more match but do not support the command; --dry-run lists them.`);
  }
  if (unknown > 0) printLine(`${unknown} more are left out: a field in the conditions is not known as of now.`);
}

function addOrderOptions(command: Command): Command {
  command.addArgument(
    new Argument("<action>", `one of ${commandActionNames.join(", ")}`).choices([...commandActionNames]),
  );
  return addAdministrationOptions(command)
    .addOption(new Option("--target <mode>", "SET_MODE: what the device is to do").choices([...targetModes]))
    .option("--power <watts>", "SET_MODE: the battery's power in the direction of the mode", number)
    .option(
      "--lease <time>",
      "SET_MODE: the device falls back to AUTO by itself after this, such as 15m",
      parseDuration,
    )
    .option("--name <parameter>", "SET_PARAMETER: which one, as the device announced it")
    .option("--value <value>", "SET_PARAMETER: its new value")
    .option("--ttl <time>", "never sent later than this, such as 1h; 24h at most (default: 60s)", parseDuration)
    .option("--wait", "show its progress, and wait for its end");
}

async function payloadOf(
  action: CommandAction,
  { target, power, lease, name, value }: OrderOptions,
  isText: (parameter: string) => Promise<boolean>,
): Promise<NewCommandBody["payload"]> {
  const mode = { target_mode: target, target_power: power, lease_ms: lease };
  const wanted: Readonly<Record<string, unknown>> =
    action === "SET_MODE"
      ? { "--target": target }
      : action === "SET_PARAMETER"
        ? { "--name": name, "--value": value }
        : {};
  const missing = Object.keys(wanted).filter((flag) => wanted[flag] === undefined);
  if (missing.length > 0) throw new WrongUsage(`${action} needs ${missing.join(" and ")}.`);
  const foreign = [
    ...(action === "SET_MODE" || Object.values(mode).every((each) => each === undefined)
      ? []
      : ["--target, --power and --lease go with SET_MODE"]),
    ...(action === "SET_PARAMETER" || (name === undefined && value === undefined)
      ? []
      : ["--name and --value go with SET_PARAMETER"]),
  ];
  if (foreign.length > 0) throw new WrongUsage(`${foreign.join("; ")}, not with ${action}.`);
  if (action === "SET_MODE") {
    return Object.fromEntries(
      Object.entries(mode).filter(([, each]) => each !== undefined),
    ) as NewCommandBody["payload"];
  }
  if (name === undefined || value === undefined) return {};
  return { name, value: (await isText(name)) ? value : parameterValue(value) };
}

function parameterValue(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** Polls until the end, and shows each step as it comes. */
async function follow(client: CommandClient, given: CommandBody, isShown: boolean): Promise<CommandBody> {
  let shown = 0;
  for (let command = given; ; command = await client.show(given.device_id, given.command_id)) {
    if (isShown) for (const step of command.history.slice(shown)) printStep(step);
    shown = command.history.length;
    if (hasEnded(command.status)) return command;
    await sleep(pollMs);
  }
}

async function followFleet(
  client: CommandClient,
  begun: FleetCommandBody,
  isShown: boolean,
): Promise<FleetCommandBody> {
  const line = new LiveLine();
  for (let fleet = begun; ; fleet = await client.showFleet(begun.fleet_command_id)) {
    if (isShown) line.show(`wave ${fleet.wave + 1} of ${fleet.waves} · ${countsInWords(fleet)}`);
    if (fleet.status !== "running") {
      line.end();
      return fleet;
    }
    await sleep(pollMs);
  }
}

function printStep({ at, status, cause }: CommandBody["history"][number]): void {
  printLine(`${at}  ${status.padEnd(11)}  ${cause}`);
}

function countsInWords({ counts, total }: FleetCommandBody): string {
  const parts = Object.entries(counts).map(([status, count]) => `${count} ${status}`);
  return `${total} devices, ${parts.join(", ")}`;
}

function words(payload: NewCommandBody["payload"]): string {
  return Object.entries(payload)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
}
