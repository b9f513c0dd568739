import type { CommandBody, FleetCommandBody, FleetDeviceBody } from "@wattboard/protocol";
import type { CommandRecord } from "../commands/command-record.ts";
import type { FleetCommandRecord, FleetTarget } from "../commands/fleet-command-record.ts";
import type { FleetCommander } from "../commands/fleet-commander.ts";
import { isoTime } from "./range.ts";

export function commandBody(record: CommandRecord): CommandBody {
  return {
    command_id: record.commandId,
    device_id: record.deviceId,
    action: record.action,
    payload: record.payload,
    status: record.status,
    created_at: isoTime(record.createdAtMs),
    expires_at: isoTime(record.expiresAtMs),
    requested_by: record.requestedBy,
    fleet_command_id: record.fleetCommandId,
    history: record.history.map(({ status, atMs, cause }) => ({ status, at: isoTime(atMs), cause })),
  };
}

export function fleetCommandBody(
  record: FleetCommandRecord,
  counts: ReturnType<FleetCommander["countsOf"]>,
): FleetCommandBody {
  return {
    fleet_command_id: record.fleetCommandId,
    action: record.action,
    payload: record.payload,
    where: record.where,
    status: record.status,
    cause: record.cause,
    requested_by: record.requestedBy,
    created_at: isoTime(record.createdAtMs),
    ended_at: record.endedAtMs === null ? null : isoTime(record.endedAtMs),
    wave: record.wave,
    waves: record.waves,
    total: record.total,
    counts,
    new_errors: record.newErrors,
  };
}

export function fleetDeviceBody({ deviceId, wave, commandId, status, cause, newFlags }: FleetTarget): FleetDeviceBody {
  return { device_id: deviceId, wave, command_id: commandId, status, cause, new_flags: newFlags };
}
