import type { Command } from "commander";
import { startSwitchboard } from "../switchboard.ts";
import { addSettingsOptions, configOf, untilSignalled } from "./settings-options.ts";

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
  $ wattboard serve --config wattboard.yaml`,
    );
  addSettingsOptions(command).action(async () => {
    const switchboard = await startSwitchboard({ config: configOf(command) });
    const signal = await untilSignalled();
    switchboard.log.info({ signal }, "signal received");
    await switchboard.stop();
  });
}
