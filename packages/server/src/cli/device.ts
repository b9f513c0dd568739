import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { type Command, InvalidArgumentError, Option } from "commander";
import { settings } from "../config/config.ts";
import { type AdminClient, openAdminClient } from "./admin-client.ts";
import { printJson, printLine, printTable, WrongUsage } from "./report.ts";

/** What `addAdministrationOptions` gives. */
export interface TargetOptions {
  dataDir: string;
  url?: string;
  json?: boolean;
  createFolder?: boolean;
}

interface SetOptions extends TargetOptions {
  name?: string;
  property?: Record<string, string>;
  without?: string[];
}

export function addDeviceCommand(program: Command): Command {
  const device = program
    .command("device")
    .description("Register devices and manage their tokens, also while the server runs.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard device add ems_001
  $ wattboard device list`,
    );

  addAdministrationOptions(device.command("list"))
    .description("List the registered devices.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard device list
  $ wattboard device list --json                            [{"device_id":"ems_001","online":true,…}]`,
    )
    .action(async (options: TargetOptions) => {
      const devices = await administer(options, (administration) => administration.listDevices());
      if (options.json) return printJson(devices);
      if (devices.length === 0) return printLine("No devices yet. Add one: wattboard device add ems_001");
      printTable(
        ["ID", "NAME", "ONLINE", "TOKEN", "REGISTERED"],
        devices.map((each) => [
          each.device_id,
          each.name,
          each.online ? "yes" : "no",
          each.active ? "valid" : "revoked",
          each.created_at,
        ]),
      );
    });

  addAdministrationOptions(device.command("set <id>"))
    .description("Change a device's name or properties.")
    .option("--name <text>", "what people call it")
    .option("--property <key=value>", "a property such as site=harbour; may be given again", collectProperty)
    .option("--without <key...>", "properties to take away")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard device set ems_001 --name "Cellar" --property country=SE
  $ wattboard device set ems_001 --property site=harbour --property peers=site
  $ wattboard device set ems_001 --without peers`,
    )
    .action(async (id: string, { name, property = {}, without = [], ...options }: SetOptions) => {
      const properties = { ...property, ...Object.fromEntries(without.map((key) => [key, null])) };
      if (name === undefined && Object.keys(properties).length === 0) {
        throw new WrongUsage("Say what to change: --name, --property or --without.");
      }
      const changed = await administer(options, (administration) =>
        administration.changeDevice(id, { ...(name !== undefined && { name }), properties }),
      );
      if (options.json) printJson(changed);
      else printLine(`Device ${id} is changed.`);
    });

  addAdministrationOptions(device.command("waiting"))
    .description("List the devices that came to the SMART-OS door (/update/) and are not registered.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard device waiting
  $ wattboard device accept 0001                            lets one of them in`,
    )
    .action(async (options: TargetOptions) => {
      const waiting = await administer(options, (administration) => administration.listWaiting());
      if (options.json) return printJson(waiting);
      if (waiting.length === 0) return printLine("No device waits.");
      printTable(
        ["SERIAL", "FIRST SEEN", "LAST SEEN", "MESSAGES", "FROM"],
        waiting.map((each) => [
          each.device_id,
          each.first_seen_at,
          each.last_seen_at,
          String(each.messages),
          each.address,
        ]),
      );
    });

  addAdministrationOptions(device.command("accept [serials...]"))
    .description("Register devices that wait at the SMART-OS door; they are let in with their next message.")
    .option("--all", "all that wait")
    .addHelpText(
      "after",
      `
Where smart_os.access is token, give each device its token; where it is open, the devices need none.

Examples:
  $ wattboard device accept 0001 0002
  $ wattboard device accept --all
  $ wattboard device accept 0001 --json                     [{"device_id":"0001","token":"wb_…"}]`,
    )
    .action(async (serials: string[], { all, ...options }: TargetOptions & { all?: boolean }) => {
      if ((serials.length === 0) !== (all === true)) throw new WrongUsage("Name the devices, or take --all.");
      const accepted = await administer(options, async (administration) => {
        const ids = all ? (await administration.listWaiting()).map((each) => each.device_id) : serials;
        const done: { device_id: string; token: string }[] = [];
        for (const id of ids) done.push(await administration.acceptWaiting(id));
        return done;
      });
      if (options.json) return printJson(accepted);
      if (accepted.length === 0) return printLine("No device waits.");
      printTable(
        ["ACCEPTED", "TOKEN, SHOWN ONLY THIS ONCE"],
        accepted.map((each) => [each.device_id, each.token]),
      );
    });

  addAdministrationOptions(device.command("remove <id>"))
    .description(
      "Forget a device; its connection is closed. What it sent stays in the store, and is not shown any more.",
    )
    .addHelpText(
      "after",
      `
A device that is added under the same id later begins anew: it may be another's. To take up where this one ended:
wattboard device add <id> --keep-history

Examples:
  $ wattboard device remove ems_001`,
    )
    .action(async (id: string, options: TargetOptions) => {
      const removed = await administer(options, (administration) => administration.removeDevice(id));
      if (options.json) printJson(removed);
      else printLine(`Device ${id} is removed. Its samples stay in the store, and are not shown any more.`);
    });
  return device;
}

/** Where the registrations are, and how to answer. */
export function addAdministrationOptions(command: Command): Command {
  return addTargetOptions(command).option("--json", "answer in JSON, for scripts");
}

/** As `addAdministrationOptions`, for what can be done before a server's first start: then somebody has to say that the folder is the right one. */
export function addBeginningOptions(command: Command): Command {
  return addAdministrationOptions(command).option("--create-folder", "begin the data folder where there is none yet");
}

/** Where the registrations are. */
export function addTargetOptions(command: Command): Command {
  const dataDir = settings.find(({ key }) => key === "data_dir");
  return command
    .addOption(new Option("--data-dir <folder>", "the server's data folder").env(dataDir?.env ?? "").default("./data"))
    .addOption(
      new Option("--url <address>", "a server elsewhere; needs an admin's API token in WATTBOARD_TOKEN")
        .env("WATTBOARD_URL")
        .argParser(baseAddress),
    );
}

/** Opens the registrations, does one thing, and lets go. */
export async function administer<T>(
  { dataDir, url, createFolder = false }: TargetOptions,
  task: (administration: AdminClient) => Promise<T>,
): Promise<T> {
  const administration = await openAdminClient({ dataDir, url }, { mayCreate: createFolder });
  try {
    return await task(administration);
  } finally {
    await administration.close();
  }
}

function baseAddress(text: string): string {
  const isAddress = URL.canParse(text) && /^(https?|wss?):$/.test(new URL(text).protocol);
  if (!isAddress) throw new InvalidArgumentError("It must be an address such as https://board.example.org.");
  return text;
}

/** A secret from a file, or from standard input with `-`; never from an argument, which every user of the machine could see. */
export async function readSecret(what: "token" | "password", file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    // As a stream: a pipe that has nothing yet would make `readFileSync(0)` fail with EAGAIN.
    return (file === "-" ? await text(process.stdin) : readFileSync(file, "utf8")).trim();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WrongUsage(`The ${what} file ${file} cannot be read: ${reason}`, error);
  }
}

/** `country=SE`, once more. */
export function collectProperty(pair: string, before: Record<string, string> = {}): Record<string, string> {
  const at = pair.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must look like country=SE.");
  return { ...before, [pair.slice(0, at)]: pair.slice(at + 1) };
}
