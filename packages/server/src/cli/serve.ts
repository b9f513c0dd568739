import type { Command } from "commander";
import { addSettingsOptions, configOf, exitSoon, untilSignalled } from "./settings-options.ts";

export function addServeCommand(program: Command): void {
  const command = program
    .command("serve")
    .description(
      "Start the server. Every setting can be a flag, an environment variable, or stand in the --config file.",
    )
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard serve
  $ wattboard serve --host 0.0.0.0 --port 80 --data-dir /var/lib/wattboard
  $ WATTBOARD_ACCESS_DASHBOARDS=public wattboard serve
  $ WATTBOARD_STORE_URL=postgres://wattboard:secret@db.example.org/wattboard wattboard serve
  $ wattboard serve --config wattboard.yaml`,
    );
  addSettingsOptions(command).action(async () => {
    const config = configOf(command);
    // Listened for from here on, so that a signal during the start ends the server in order too.
    const signalled = untilSignalled();
    // The server's code is loaded by the commands that run one; the others answer sooner without.
    const { startSwitchboard } = await import("../switchboard.ts");
    const switchboard = await startSwitchboard({ config });
    const signal = await signalled;
    switchboard.log.info({ signal }, "signal received");
    await switchboard.stop();
    exitSoon();
  });
}
