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
