import { isRefusal } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { commandRequester } from "../commands/command-record.ts";
import type { Dispatcher } from "../commands/dispatcher.ts";
import type { RolloutJob } from "./rollout.ts";

/** The job of a fleet command: the same command to each device. With an id of its own it is given once, however often this is tried. */
export function commandJob(clock: Clock, dispatcher: Dispatcher): RolloutJob {
  return {
    async submit(record, { deviceId, commandId }) {
      const { action, payload, ttlMs, fleetCommandId } = record;
      const requester = commandRequester(record);
      const answer = await dispatcher.submit({
        deviceId,
        commandId,
        action,
        payload,
        ttlMs,
        requester,
        fleetCommandId,
      });
      if (!isRefusal(answer)) return answer.history.at(-1) ?? null;
      if (answer.code === "commands_unavailable") return null;
      // What else is refused is given up for this device.
      const atMs = clock.wallMs();
      return answer.code === "not_permitted"
        ? { status: "cancelled", atMs, cause: "Its requester may no longer command this device." }
        : { status: "rejected", atMs, cause: answer.message };
    },
    withdraw({ deviceId, commandId }, cause) {
      dispatcher.withdraw(deviceId, commandId, cause);
    },
  };
}
