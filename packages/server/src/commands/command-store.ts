import type { Capabilities } from "@wattboard/protocol";
import type { CommandRecord } from "./command-record.ts";
import type { FleetCommandRecord, FleetTarget } from "./fleet-command-record.ts";

/** One row as it is from now on. */
export type Row =
  | { readonly table: "command"; readonly record: CommandRecord }
  | { readonly table: "capabilities"; readonly deviceId: string; readonly capabilities: Capabilities | null }
  | { readonly table: "fleet_command"; readonly record: FleetCommandRecord }
  | { readonly table: "fleet_target"; readonly target: FleetTarget };

/** What is kept of commands and needed in memory. */
export interface PersistedCommands {
  /** Commands that have not ended, oldest first. */
  readonly open: readonly CommandRecord[];
  readonly capabilities: readonly { readonly deviceId: string; readonly capabilities: Capabilities }[];
  /** All fleet commands that are kept, oldest first. */
  readonly fleetCommands: readonly FleetCommandRecord[];
  /** The devices of those that run. */
  readonly fleetTargets: readonly FleetTarget[];
}

/** Whose commands: those of one registration of a device, and none from before a time, ms. */
export interface CommandScope {
  readonly key: string;
  readonly sinceMs: number;
}

/** Where commands are kept. */
export interface CommandStore {
  load(): Promise<PersistedCommands>;
  /** All rows or none. What it resolves for is on the disk. Rejects with a `Failure`, `commands_failed`. */
  commit(rows: readonly Row[]): Promise<void>;
  find(scope: CommandScope, commandId: string): Promise<CommandRecord | null>;
  /** Newest first. */
  list(scope: CommandScope, limit: number): Promise<CommandRecord[]>;
  fleetTargets(fleetCommandId: string): Promise<FleetTarget[]>;
  close(): Promise<void>;
}
