import type { CommandBody } from "@wattboard/protocol";
import { isoTime } from "../base/iso-time.ts";
import type { CommandRecord } from "./command-record.ts";

/** Whether whoever reads it may know who has an account here. */
export interface CommandReader {
  readonly mayViewNames: boolean;
}

export function commandBody(record: CommandRecord, { mayViewNames }: CommandReader): CommandBody {
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

/** Those of our causes that say who did it. */
export function withoutName(cause: string): string {
  const [said = ""] = cause.split(" by ", 1);
  return ["Given", "Begun", "Aborted"].includes(said) ? `${said}.` : cause;
}
