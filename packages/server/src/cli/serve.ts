import type { Command } from "commander";
import type { Switchboard } from "../app/switchboard.ts";
import { addSettingsOptions, configOf, exitSoon, onHangup, untilServerEnds } from "./settings-options.ts";

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
  $ wattboard serve --host 0.0.0.0 --port 443 --tls-cert chain.pem --tls-key key.pem
  $ wattboard serve --host 0.0.0.0 --access-trusted-proxies 10.0.0.7 --data-dir /var/lib/wattboard
  $ WATTBOARD_ACCESS_DASHBOARDS=public wattboard serve
  $ WATTBOARD_STORE_URL=postgres://wattboard:secret@db.example.org/wattboard wattboard serve
  $ wattboard serve --config wattboard.yaml`,
    );
  addSettingsOptions(command).action(async () => {
    const config = configOf(command);
    // Whatever the server writes is its owner's alone.
    process.umask(0o077);
    // Listened for from here on, so that a signal during the start ends the server in order too.
    const ended = untilServerEnds();
    // The server's code is loaded by the commands that run one; the others answer sooner without.
    const { startSwitchboard } = await import("../app/switchboard.ts");
    const switchboard = await startSwitchboard({ config });
    onHangup(switchboard);
    // Whoever ends it while it starts has no use for the link.
    if ((await Promise.race([ended, null])) === null) printSetupLink(switchboard);
    switchboard.log.info({ signal: await ended }, "signal received");
    await switchboard.stop();
    exitSoon();
  });
}

/** On standard error, beside the log: it is for a person, and holds a secret. */
function printSetupLink({ publicUrl, setupLink }: Switchboard): void {
  if (setupLink === null) return;
  process.stderr.write(
    `\nNobody can administer this server yet. To create the administrator, open this link, which works once:\n\n  ${publicUrl}${setupLink.path}\n\nA new one: wattboard user setup-link\n\n`,
  );
}
