import type { FleetCommandBody, FleetDeviceBody } from "@wattboard/protocol";
import { isoTime } from "../base/iso-time.ts";
import { type CommandReader, withoutName } from "../commands/command-body.ts";
import type { FleetCommandRecord, FleetTarget } from "../commands/fleet-command-record.ts";
import type { RolloutManager } from "../rollouts/rollout-manager.ts";

export function fleetCommandBody(
  record: FleetCommandRecord,
  counts: ReturnType<RolloutManager["countsOf"]>,
  { mayViewNames }: CommandReader,
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
  { mayViewNames }: CommandReader,
): FleetDeviceBody {
  const said = mayViewNames ? cause : withoutName(cause);
  return { device_id: deviceId, wave, command_id: commandId, status, cause: said, new_flags: newFlags };
}
