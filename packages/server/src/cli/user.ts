import { defaultUrl, describeDevices, type IssuedLinkBody } from "@wattboard/protocol";
import { Argument, type Command, Option } from "commander";
import { type Role, roles } from "../access/principal.ts";
import type { AdminClient } from "./admin-client.ts";
import { addAdministrationOptions, addBeginningOptions, administer, readSecret, type TargetOptions } from "./device.ts";
import { outstandingLines, printEnded } from "./outstanding.ts";
import { parseDevices } from "./parse-devices.ts";
import { Questioner, yesOrNo } from "./questions.ts";
import { printJson, printLine, printTable, WrongUsage } from "./report.ts";

interface AddUserOptions extends TargetOptions {
  role: Role;
  devices: string;
  email?: string;
}

interface RemoveOptions extends TargetOptions {
  yes?: boolean;
}

export function addUserCommand(program: Command): void {
  const user = program
    .command("user")
    .description("Manage people: who may sign in, and what they may do with which devices.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard user setup-link
  $ wattboard user add ann --role operator --devices ems_001,ems_002`,
    );

  addBeginningOptions(user.command("add <name>"))
    .description("Make an account, and print the link by which its owner chooses a password.")
    .addOption(new Option("--role <role>", "what they may do").choices([...roles]).makeOptionMandatory())
    .addOption(devicesOption().makeOptionMandatory())
    .option("--email <address>", "they may sign in with it as well as with the name")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard user add ann --role operator --devices ems_001        sees and commands only this one
  $ wattboard user add bob --role viewer --devices all --email bob@example.org
  $ wattboard user add eve --role admin --devices all --json        {"person":{…},"link":{"path":"/welcome#wb_…"}}`,
    )
    .action(async (name: string, options: AddUserOptions) => {
      const { role, email } = options;
      const devices = parseDevices(options.devices);
      await administer(options, async (administration) => {
        const added = await administration.addPerson({ name, role, devices, ...(email !== undefined && { email }) });
        if (options.json) return printJson(added);
        printLine(`${added.person.name} has an account. To choose a password, open this link, which works once:`);
        printLink(administration, added.link);
      });
    });

  addAdministrationOptions(user.command("list"))
    .description("List the people and their rights.")
    .addHelpText("after", "\nExamples:\n  $ wattboard user list --json")
    .action(async (options: TargetOptions) => {
      const people = await administer(options, (administration) => administration.listPeople());
      if (options.json) return printJson(people);
      if (people.length === 0) return printLine("Nobody yet. Make an administrator: wattboard user setup-link");
      printTable(
        ["NAME", "E-MAIL", "ROLE", "DEVICES", "SIGNED IN", "PASSWORD"],
        people.map((each) => [
          each.name,
          each.email ?? "",
          each.role,
          describeDevices(each.devices),
          each.sessions === 0 ? "no" : `in ${each.sessions}`,
          each.active ? "chosen" : "not yet",
        ]),
      );
    });

  addAdministrationOptions(user.command("role <name>"))
    .addArgument(new Argument("<role>", "what they may do").choices([...roles]))
    .description("Change what somebody may do; open connections follow within a second.")
    .addHelpText("after", "\nExamples:\n  $ wattboard user role ann viewer")
    .action(async (name: string, role: Role, options: TargetOptions) => {
      const changed = await administer(options, (administration) => administration.changePerson(name, { role }));
      if (options.json) printJson(changed);
      else {
        printLine(`${changed.name} is ${changed.role} now, with ${describeDevices(changed.devices)}.`);
        printEnded(changed.ended);
      }
    });

  addAdministrationOptions(user.command("devices <name> <devices>"))
    .description("Give somebody these devices and no others; open connections follow within a second.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard user devices ann ems_001,ems_002
  $ wattboard user devices ann all
  $ wattboard user devices ann none`,
    )
    .action(async (name: string, devices: string, options: TargetOptions) => {
      const changed = await administer(options, (administration) =>
        administration.changePerson(name, { devices: parseDevices(devices) }),
      );
      if (options.json) printJson(changed);
      else {
        printLine(`${changed.name} has ${describeDevices(changed.devices)} now.`);
        printEnded(changed.ended);
      }
    });

  addAdministrationOptions(user.command("password <name>"))
    .description("Print a link by which somebody chooses a new password, or set it from a file.")
    .option("--password-file <file>", "set this password, from a file or from standard input with -; never an argument")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard user password ann                         the present one holds until the link is used
  $ wattboard user password ann --password-file -       set it at once; she is signed out everywhere`,
    )
    .action(async (name: string, options: TargetOptions & { passwordFile?: string }) => {
      const password = await readSecret("password", options.passwordFile);
      await administer(options, async (administration) => {
        if (password !== undefined) {
          const changed = await administration.setPassword(name, password);
          if (options.json) printJson(changed);
          else printLine(`${changed.name} has a new password and is signed out everywhere.`);
          return;
        }
        const link = await administration.issuePasswordLink(name);
        if (options.json) return printJson(link);
        printLine(`To choose a new password, ${name} opens this link, which works once:`);
        printLink(administration, link);
      });
    });

  addAdministrationOptions(user.command("remove <name>"))
    .description("Remove somebody's account; they are signed out everywhere, and what they have set going ends.")
    .option("--yes", "do not ask first")
    .addHelpText(
      "after",
      `
Share links, commands that no device has been given yet, fleet commands that run, API tokens and one-time links of theirs end as
well. They are listed first, and in a terminal you are asked.

Examples:
  $ wattboard user remove ann
  $ wattboard user remove ann --yes --json`,
    )
    .action(async (name: string, options: RemoveOptions) => {
      const removed = await administer(options, async (administration) => {
        if (options.yes !== true) await confirmRemoval(administration, name);
        return await administration.removePerson(name);
      });
      if (options.json) return printJson(removed);
      printLine(`${removed.name} is removed.`);
      printEnded(removed.ended);
    });

  addBeginningOptions(user.command("setup-link"))
    .description("Print a new one-time link that creates an administrator; the one before is void.")
    .addHelpText("after", "\nExamples:\n  $ wattboard user setup-link")
    .action(async (options: TargetOptions) => {
      await administer(options, async (administration) => {
        const link = await administration.issueSetupLink();
        if (options.json) return printJson(link);
        printLine("Whoever opens this link, which works once, creates an administrator:");
        printLink(administration, link);
      });
    });
}

