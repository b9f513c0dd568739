import type { CommandBody, FleetCommandBody, FleetDeviceBody } from "@wattboard/protocol";
import type { CommandRecord } from "../commands/command-record.ts";
import type { FleetCommandRecord, FleetTarget } from "../commands/fleet-command-record.ts";
import { isoTime } from "../history/range.ts";
import type { RolloutManager } from "../rollouts/rollout-manager.ts";

/** Whether whoever reads it may know who has an account here. */
export interface Reader {
  readonly mayViewNames: boolean;
}

export function commandBody(record: CommandRecord, { mayViewNames }: Reader): CommandBody {
  return {
    command_id: record.commandId,
    device_id: record.deviceId,
    action: record.action,
    payload: record.payload,
    status: record.status,
    created_at: isoTime(record.createdAtMs),
    expires_at: isoTime(record.expiresAtMs),
    requested_by: mayViewNames ? record.requestedBy : null,
    fleet_command_id: record.fleetCommandId,
    history: record.history.map(({ status, atMs, cause }) => ({
      status,
      at: isoTime(atMs),
      cause: mayViewNames ? cause : withoutName(cause),
    })),
  };
}

export function fleetCommandBody(
  record: FleetCommandRecord,
  counts: ReturnType<RolloutManager["countsOf"]>,
  { mayViewNames }: Reader,
): FleetCommandBody {
  return {
    fleet_command_id: record.fleetCommandId,
    action: record.action,
    payload: record.payload,
    where: record.where,
    status: record.status,
    cause: mayViewNames ? record.cause : withoutName(record.cause),
    requested_by: mayViewNames ? record.requestedBy : null,
    created_at: isoTime(record.createdAtMs),
    ended_at: record.endedAtMs === null ? null : isoTime(record.endedAtMs),
    wave: record.wave,
    waves: record.waves,
    total: record.total,
    counts,
    new_errors: record.newErrors,
  };
}

export function fleetDeviceBody(
  { deviceId, wave, commandId, status, cause, newFlags }: FleetTarget,
  { mayViewNames }: Reader,
): FleetDeviceBody {
  const said = mayViewNames ? cause : withoutName(cause);
  return { device_id: deviceId, wave, command_id: commandId, status, cause: said, new_flags: newFlags };
}

/** Those of our causes that say who did it. */
function withoutName(cause: string): string {
  const [said = ""] = cause.split(" by ", 1);
  return ["Given", "Begun", "Aborted"].includes(said) ? `${said}.` : cause;
}
