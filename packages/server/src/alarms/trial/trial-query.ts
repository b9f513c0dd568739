import type { MessagePort } from "node:worker_threads";
import type { Registration } from "../../store/registration.ts";
import type { AlarmRule } from "../alarm-record.ts";

/** A device in the scope of the rule that is tried. */
export interface TrialDevice {
  readonly deviceId: string;
  readonly registration: Registration;
  /** It sends on change alone (SMART-OS). */
  readonly mayRest: boolean;
}

export interface TrialQuery {
  readonly rule: AlarmRule;
  readonly devices: readonly TrialDevice[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** An alarm that would have rung. */
export interface TrialRing {
  readonly deviceId: string;
  readonly sinceMs: number;
  readonly raisedAtMs: number;
  /** Null: not within the time. */
  readonly clearedAtMs: number | null;
}

export interface TrialResult {
  readonly times: number;
  readonly totalMs: number;
  /** The first ones. */
  readonly rings: readonly TrialRing[];
}

export const trialRingsMax = 1_000;

/** What the thread does. */
export interface TrialMethods {
  try(query: TrialQuery): TrialResult;
}

/** What the thread is started with: a port that the store has lent. */
export interface TrialSetup {
  readonly store: MessagePort;
}
