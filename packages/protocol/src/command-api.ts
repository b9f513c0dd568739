import Type from "typebox";
import { body, deviceId, nextCursor, orNull, type ReadonlyBody, time } from "./body.ts";
import { type Capabilities, capabilitiesSchema } from "./capabilities.ts";
import type { CommandAction } from "./command.ts";
import { commandActionNames } from "./command-actions.ts";
import { type CommandStatus, commandStatuses } from "./command-status.ts";
import { limits } from "./limits.ts";
import { commandIdPattern } from "./name-patterns.ts";

const orderExtras = {
  command_id: Type.Optional(
    Type.String({
      pattern: commandIdPattern.source,
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
  payload: Type.Object(
    {},
    {
      description:
        "SET_MODE: `target_mode`, and as may be `target_power` (W) and `lease_ms`; SET_PARAMETER: `name` and `value`; RESET_ERROR and RESTART: nothing",
      examples: [{ target_mode: "MANUAL_DISCHARGE", target_power: 500 }],
    },
  ),
};

/** The body of `POST /api/v1/devices/{id}/commands`. */
export const newCommandSchema = body("NewCommand", "A command to one device.", { ...order, ...orderExtras });

export interface NewCommandBody {
  readonly action: CommandAction;
  readonly payload: Readonly<Record<string, string | number | boolean>>;
  readonly command_id?: string;
  readonly ttl_ms?: number;
}

const payload = Type.Unsafe<NewCommandBody["payload"]>({
  type: "object",
  examples: [{ target_mode: "MANUAL_DISCHARGE", target_power: 500 }],
});
const commandStatus = Type.Unsafe<CommandStatus>({ type: "string", enum: Object.keys(commandStatuses) });

const commandStepSchema = body("CommandStep", "One step of a command.", {
  status: commandStatus,
  at: time("When"),
  cause: Type.String({ description: "Why, in words" }),
});
export type CommandStep = ReadonlyBody<Type.Static<typeof commandStepSchema>>;

export const deviceCommandSchema = body("Command", "A command and its life.", {
  command_id: Type.String({ examples: ["cmd_8293"] }),
  device_id: deviceId,
  action: order.action,
  payload,
  status: commandStatus,
  created_at: time("When it was given"),
  expires_at: time("It is never sent after this"),
  requested_by: orNull(
    Type.String({
      description: "Who gave it; null for whoever has neither an account nor a token",
      examples: ["person ada"],
    }),
  ),
  fleet_command_id: orNull(Type.String({ description: "The fleet command that it belongs to" })),
  history: Type.Array(commandStepSchema, { description: "Every step, the first one first" }),
});
/** `GET /api/v1/devices/{id}/commands/{command_id}` */
export type CommandBody = ReadonlyBody<Type.Static<typeof deviceCommandSchema>>;

export const commandListSchema = body("Commands", "The commands of a device, newest first.", {
  commands: Type.Array(deviceCommandSchema),
  announced: Type.Unsafe<Capabilities | null>({
    anyOf: [{ ...capabilitiesSchema, title: "Announcement" }, { type: "null" }],
    description: "What the device says that it can be told; null where it has not said",
  }),
});
/** `GET /api/v1/devices/{id}/commands`: the newest first. */
export type CommandListBody = ReadonlyBody<Omit<Type.Static<typeof commandListSchema>, "announced">> & {
  readonly announced: Capabilities | null;
};

/** What is common to the bodies that begin a fleet command. */
const fleetExtras = {
  where: Type.Array(Type.String({ minLength: 1, maxLength: 512 }), {
    minItems: 1,
    maxItems: limits.conditionsMax,
    description:
      "Conditions that a device must meet, all of them, as in the filters of the fleet page: `properties.region = SE`, `battery.soc > 80`, `name ~ villa`. Operators: = != ~ (contains) ^ (starts with) < <= > >=",
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
export const newFleetCommandSchema = body("NewFleetCommand", "One command to many devices.", {
  ...order,
  ...fleetExtras,
});

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

export const fleetPreviewSchema = body("FleetPreview", "What `dry_run` answers.", {
  count: Type.Integer({ description: "Devices that meet the conditions and can be told so" }),
  device_ids: Type.Array(Type.String(), { description: "Their ids, the first 1,000" }),
  misfits: Type.Array(
    body("Misfit", "A device that cannot be told so.", { device_id: deviceId, reason: Type.String() }),
    {
      description: "Devices that meet the conditions but cannot be told so, the first 100, and why",
    },
  ),
  misfit_count: Type.Integer(),
  unknown_count: Type.Integer({
    description:
      "Devices left out because a point in the conditions is not known as of now: offline, or older than a minute",
  }),
  waves: Type.Array(Type.Integer(), { description: "Sizes of the waves, the canary first" }),
});
/** What `dry_run` answers. */
export type FleetPreviewBody = ReadonlyBody<Type.Static<typeof fleetPreviewSchema>>;

/** `waiting`: its wave has not begun; `skipped`: it never will. */
export type FleetDeviceStatus = CommandStatus | "waiting" | "skipped";

const fleetCommandStatus = Type.Enum(["running", "done", "stopped", "aborted"], {
  description: "`done`: every wave is through; `stopped` by itself, see the cause; `aborted` by somebody",
});
export type FleetCommandStatus = Type.Static<typeof fleetCommandStatus>;

export const fleetCommandSchema = body("FleetCommand", "One command to many devices, in waves.", {
  fleet_command_id: Type.String(),
  action: order.action,
  payload,
  where: Type.Array(Type.String()),
  status: fleetCommandStatus,
  cause: Type.String({ description: "Why it stands as it does, in words" }),
  requested_by: orNull(Type.String({ description: "Null for whoever has neither an account nor a token" })),
  created_at: time("When it was begun"),
  ended_at: orNull(time("When it ended; null while it runs")),
  wave: Type.Integer({ description: "The wave that is under way, from 0, the canary" }),
  waves: Type.Integer(),
  total: Type.Integer({ description: "Devices in all" }),
  counts: Type.Unsafe<Partial<Record<FleetDeviceStatus, number>>>({
    type: "object",
    additionalProperties: { type: "integer" },
    description: "How many devices stand where: `waiting`, `skipped`, or the status of their command",
  }),
  new_errors: Type.Integer({ description: "Changed devices that raised an error flag which they did not have before" }),
});
/** `GET /api/v1/fleet-commands/{id}` */
export type FleetCommandBody = ReadonlyBody<Type.Static<typeof fleetCommandSchema>>;

export const fleetCommandsSchema = body("FleetCommands", "The fleet commands of late.", {
  fleet_commands: Type.Array(fleetCommandSchema),
});

const fleetDeviceSchema = body("FleetDevice", "How a fleet command stands at one device.", {
  device_id: deviceId,
  wave: Type.Integer(),
  command_id: Type.String(),
  status: Type.Unsafe<FleetDeviceStatus>({
    type: "string",
    enum: ["waiting", "skipped", ...Object.keys(commandStatuses)],
  }),
  cause: Type.String(),
  new_flags: Type.Array(Type.String(), { description: "Error flags that it raised after it was changed" }),
});
/** One device of `GET /api/v1/fleet-commands/{id}/devices`. */
export type FleetDeviceBody = ReadonlyBody<Type.Static<typeof fleetDeviceSchema>>;

export const fleetDevicesSchema = body("FleetDevices", "How a fleet command stands at each device.", {
  devices: Type.Array(fleetDeviceSchema),
  next_cursor: nextCursor,
});
