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
  }),
});

/** Clears the ERROR state after a manual inspection. */
export const resetErrorSchema = Type.Object({
  command_id: commandId,
  action: Type.Literal("RESET_ERROR"),
  payload: Type.Object({}),
});

/** A command as it travels to the device, one JSON text frame. */
export const commandSchema = Type.Union([setModeSchema, resetErrorSchema], {
  $id: "command",
  description: "One command, server to device",
});

export type SetMode = Type.Static<typeof setModeSchema>;
export type ResetError = Type.Static<typeof resetErrorSchema>;
export type Command = Type.Static<typeof commandSchema>;
