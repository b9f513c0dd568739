import type { OutstandingSource } from "../access/outstanding.ts";
import type { Requesters } from "../access/requesters.ts";
import { commandRequester } from "../commands/command-record.ts";
import type { Dispatcher } from "../commands/dispatcher.ts";
import type { RolloutManager } from "../rollouts/rollout-manager.ts";

/** Commands that no device has been given yet, and fleet commands that run. What was sent cannot be taken back. */
export function outstandingCommands(
  commands: Dispatcher,
  rollouts: RolloutManager,
  requesters: Requesters,
): OutstandingSource {
  return function* () {
    for (const record of rollouts.running()) {
      const { fleetCommandId: id, action } = record;
      const requester = commandRequester(record);
      yield {
        item: { kind: "fleet_command", id, device_id: null, about: action },
        requester,
        isAllowed: requesters.mayCommand(requester, null),
        end: () => rollouts.cancel(id),
      };
    }
    for (const record of commands.queued()) {
      const { deviceId, commandId: id, action } = record;
      const requester = commandRequester(record);
      yield {
        item: { kind: "command", id, device_id: deviceId, about: action },
        requester,
        isAllowed: requesters.mayCommand(requester, deviceId),
        end: () => commands.cancel(deviceId, id),
      };
    }
  };
}
