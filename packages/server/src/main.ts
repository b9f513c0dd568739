import { CommanderError } from "commander";
import { Failure, systemErrorCode } from "./base/failure.ts";
import { createProgram } from "./cli/program.ts";
import { CommandRefused, printError, WrongUsage } from "./cli/report.ts";

const failed = 1;
const wrongUsage = 2;

/** Runs one command line. Gives the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function main(args: readonly string[]): Promise<number> {
  // Whoever reads the output has had enough (`| head`), or has closed the terminal; the command still ends as it would.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error) => {
      if (!["EPIPE", "EIO"].includes(systemErrorCode(error) ?? "")) throw error;
    });
  }
  try {
    await createProgram().parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has written its message already; asked for help, it ends with 0.
      return error.exitCode === 0 ? 0 : wrongUsage;
    }
    if (error instanceof WrongUsage) {
      printError(error.message);
      return wrongUsage;
    }
    if (error instanceof CommandRefused) {
      printError(error.message);
      return error.refusal.code === "invalid_request" ? wrongUsage : failed;
    }
    if (error instanceof Failure) {
      printError(error.message);
      return error.code === "invalid_config" ? wrongUsage : failed;
    }
    throw error;
  }
}