/** Lists what would end, and asks in a terminal. A script is not asked, but has to say so where something would end. */
async function confirmRemoval(administration: AdminClient, name: string): Promise<void> {
  const outstanding = await administration.outstandingOf(name);
  const lines = outstandingLines(outstanding);
  if (outstanding.count > 0) process.stderr.write(`With ${name} this ends:\n${lines.join("\n")}\n`);
  if (administration.url === undefined) {
    process.stderr.write("No server runs here; commands that they left end when one starts.\n");
  }
  if (!process.stdin.isTTY) {
    if (outstanding.count > 0) throw new WrongUsage(`Nothing is removed. With --yes ${name} is, and this ends.`);
    return;
  }
  const questioner = new Questioner();
  try {
    const text = `Remove ${name}?`;
    const isMeant = await questioner.ask({
      text,
      flag: "--yes",
      usual: false,
      parse: yesOrNo,
      format: (value) => (value ? "y" : "n"),
    });
    if (!isMeant) throw new WrongUsage("Nothing is removed.");
  } finally {
    questioner.close();
  }
}

/** Which devices somebody is given. */
/** For `parseDevices`, which is not handed to commander: that makes an empty text of null. */
export function devicesOption(): Option {
  return new Option("--devices <ids>", "the devices they see and command: ids with commas between, all, or none");
}

function printLink(client: AdminClient, { path, url, expires_at: expiresAt }: IssuedLinkBody): void {
  printLine();
  printLine(`  ${url ?? (client.url ?? defaultUrl) + path}`);
  printLine();
  const hint = url === null ? " If the server has another address for people, put that in front (public_url)." : "";
  printLine(`It is valid until ${expiresAt}.${hint}`);
}
