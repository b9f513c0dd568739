import { overlapSDefault } from "@wattboard/protocol";
import { type Command, Option } from "commander";
import { parseDuration } from "./api-token.ts";
import {
  addAdministrationOptions,
  addBeginningOptions,
  administer,
  collectProperty,
  readSecret,
  type TargetOptions,
} from "./device.ts";
import { addSelectionOptions, isOfMany, type SelectionOptions, selectRegistered } from "./device-selection.ts";
import { addMany, type Outcomes, readNewDevices, rotateMany } from "./many-devices.ts";
import { printJson, printLine, WrongUsage } from "./report.ts";
import { wholeNumber } from "./whole-number.ts";

interface TokenOptions extends TargetOptions {
  tokenFile?: string;
}

interface AddDeviceOptions extends TokenOptions {
  fromFile?: string;
  result?: string;
  dryRun?: boolean;
  name?: string;
  property?: Record<string, string>;
  keepHistory?: boolean;
  keepHistoryOf?: number;
}

interface RotateOptions extends TokenOptions, SelectionOptions {
  overlap: number;
  result?: string;
  wait: number;
  dryRun?: boolean;
}

const overlapMsDefault = overlapSDefault * 1_000;

/** The device's token: registering with one, giving it another, taking it back. */
export function addDeviceTokenCommands(device: Command): void {
  addRegisterCommand(device);
  addRotateCommand(device);

  addAdministrationOptions(device.command("revoke <id>"))
    .description("Void a device's token; its connection is closed. `rotate` lets it in again.")
    .addHelpText("after", "\nExamples:\n  $ wattboard device revoke ems_001")
    .action(async (id: string, options: TargetOptions) => {
      const revoked = await administer(options, (administration) => administration.revokeToken(id));
      if (options.json) printJson(revoked);
      else printLine(`The token of ${id} is revoked.`);
    });
}

/** `device add`. */
function addRegisterCommand(device: Command): void {
  addBeginningOptions(device.command("add [id]"))
    .description("Register a device and print its token, which is shown only this once; or the devices of a file.")
    .option("--name <text>", "what people call it (default: its id)")
    .option("--property <key=value>", "a free property such as country=SE; may be given again", collectProperty)
    .addOption(tokenFileOption())
    .option(
      "--keep-history",
      "it is the device of this id that was removed last, with its history; otherwise it begins anew",
    )
    .option("--keep-history-of <number>", "the same, of the registration of this number", wholeNumber(1))
    .option(
      "--from-file <file>",
      "register the devices of a CSV: the columns id, name, token (if it is to be yours), and a property each",
    )
    .addOption(resultOption())
    .option("--dry-run", "with --from-file: only tell how many they are")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard device add ems_001 --name "Cellar" --property country=SE
  $ wattboard device add ems_002 --token-file token.txt     a token of your own, at least 16 characters
  $ wattboard device add ems_003 --json                     {"device_id":"ems_003","token":"wb_…"}
  $ wattboard device add --from-file devices.csv --result tokens.csv      many at once; can be given again where it was cut off
  $ WATTBOARD_TOKEN=… wattboard device add ems_004 --url https://board.example.org`,
    )
    .action(async (id: string | undefined, options: AddDeviceOptions) => {
      if ((id === undefined) === (options.fromFile === undefined)) {
        throw new WrongUsage("Name a device, or take --from-file.");
      }
      if (id === undefined) return await addFromFile(options.fromFile ?? "", options);
      const token = await readSecret("token", options.tokenFile);
      const added = await administer(options, (administration) =>
        administration.addDevice({
          deviceId: id,
          name: options.name,
          properties: options.property,
          token,
          keepHistory: options.keepHistoryOf ?? options.keepHistory,
        }),
      );
      printProvisioned(`Device ${id} is registered.`, added, options);
      if (options.json || added.history_from === undefined) return;
      printLine();
      printLine(`There was a ${id} before, and what it sent is not shown as this one's. If it is the same device:`);
      printLine(`wattboard device remove ${id}, and add it again with --keep-history-of ${added.former_registration}.`);
    });
}

