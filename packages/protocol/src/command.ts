import Type from "typebox";
import { limits } from "./limits.ts";
import { targetModes } from "./states.ts";

const commandId = Type.String({ minLength: 1, maxLength: limits.nameLengthMax, description: "Unique id for tracking" });

/** Forces the device into a strategy or a manual override. Source: the EMS communication interface. */
export const setModeSchema = Type.Object({
  command_id: commandId,
  action: Type.Literal("SET_MODE"),
  payload: Type.Object({
    target_mode: Type.Enum([...targetModes]),
    target_power: Type.Optional(
      Type.Number({ minimum: 0, description: "W; of the battery, in the direction that the mode names" }),
    ),
    lease_ms: Type.Optional(
      Type.Integer({
        minimum: limits.leaseMsMin,
        maximum: limits.leaseMsMax,
        description: "The device falls back to AUTO by itself after this time, unless a later SET_MODE comes before",
      }),
    ),
  }),
});

/** Clears the ERROR state after a manual inspection. */
export const resetErrorSchema = Type.Object({
  command_id: commandId,
  action: Type.Literal("RESET_ERROR"),
  payload: Type.Object({}),
});

/** Sets one of the parameters that the device has announced. */
export const setParameterSchema = Type.Object({
  command_id: commandId,
  action: Type.Literal("SET_PARAMETER"),
  payload: Type.Object({
    name: Type.String({ minLength: 1, maxLength: limits.nameLengthMax, description: "As the device announced it" }),
    value: Type.Union([Type.Number(), Type.String({ maxLength: limits.textLengthMax }), Type.Boolean()]),
  }),
});

/** Starts the device anew. */
export const restartSchema = Type.Object({
  command_id: commandId,
  action: Type.Literal("RESTART"),
  payload: Type.Object({}),
});

/** A command as it travels to the device, one JSON text frame. */
export const commandSchema = Type.Union([setModeSchema, resetErrorSchema, setParameterSchema, restartSchema], {
  $id: "command",
  description: "One command, server to device",
});

export type SetMode = Type.Static<typeof setModeSchema>;
export type ResetError = Type.Static<typeof resetErrorSchema>;
export type SetParameter = Type.Static<typeof setParameterSchema>;
export type Restart = Type.Static<typeof restartSchema>;
export type Command = Type.Static<typeof commandSchema>;
export type CommandAction = Command["action"];

export const commandActionNames = ["SET_MODE", "RESET_ERROR", "SET_PARAMETER", "RESTART"] as const;

interface ActionSpec {
  readonly meaning: string;
  /** What the device's own telemetry must show for the command to be `applied`. */
  readonly shownBy: string;
  /** How long the telemetry may take to show it, counted from the last frame or answer on a link that stays up, ms. */
  readonly shownWithinMs: number;
  /** Whether a second frame does no harm: such a command is sent again after a reconnect until the device answers or shows it. */
  readonly isRepeatable: boolean;
}

/** What a device can be told to do. */
export const commandActions: Readonly<Record<CommandAction, ActionSpec>> = {
  SET_MODE: {
    meaning: "Forces the device into a strategy or a manual override.",
    shownBy:
      "`system_status.mode`, and `system_status.target_mode` and `target_power` where the device sends them; else the battery's power within 5 % or 25 W of the target, or a state that leaves no room for it (FULL, EMPTY).",
    shownWithinMs: 30_000,
    isRepeatable: true,
  },
  RESET_ERROR: {
    meaning: "Clears the ERROR state after a manual inspection.",
    shownBy: "`system_status.state` is not ERROR, and `system_status.error_flags` is empty.",
    shownWithinMs: 30_000,
    isRepeatable: true,
  },
  SET_PARAMETER: {
    meaning: "Sets one of the parameters that the device has announced.",
    shownBy: "the parameter's point (`parameters.NAME` unless announced otherwise) has the value.",
    shownWithinMs: 30_000,
    isRepeatable: true,
  },
  RESTART: {
    meaning: "Starts the device anew.",
    shownBy: "`system_status.uptime` says that the device started after the command was sent.",
    shownWithinMs: 180_000,
    // A device that forgets what it was told would restart again and again.
    isRepeatable: false,
  },
};
