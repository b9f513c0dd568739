import type { ClaimCodeBody } from "@wattboard/protocol";
import type { Command } from "commander";
import { makeLabelSheet } from "../api/label-sheet.ts";
import { addAdministrationOptions, administer, type TargetOptions } from "./device.ts";
import { addSelectionOptions, type SelectionOptions, selectRegistered } from "./device-selection.ts";
import { writePrivateFile } from "./private-file.ts";
import { ProgressBar } from "./progress-bar.ts";
import { printJson, printLine, WrongUsage } from "./report.ts";

interface LabelOptions extends TargetOptions, SelectionOptions {
  out: string;
  dryRun?: boolean;
}

const requestCodes = 500;
const addressMissing =
  "The server has not been told the address that people reach it by: set public_url, and print again.";

/** `device labels`. */
export function addDeviceLabelsCommand(device: Command): void {
  addSelectionOptions(addAdministrationOptions(device.command("labels [ids...]")))
    .description("Print labels with which whoever buys the boxes claims them: a PDF of A4 sheets, 3 x 7 labels each.")
    .option("--out <file>", "the PDF; its owner alone can read it", "labels.pdf")
    .option("--dry-run", "only tell how many labels it would be")
    .addHelpText(
      "after",
      `
Each label has a code of its own, which is stored as a hash and shown nowhere else. A label that a device had before is void; one that somebody has claimed gets none.
The server has to know the address that people reach it by (public_url).

Examples:
  $ wattboard device labels ems_001 ems_002
  $ wattboard device labels --from-file batch.csv --out batch-7.pdf
  $ wattboard device labels --where "properties.batch = 7" --dry-run`,
    )
    .action(async (ids: string[], options: LabelOptions) => {
      await administer(options, async (administration) => {
        const devices = await selectRegistered(administration, ids, options);
        if (options.dryRun) return printLine(`${devices.length} labels would be printed.`);
        const codes: ClaimCodeBody[] = [];
        const refused: { readonly device_id: string; readonly message: string }[] = [];
        const bar = new ProgressBar();
        for (let from = 0; from < devices.length; from += requestCodes) {
          bar.show(from / devices.length, `${from} of ${devices.length} codes`);
          const some = devices.slice(from, from + requestCodes).map(({ device_id }) => device_id);
          const made = await administration.makeClaimCodes(some);
          if (made.claim_codes.some(({ url }) => url === null)) throw new WrongUsage(addressMissing);
          codes.push(...made.claim_codes);
          refused.push(...made.refused);
        }
        bar.end();
        if (codes.length > 0) writePrivateFile(options.out, await sheetOf(codes));
        if (options.json) return printJson({ labels: codes.length, out: options.out, refused });
        printLine(`${codes.length} labels are in ${options.out}. Labels that these devices had before are void.`);
        for (const { device_id, message } of refused) printLine(`${device_id} gets none: ${message}`);
      });
    });
}

function sheetOf(codes: readonly ClaimCodeBody[]): Promise<Buffer> {
  const bar = new ProgressBar();
  let done = 0;
  const labels = codes.map(({ device_id: deviceId, name, code, url }) => ({ deviceId, name, code, url: url ?? "" }));
  return makeLabelSheet(labels, async () =>
    bar.show(++done / labels.length, `${done} of ${labels.length} labels`),
  ).finally(() => bar.end());
}
