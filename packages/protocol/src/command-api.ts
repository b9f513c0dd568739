import Type from "typebox";
import type { Announcement } from "./announcement.ts";
import { type CommandAction, commandActionNames } from "./command.ts";
import type { CommandStatus } from "./command-status.ts";
import { limits } from "./limits.ts";

const orderExtras = {
  command_id: Type.Optional(
    Type.String({
      pattern: `^[A-Za-z0-9][A-Za-z0-9_.:-]{0,${limits.nameLengthMax - 1}}$`,
      description: "The idempotency key: the same id and body give the same command. Left out: one is made",
    }),
  ),
  ttl_ms: Type.Optional(
    Type.Integer({
      minimum: 1_000,
      maximum: limits.commandTtlMsMax,
      description: "The command is never sent later than this after it was given",
    }),
  ),
};

const order = {
  action: Type.Enum([...commandActionNames]),
  payload: Type.Object({}, { description: "What the action needs: see the command's schema" }),
};

/** The body of `POST /api/v1/devices/{id}/commands`. */
export const newCommandSchema = Type.Object({ ...order, ...orderExtras }, { additionalProperties: false });

export interface NewCommandBody {
  readonly action: CommandAction;
  readonly payload: Readonly<Record<string, string | number | boolean>>;
  readonly command_id?: string;
  readonly ttl_ms?: number;
}

/** One step of a command: when, and why. */
export interface CommandStep {
  readonly status: CommandStatus;
  readonly at: string;
  readonly cause: string;
}

/** `GET /api/v1/devices/{id}/commands/{command_id}` */
export interface CommandBody {
  readonly command_id: string;
  readonly device_id: string;
  readonly action: CommandAction;
  readonly payload: NewCommandBody["payload"];
  readonly status: CommandStatus;
  readonly created_at: string;
  /** It is never sent after this. */
  readonly expires_at: string;
  /** Who asked: the name of the token or person. */
  readonly requested_by: string;
  /** The fleet command that it belongs to, or null. */
  readonly fleet_command_id: string | null;
  readonly history: readonly CommandStep[];
}

/** `GET /api/v1/devices/{id}/commands`: the newest first. */
export interface CommandListBody {
  readonly commands: readonly CommandBody[];
  /** What the device says that it can be told; null where it has not said. */
  readonly announced: Announcement | null;
}

/** What is common to the bodies that begin a fleet command. */
const fleetExtras = {
  where: Type.Array(Type.String({ minLength: 1, maxLength: 512 }), {
    minItems: 1,
    maxItems: 16,
    description:
      "Conditions that a device must meet, all of them: `properties.region = SE`, `battery.soc > 80`, `state != ERROR`",
  }),
  dry_run: Type.Optional(Type.Boolean({ description: "Only tells which devices it would be" })),
  canary: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000, description: "Devices of the first wave; all of them must apply it" }),
  ),
  wave_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: "Devices of each further wave" })),
  settle_ms: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 24 * 60 * 60_000,
      description: "How long error flags are watched after each wave",
    }),
  ),
  errors_max: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: "Changed devices that may raise a new error flag; one more stops everything",
    }),
  ),
  failures_max: Type.Optional(
    Type.Integer({ minimum: 0, description: "Commands that may end without being applied; one more stops everything" }),
  ),
  ttl_ms: orderExtras.ttl_ms,
};

/** The body of `POST /api/v1/fleet-commands`. */
export const newFleetCommandSchema = Type.Object({ ...order, ...fleetExtras }, { additionalProperties: false });

export interface NewFleetCommandBody {
  readonly action: CommandAction;
  readonly payload: NewCommandBody["payload"];
  readonly where: readonly string[];
  readonly dry_run?: boolean;
  readonly canary?: number;
  readonly wave_size?: number;
  readonly settle_ms?: number;
  readonly errors_max?: number;
  readonly failures_max?: number;
  readonly ttl_ms?: number;
}

/** What `dry_run` answers. */
export interface FleetPreviewBody {
  /** Devices that meet the conditions and can be told so. */
  readonly count: number;
  /** Their ids, the first 1,000. */
  readonly device_ids: readonly string[];
  /** Devices that meet the conditions but cannot be told so, the first 100, and why. */
  readonly misfits: readonly { readonly device_id: string; readonly reason: string }[];
  readonly misfit_count: number;
  /** Devices left out because a point in the conditions is not known as of now: offline, or older than a minute. */
  readonly unknown_count: number;
  /** Sizes of the waves, the canary first. */
  readonly waves: readonly number[];
}

/** `running`; `done`: every wave is through; `stopped` by itself, see the cause; `aborted` by somebody. */
export type FleetCommandStatus = "running" | "done" | "stopped" | "aborted";

/** `GET /api/v1/fleet-commands/{id}` */
export interface FleetCommandBody {
  readonly fleet_command_id: string;
  readonly action: CommandAction;
  readonly payload: NewCommandBody["payload"];
  readonly where: readonly string[];
  readonly status: FleetCommandStatus;
  /** Why it stands as it does, in words. */
  readonly cause: string;
  readonly requested_by: string;
  readonly created_at: string;
  readonly ended_at: string | null;
  /** The wave that is under way, from 0, the canary. */
  readonly wave: number;
  readonly waves: number;
  readonly total: number;
  /** How many devices stand where: `waiting`, `skipped`, or the status of their command. */
  readonly counts: Readonly<Partial<Record<FleetDeviceStatus, number>>>;
  /** Changed devices that raised an error flag which they did not have before. */
  readonly new_errors: number;
}

/** `waiting`: its wave has not begun; `skipped`: it never will. */
export type FleetDeviceStatus = CommandStatus | "waiting" | "skipped";

/** One device of `GET /api/v1/fleet-commands/{id}/devices`. */
export interface FleetDeviceBody {
  readonly device_id: string;
  readonly wave: number;
  readonly command_id: string;
  readonly status: FleetDeviceStatus;
  readonly cause: string;
  /** Error flags that it raised after it was changed. */
  readonly new_flags: readonly string[];
}
