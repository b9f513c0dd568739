import type { Audit } from "../access/audit/audit.ts";
import type { Events } from "../observe/events.ts";
import type { Log } from "../observe/log.ts";
import type { Throttle } from "../observe/throttle.ts";
import type { JournalObserver } from "./command-journal.ts";
import type { CommandObserver, StepListener } from "./dispatcher.ts";

interface CommandLogServices {
  readonly audit: Audit;
  readonly events: Events;
  readonly log: Log;
  readonly throttle: Throttle;
}

/** What is written down of commands: each that is given in the audit, every step in the log, and among the events whether they can be stored. */
export function logCommands(services: CommandLogServices): CommandObserver & JournalObserver & StepListener {
  const { audit, events, log, throttle } = services;
  return {
    given({ deviceId, commandId, action, payload, requestedBy, fleetCommandId }, address) {
      const detail = { action, payload, ...(fleetCommandId !== null && { fleet_command_id: fleetCommandId }) };
      audit.record({ who: requestedBy, address, action: "command", deviceId, target: commandId, detail });
      log.info({ device_id: deviceId, command_id: commandId, action, payload, by: requestedBy }, "command given");
    },
    noteStep({ deviceId, commandId }, { status, cause }) {
      log.debug({ device_id: deviceId, command_id: commandId, status }, cause);
    },
    resultIgnored(deviceId, { command_id }) {
      const suppressed = throttle.pass(`result ${deviceId}`);
      if (suppressed === null) return;
      log.info({ device_id: deviceId, command_id, suppressed }, "result for a command that is not open");
    },
    failed(error) {
      if (throttle.pass("commands failing") === null) return;
      const reason = error instanceof Error ? error.message : String(error);
      events.report("commands_failing", null, `${reason} No new commands are taken; what is open waits.`);
    },
    recovered: () => events.report("commands_recovered", null, "Commands are taken again."),
  };
}
