import type { Command } from "commander";
import { addAdministrationOptions, administer, type TargetOptions } from "./device.ts";
import { printJson, printLine, printTable } from "./report.ts";

export function addShareCommand(program: Command): void {
  const share = program
    .command("share")
    .description("List and revoke the links by which people without an account look at a device.")
    .addHelpText("after", "\nExamples:\n  $ wattboard share list");

  addAdministrationOptions(share.command("list"))
    .description("List the share links that hold, of all devices and whoever made them.")
    .addHelpText("after", "\nExamples:\n  $ wattboard share list --json")
    .action(async (options: TargetOptions) => {
      const links = await administer(options, (administration) => administration.listShareLinks());
      if (options.json) return printJson(links);
      if (links.length === 0) return printLine("No share links. They are made on a device's page.");
      printTable(
        ["SHARE LINK", "DEVICE", "FOR", "BY", "UNTIL"],
        links.map((each) => [each.share_id, each.device_id, each.label, each.created_by ?? "", each.expires_at]),
      );
    });

  addAdministrationOptions(share.command("revoke <share>"))
    .description("Revoke a share link; whoever looks by it is cut off within a second.")
    .addHelpText("after", "\nExamples:\n  $ wattboard share revoke 0f9d6a52-6a3c-4c9e-9d5b-1f4f0c0a7e11")
    .action(async (share: string, options: TargetOptions) => {
      const revoked = await administer(options, (administration) => administration.revokeShareLink(share));
      if (options.json) printJson(revoked);
      else printLine(`The share link to ${revoked.device_id} is revoked.`);
    });
}
