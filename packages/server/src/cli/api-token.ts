import { describeDevices } from "@wattboard/protocol";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type Role, roles } from "../access/principal.ts";
import { addAdministrationOptions, addBeginningOptions, administer, type TargetOptions } from "./device.ts";
import { printEnded } from "./outstanding.ts";
import { parseDevices } from "./parse-devices.ts";
import { printJson, printLine, printTable } from "./report.ts";
import { devicesOption } from "./user.ts";

export function addApiTokenCommand(program: Command): void {
  const apiToken = program
    .command("api-token")
    .description("Manage bearer tokens for scripts and dashboards.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard api-token add wallboard --role viewer
  $ wattboard api-token list`,
    );

  addBeginningOptions(apiToken.command("add <name>"))
    .description("Make a token and print it, which is done only this once.")
    .addOption(new Option("--role <role>", "what its bearer may do").choices([...roles]).makeOptionMandatory())
    .option("--expires <time>", "how long it is valid, such as 12h or 30d (default: for ever)", parseDuration)
    .addOption(devicesOption().default("all"))
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard api-token add wallboard --role viewer --expires 90d
  $ wattboard api-token add cellar --role operator --devices ems_001,ems_002
  $ wattboard api-token add deploy --role admin --json      {"name":"deploy","token":"wb_…"}
Used as: Authorization: Bearer <token>`,
    )
    .action(async (name: string, options: TargetOptions & { role: Role; expires?: number; devices: string }) => {
      const added = await administer(options, (administration) =>
        administration.addApiToken(name, options.role, options.expires ?? null, parseDevices(options.devices)),
      );
      if (options.json) return printJson(added);
      printLine(`API token ${name} (${options.role}), shown only this once:`);
      printLine();
      printLine(`  ${added.token}`);
    });

  addAdministrationOptions(apiToken.command("list"))
    .description("List the tokens, without their values.")
    .addHelpText("after", "\nExamples:\n  $ wattboard api-token list --json")
    .action(async (options: TargetOptions) => {
      const tokens = await administer(options, (administration) => administration.listApiTokens());
      if (options.json) return printJson(tokens);
      if (tokens.length === 0)
        return printLine("No API tokens yet. Make one: wattboard api-token add NAME --role viewer");
      printTable(
        ["NAME", "ROLE", "DEVICES", "MADE", "EXPIRES"],
        tokens.map((token) => [
          token.name,
          token.role,
          describeDevices(token.devices),
          token.created_at,
          token.expires_at ?? "never",
        ]),
      );
    });

  addAdministrationOptions(apiToken.command("remove <name>"))
    .description("Void a token: requests with it are refused, and what is open with it is closed within a second.")
    .addHelpText("after", "\nExamples:\n  $ wattboard api-token remove wallboard")
    .action(async (name: string, options: TargetOptions) => {
      const removed = await administer(options, (administration) => administration.removeApiToken(name));
      if (options.json) printJson(removed);
      else {
        printLine(`API token ${name} is removed.`);
        printEnded(removed.ended);
      }
    });
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `15m`, `12h`, `30d` in milliseconds. */
export function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined)
    throw new InvalidArgumentError("It must look like 90s, 15m, 12h or 30d.");
  return Number(amount) * unitMs[unit as keyof typeof unitMs];
}
