import { type Command, Option } from "commander";
import { Failure } from "../base/failure.ts";
import type { AuditFormat, AuditQuery } from "./admin-client.ts";
import { addAdministrationOptions, addTargetOptions, administer } from "./device.ts";
import { printFile, printJson, printLine } from "./report.ts";

interface Options {
  dataDir: string;
  url?: string;
  json?: boolean;
}

export function addAuditCommand(program: Command): void {
  const audit = program
    .command("audit")
    .description("Check and export the record of who did what to which device, when and from where.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard audit verify
  $ wattboard audit export --device ems_001 > audit.csv`,
    );

  addAdministrationOptions(audit.command("verify"))
    .description("Follow the chain of hashes through all that is kept; exit code 1 where it is broken.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard audit verify
  $ wattboard audit verify --json              {"whole":true,"rows":…,"last_hash":"…"}
Note the last hash elsewhere now and then: whoever can write the file could write the whole chain anew.`,
    )
    .action(async (options: Options) => {
      const report = await administer(options, (administration) => administration.verifyAudit());
      if (options.json) printJson(report);
      if (!report.whole) throw new Failure("audit_broken", `The audit is broken: ${report.fault}.`);
      if (options.json) return;
      printLine(`The audit is whole: ${report.rows} rows, ${report.first_seq} to ${report.last_seq}.`);
      printLine(`Its last hash is ${report.last_hash}.`);
    });

  addTargetOptions(audit.command("export"))
    .description("Write the audit to standard output, newest first.")
    .addOption(new Option("--format <format>", "csv or ndjson").choices(["csv", "ndjson"]).default("csv"))
    .option("--device <id>", "only what was done to this device")
    .option("--who <who>", 'only what they did: "person ann", "token deploy", "local"')
    .option("--action <action>", "only this, such as device.revoke or sign_in")
    .option("--from <time>", "not before, such as 2026-01-31T00:00:00Z")
    .option("--to <time>", "before, such as 2026-02-01T00:00:00Z")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard audit export > audit.csv
  $ wattboard audit export --format ndjson --who "person ann" --from 2026-01-31T00:00:00Z
Older acts than the newest 100,000 (audit.rows) lie in the data folder as audit-*.ndjson.gz.`,
    )
    .action(
      async ({ format, device, who, action, from, to, ...options }: Options & AuditQuery & { format: AuditFormat }) => {
        await administer(options, async (administration) =>
          printFile(await administration.exportAudit(format, { device, who, action, from, to })),
        );
      },
    );
}
