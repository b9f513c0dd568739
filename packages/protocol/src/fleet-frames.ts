import Type from "typebox";
import { orNull } from "./body.ts";
import { deviceIdPattern } from "./device-id.ts";
import { fleetPoints } from "./fleet.ts";
import { limits } from "./limits.ts";
import { pointSpec } from "./points.ts";

/** `FleetRow` and `FleetFrame` (`fleet.ts`), as schemas. */

const id = Type.String({ pattern: deviceIdPattern.source, maxLength: limits.deviceIdLengthMax });
const timeMs = (description: string) => orNull(Type.Number({ description: `${description}, ms since 1970 UTC` }));
const textOrNull = (description: string) => orNull(Type.String({ description }));

export const fleetRowSchema = Type.Object(
  {
    id,
    name: Type.String(),
    online: Type.Boolean(),
    properties: Type.Record(Type.String(), Type.String(), {
      description: "Of the registration, and what it says of itself",
    }),
    observed_at_ms: timeMs("When the newest sample was measured, as filed"),
    received_at_ms: timeMs("When it was received"),
    clock: Type.Enum(["device", "server"], { description: "Whose time `observed_at_ms` is" }),
    state: textOrNull("As in `system_status.state`"),
    mode: textOrNull("As in `system_status.mode`"),
    error_flags: Type.Array(Type.String()),
    points: Type.Object(
      Object.fromEntries(
        fleetPoints.map((name) => [name, Type.Optional(Type.Number({ description: pointSpec(name)?.unit ?? "" }))]),
      ),
      { description: "What every overview shows; a point that has no value just now is left out" },
    ),
    observed_at_ms_of: Type.Optional(
      Type.Record(Type.String(), Type.Number(), {
        description: "When those points were measured whose age does not count from `received_at_ms`, by their names",
      }),
    ),
    others: Type.Record(Type.String(), Type.Unknown(), {
      description:
        "All else that the newest sample holds: a number, a text, a truth value or null, by the name of the point",
    }),
  },
  { description: "One device" },
);

const serverTime = { server_time_ms: Type.Number({ description: "The server's clock, ms since 1970 UTC" }) };
const rows = { devices: Type.Array(fleetRowSchema) };

export const fleetSchema = Type.Object(
  {
    type: Type.Literal("fleet"),
    ...serverTime,
    more: Type.Boolean({ description: "False in the last part" }),
    total: Type.Optional(Type.Integer({ description: "Devices of all parts together" })),
    ...rows,
  },
  { description: "Server to viewer, at first: the whole fleet, in parts of at most 500 rows" },
);

export const fleetChangedSchema = Type.Object(
  { type: Type.Literal("changed"), ...serverTime, ...rows },
  { description: "Server to viewer, twice a second: the rows that have changed, each as a whole" },
);

export const fleetRemovedSchema = Type.Object(
  { type: Type.Literal("removed"), ...serverTime, device_ids: Type.Array(id) },
  { description: "Server to viewer: these devices are not among them any more" },
);
