import { Outstanding, outstandingAccess } from "../access/outstanding.ts";
import { outstandingCommands } from "../api/outstanding-commands.ts";
import { CommandJournal } from "../commands/command-journal.ts";
import { logCommands } from "../commands/command-log.ts";
import { Dispatcher } from "../commands/dispatcher.ts";
import { CommandProgress } from "../doors/command-progress.ts";
import { logRollouts } from "../rollouts/rollout-log.ts";
import { RolloutManager } from "../rollouts/rollout-manager.ts";
import { Fanout } from "../telemetry/fanout.ts";
import type { DeviceParts } from "./assemble-devices.ts";
import type { Defer } from "./closing.ts";

export type AssembledCommands = ReturnType<typeof assembleCommands>;

/** Commands to one device and to many, and who hears of their steps. */
export function assembleCommands(defer: Defer, parts: DeviceParts) {
  const { config, clock, newId, log, audit, commandStore, devices, latest, registry, requesters, fleetRows } = parts;
  const commandLog = logCommands(parts);
  const journal = new CommandJournal(commandStore, clock, commandLog);
  defer("the journal of commands", async (graceMs) => {
    if (!(await journal.drain(graceMs))) log.error("the last steps of some commands were not stored in time");
  });
  const commands = new Dispatcher(clock, newId, commandStore, journal, latest, devices, requesters, commandLog);
  defer("commands", () => commands.stop());
  const rollouts = new RolloutManager(
    clock,
    newId,
    commandStore,
    journal,
    commands,
    fleetRows,
    requesters,
    logRollouts(audit, log),
  );
  defer("fleet commands", () => rollouts.stop());
  const fanout = new Fanout(clock, newId, (deviceId) => registry.find(deviceId) !== undefined, {
    // Who comes back gets all that is kept at once, and is no slow reader for it.
    keptBytesMax: config.outbox.bytes / 2,
    resumeBytesMax: config.outbox.resume_bytes,
  });
  registry.watch(fanout);
  for (const listener of [new CommandProgress(fanout), rollouts, commandLog]) commands.watch(listener);
  const outstanding = new Outstanding([outstandingAccess(parts), outstandingCommands(commands, rollouts, requesters)]);
  return { ...parts, commands, rollouts, fanout, outstanding };
}
