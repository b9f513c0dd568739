import type { Audit } from "../access/audit/audit.ts";
import { requesterText } from "../base/requester.ts";
import type { Log } from "../observe/log.ts";
import type { RolloutObserver } from "./rollout-manager.ts";

/** Fleet commands in the audit and in the log. */
export function logRollouts(audit: Audit, log: Log): RolloutObserver {
  return {
    given(what, { fleetCommandId, action, payload, where, total }, { requester, address }) {
      const order = { action, payload, where, devices: total };
      const who = requesterText(requester);
      audit.record({ who, address, action: `fleet_command.${what}`, target: fleetCommandId, detail: order });
      log.info({ fleet_command_id: fleetCommandId, ...order, by: who }, `fleet command: ${what}`);
    },
  };
}