async function addFromFile(path: string, options: AddDeviceOptions): Promise<void> {
  const devices = readNewDevices(path);
  if (options.dryRun) return printLine(`${devices.length} devices would be registered.`);
  const { result } = options;
  if (result === undefined) throw new WrongUsage("Say with --result into which file their tokens go.");
  printOutcomes(await administer(options, (administration) => addMany(administration, devices, result)), options);
}

/** `device rotate`. */
function addRotateCommand(device: Command): void {
  addSelectionOptions(addAdministrationOptions(device.command("rotate [ids...]")))
    .description(
      "Give devices new tokens. The ones before stay valid for a time, or until the device has come with its new one.",
    )
    .option(
      "--overlap <time>",
      "how long the token before stays valid, such as 12h or 30d; 0s: it is void at once",
      parseDuration,
      overlapMsDefault,
    )
    .addOption(tokenFileOption())
    .addOption(resultOption())
    .option(
      "--wait <seconds>",
      "with many: how long to wait for those that get theirs over their links",
      wholeNumber(0),
      30,
    )
    .option("--dry-run", "only tell how many devices it would be")
    .addHelpText(
      "after",
      `
Devices that take tokens get theirs over their link, now or when they come within the overlap. The others get it by hand: the result says which.

Examples:
  $ wattboard device rotate ems_001
  $ wattboard device rotate ems_001 --overlap 0s            the token before is void now, and the connection closed
  $ wattboard device rotate ems_001 --token-file -          a token of your own, from standard input
  $ wattboard device rotate --where "properties.site = harbour" --dry-run
  $ wattboard device rotate --all --overlap 30d --result tokens.csv       can be given again where it was cut off`,
    )
    .action(async (ids: string[], options: RotateOptions) => {
      const [id] = ids;
      if (id !== undefined && !isOfMany(ids, options) && options.dryRun !== true) return await rotateOne(id, options);
      if (options.tokenFile !== undefined) throw new WrongUsage("--token-file is for one device.");
      await administer(options, async (administration) => {
        const devices = await selectRegistered(administration, ids, options);
        const online = devices.filter((each) => each.online).length;
        if (options.dryRun)
          return printLine(`${devices.length} devices would be rotated; ${online} of them are connected.`);
        const { overlap: overlapMs, result, wait } = options;
        if (result === undefined) throw new WrongUsage("Say with --result into which file their tokens go.");
        const given = { overlapMs, waitMs: wait * 1_000 };
        printOutcomes(await rotateMany(administration, devices, result, given), options);
      });
    });
}

async function rotateOne(id: string, options: RotateOptions): Promise<void> {
  const token = await readSecret("token", options.tokenFile);
  const rotated = await administer(options, (administration) =>
    administration.rotateToken(id, {
      ...(token !== undefined && { token }),
      overlap_s: Math.round(options.overlap / 1_000),
    }),
  );
  printProvisioned(`Device ${id} has a new token.`, rotated, options);
  if (options.json || rotated.rotation === null) return;
  printLine();
  printLine(
    `The token before is valid until ${rotated.rotation.former_until}, or until the device comes with this one.`,
  );
  if (rotated.rotation.state === "offered")
    printLine("It was sent to the device over its link: nothing is left to do.");
}

function printOutcomes(
  outcomes: Outcomes,
  { json, result }: { readonly json?: boolean; readonly result?: string },
): void {
  if (json) printJson({ outcomes, result });
  else {
    for (const [outcome, count] of Object.entries(outcomes)) printLine(`${count} ${outcome}`);
    printLine(`Tokens and outcomes are in ${result}, which you alone can read.`);
  }
}

function resultOption(): Option {
  return new Option("--result <file>", "with many: the CSV that gets id, token and outcome of each");
}

function printProvisioned(
  what: string,
  provisioned: { device_id: string; token: string },
  options: TokenOptions,
): void {
  if (options.json) {
    printJson(provisioned);
    return;
  }
  printLine(what);
  if (options.tokenFile !== undefined) {
    printLine("Its token is the one you gave.");
    return;
  }
  printLine("Its token, shown only this once:");
  printLine();
  printLine(`  ${provisioned.token}`);
  printLine();
  printLine(`On the device: DEVICE_ID=${provisioned.device_id} API_TOKEN=<the token>`);
}

function tokenFileOption(): Option {
  return new Option(
    "--token-file <file>",
    "take the token from a file, or from standard input with -; never give it as an argument",
  );
}
