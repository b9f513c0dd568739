import {
  type CommandAction,
  type CommandStatus,
  commandStatuses,
  type NewCommandBody,
  type SetParameter,
} from "@wattboard/protocol";
import { type Requester, readRequester } from "../base/requester.ts";

export interface Step {
  readonly status: CommandStatus;
  readonly atMs: number;
  /** In words, for people. */
  readonly cause: string;
}

/** A command with all that became of it. Never changed: each step makes a new one. */
export interface CommandRecord {
  readonly deviceId: string;
  /** The key of the device's registration; of earlier versions, which had the device's id in its place, absent. */
  readonly registrationKey?: string;
  readonly commandId: string;
  readonly action: CommandAction;
  readonly payload: NewCommandBody["payload"];
  /** The name of the token or person who asked. */
  readonly requestedBy: string;
  /** The same, to be asked again; commands of earlier versions have only the name. */
  readonly requester?: Requester;
  /** The fleet command that it belongs to, or null. */
  readonly fleetCommandId: string | null;
  readonly createdAtMs: number;
  /** It is never sent at or after this. */
  readonly expiresAtMs: number;
  readonly status: CommandStatus;
  readonly history: readonly Step[];
  /** When its frame was last handed to a link; null: never, as far as is known. */
  readonly sentAtMs: number | null;
  /** The device itself says that it has done it; its telemetry has the last word. */
  readonly isClaimed: boolean;
}

/** A device that reconnects without end makes no endless history: later resends are not noted. */
const stepsMax = 32;

/** The record after one more step. What the table does not allow is our own mistake. */
export function advance(record: CommandRecord, step: Step): CommandRecord {
  if (!commandStatuses[record.status].next.includes(step.status)) {
    throw new Error(`A command does not go from ${record.status} to ${step.status}.`);
  }
  const isNoted = step.status !== record.status || record.history.length < stepsMax;
  return {
    ...record,
    status: step.status,
    history: isNoted ? [...record.history, step] : record.history,
    ...(step.status === "sent" && { sentAtMs: step.atMs }),
  };
}

/** What a command decides about: a later one about the same takes the place of an earlier one. Null: it stands for itself. */
export function subjectOf({ action, payload }: Pick<CommandRecord, "action" | "payload">): string | null {
  if (action === "SET_MODE") return action;
  return action === "SET_PARAMETER" ? `${action} ${(payload as SetParameter["payload"]).name}` : null;
}

/** Whether two orders ask for the same, whatever the order of their fields. */
export function isSameOrder(
  one: Pick<CommandRecord, "action" | "payload">,
  other: Pick<CommandRecord, "action" | "payload">,
): boolean {
  const fields = Object.entries(one.payload);
  return (
    one.action === other.action &&
    fields.length === Object.keys(other.payload).length &&
    fields.every(([name, value]) => other.payload[name] === value)
  );
}

/** Whom a command, or a fleet command, rests on. */
export function requesterOf({ requester, requestedBy }: Pick<CommandRecord, "requester" | "requestedBy">): Requester {
  return requester ?? readRequester(requestedBy);
}
