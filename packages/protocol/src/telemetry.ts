import Type from "typebox";
import { deviceIdPattern } from "./device-id.ts";
import { limits } from "./limits.ts";
import { type PointName, pointSpec } from "./points.ts";
import type { SectionName } from "./sections.ts";
import { deviceModes, deviceStates, targetModes } from "./states.ts";

/** A measured number in the catalogue's unit, within what can be believed; null says that the device has no value just now. */
function measured(name: PointName) {
  const { label, unit, sign, believed } = pointSpec(name) ?? { label: name, unit: "" };
  const described = { description: `${label}, ${unit}${sign === undefined ? "" : ` (${sign})`}` };
  const bounds = believed === undefined ? {} : { minimum: believed[0], maximum: believed[1] };
  return Type.Optional(Type.Union([Type.Number({ ...described, ...bounds }), Type.Null()]));
}

/** A word of the state machine; others are kept and shown, and mean nothing to the server. */
function word<Known extends string>(known: readonly Known[]) {
  const description = `Usually one of ${known.join(", ")}`;
  const text = Type.String({ maxLength: limits.textLengthMax, description });
  // The empty object keeps the known words in the type, for those who write them.
  return Type.Optional(Type.Unsafe<Known | (string & {}) | null>(Type.Union([text, Type.Null()])));
}

/**
 * One telemetry message of the device door, as in the EMS communication interface. Further scalar fields, in these sections or in new ones,
 * are accepted by the gatekeeper and become points. A message that does not fit is not lost: the gatekeeper keeps of it what it can.
 */
export const telemetrySchema = Type.Object(
  {
    device_id: Type.String({ pattern: deviceIdPattern.source, description: "Equal to the URL's" }),
    // No `format`: `readDeviceTime` judges it, and takes the forms that people send.
    timestamp: Type.Optional(
      Type.Unsafe<string>(
        Type.Union([
          Type.String({ description: "RFC 3339 date and time with an offset, when the values were measured" }),
          Type.Number({ description: "Seconds or milliseconds since 1970 UTC" }),
          Type.Null(),
        ]),
      ),
    ),
    system_status: Type.Optional(
      Type.Object({
        state: word(deviceStates),
        mode: word(deviceModes),
        error_flags: Type.Optional(
          Type.Union([
            Type.Array(Type.String({ maxLength: limits.textLengthMax }), { maxItems: limits.errorFlagsMax }),
            Type.Null(),
          ]),
        ),
        wifi_strength: measured("system_status.wifi_strength"),
        target_mode: word(targetModes),
        target_power: measured("system_status.target_power"),
        uptime: measured("system_status.uptime"),
      }),
    ),
    battery: Type.Optional(
      Type.Object({
        voltage: measured("battery.voltage"),
        current: measured("battery.current"),
        power: measured("battery.power"),
        soc: measured("battery.soc"),
        temperature: measured("battery.temperature"),
      }),
    ),
    grid: Type.Optional(
      Type.Object({
        voltage: measured("grid.voltage"),
        power: measured("grid.power"),
        frequency: measured("grid.frequency"),
      }),
    ),
    solar: Type.Optional(Type.Object({ power: measured("solar.power") })),
    load: Type.Optional(Type.Object({ power: measured("load.power") })),
    inverter: Type.Optional(Type.Object({ power: measured("inverter.power") })),
  },
  { $id: "telemetry", description: "One telemetry message, device to server" },
);

/** What a point may hold besides the flags. */
export type Scalar = number | string | boolean | null;

/** What one point holds in one sample; the error flags are a list of texts. */
export type PointValue = Scalar | readonly string[];

type Described = Type.Static<typeof telemetrySchema>;

/** A section's described fields, and any further ones: each becomes a point (`battery.cycle_count`). Lists are for `error_flags` alone. */
type Section<Fields> = Fields & { [field: string]: Scalar | string[] | undefined };

/**
 * A telemetry message as devices send it and dashboards receive it: the catalogue's sections by their types, and whatever the device adds,
 * fields, sections and single values (`telemetry.heat_pump?.power`).
 */
export type Telemetry = Pick<Required<Described>, "device_id" | "timestamp"> & {
  [Name in SectionName]?: Section<NonNullable<Described[Name]>>;
} & { [section: string]: Section<object> | Scalar | undefined };
