import type { CommandAction, FleetCommandStatus, FleetDeviceStatus, NewCommandBody } from "@wattboard/protocol";
import type { Requester } from "../base/requester.ts";

/** A fleet command as it stands. Never changed: each step makes a new one. */
export interface FleetCommandRecord {
  readonly fleetCommandId: string;
  readonly action: CommandAction;
  readonly payload: NewCommandBody["payload"];
  readonly where: readonly string[];
  readonly requestedBy: string;
  readonly requester?: Requester;
  readonly createdAtMs: number;
  readonly ttlMs: number;
  readonly settleMs: number;
  readonly errorsMax: number;
  readonly failuresMax: number;
  readonly status: FleetCommandStatus;
  readonly cause: string;
  readonly endedAtMs: number | null;
  /** The wave that is under way, from 0, the canary. */
  readonly wave: number;
  readonly waves: number;
  readonly total: number;
  /** How its devices stood when the last of its commands ended; null before. */
  readonly endCounts: Readonly<Partial<Record<FleetDeviceStatus, number>>> | null;
  readonly newErrors: number;
}

/** One device of a fleet command. */
export interface FleetTarget {
  readonly fleetCommandId: string;
  readonly deviceId: string;
  readonly wave: number;
  readonly commandId: string;
  readonly status: FleetDeviceStatus;
  readonly cause: string;
  /** The error flags that it had when its command was given; null before. */
  readonly flagsBefore: readonly string[] | null;
  /** Error flags that it raised since. */
  readonly newFlags: readonly string[];
  /** When its command ended; null before. */
  readonly endedAtMs: number | null;
}
