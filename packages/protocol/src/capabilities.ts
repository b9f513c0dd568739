import Type from "typebox";
import { limits } from "./limits.ts";
import { namePattern, pointNamePattern } from "./name-patterns.ts";
import { targetModes } from "./states.ts";

const rangeSchema = Type.Object({
  minimum: Type.Optional(Type.Number({ minimum: 0 })),
  maximum: Type.Optional(Type.Number({ minimum: 0 })),
});

/** A parameter that the device lets others set. */
export const parameterSchema = Type.Object({
  name: Type.String({ pattern: namePattern.source }),
  type: Type.Enum(["number", "integer", "text", "boolean"]),
  label: Type.Optional(Type.String({ maxLength: limits.textLengthMax, description: "What people call it" })),
  unit: Type.Optional(Type.String({ maxLength: 16 })),
  minimum: Type.Optional(Type.Number()),
  maximum: Type.Optional(Type.Number()),
  choices: Type.Optional(
    Type.Array(Type.String({ maxLength: limits.textLengthMax }), {
      minItems: 1,
      maxItems: limits.parameterChoicesMax,
      description: "The texts that it may have",
    }),
  ),
  point: Type.Optional(
    Type.String({
      pattern: pointNamePattern.source,
      description: "The point of the telemetry that shows its value; left out: parameters.NAME",
    }),
  ),
});

/** What a device says that it can be told to do. */
export const capabilitiesSchema = Type.Object({
  commands: Type.Object(
    {
      SET_MODE: Type.Optional(
        Type.Object({
          target_modes: Type.Optional(Type.Array(Type.Enum([...targetModes]), { maxItems: targetModes.length })),
          target_power: Type.Optional(
            Type.Object(
              { MANUAL_CHARGE: Type.Optional(rangeSchema), MANUAL_DISCHARGE: Type.Optional(rangeSchema) },
              { description: "W; what target_power may be, by mode" },
            ),
          ),
          leases: Type.Optional(Type.Boolean({ description: "The device keeps lease_ms" })),
        }),
      ),
      RESET_ERROR: Type.Optional(Type.Object({})),
      RESTART: Type.Optional(Type.Object({})),
    },
    { description: "The actions that it knows; SET_PARAMETER follows from its parameters" },
  ),
  parameters: Type.Optional(Type.Array(parameterSchema, { maxItems: limits.parametersMax })),
});

export type Capabilities = Type.Static<typeof capabilitiesSchema>;
export type Parameter = Type.Static<typeof parameterSchema>;
