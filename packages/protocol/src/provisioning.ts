import Type from "typebox";
import { body, deviceId, nextCursor, orNull, type ReadonlyBody, time } from "./body.ts";
import { limits } from "./limits.ts";
import type { RefusalCode } from "./refusals.ts";

/** The bodies of `/api/v1` that give devices their tokens. */

const closed = { additionalProperties: false };
const token = Type.String({ description: "Shown this once", examples: ["wb_…"] });
const ownToken = Type.Optional(Type.String({ description: "A token of your own; left out: one is made" }));
const keepHistory = Type.Union([Type.Boolean(), Type.Integer({ minimum: 1 })], {
  description:
    "Where a device of this id was removed before: it is the same, and goes on under its last registration, or the one of this number (`former_registration`). Left out: the device begins anew",
});

/** What the overlap of a rotation is unless it says otherwise, s. */
export const overlapSDefault = 7 * 86_400;
const overlapS = Type.Optional(
  Type.Integer({
    minimum: 0,
    maximum: limits.tokenOverlapMsMax / 1_000,
    default: overlapSDefault,
    description:
      "How long the token before stays valid beside the new one, s; it ends sooner, when the device has come with the new one. 0: it is void at once",
  }),
);

// Types only: what a name, a property or a token may be is judged where they are kept, for the command line as well.
/** The body of `POST /api/v1/devices`, and one entry of `POST /api/v1/bulk/devices`. */
export const newDeviceSchema = Type.Object(
  {
    device_id: Type.String({
      description: "1 to 64 of A-Z a-z 0-9 _ . -, first a letter or digit",
      examples: ["ems_001"],
    }),
    name: Type.Optional(Type.String({ description: "What people call it; left out: its id" })),
    properties: Type.Optional(
      Type.Record(Type.String(), Type.String(), { examples: [{ country: "AT", time_zone: "Europe/Vienna" }] }),
    ),
    token: ownToken,
    keep_history: Type.Optional(keepHistory),
  },
  closed,
);
export type NewDeviceBody = ReadonlyBody<Type.Static<typeof newDeviceSchema>>;

/** The body of `POST /api/v1/devices/{id}/rotate`. */
export const rotateSchema = Type.Object({ token: ownToken, overlap_s: overlapS }, closed);
export type RotateBody = Partial<ReadonlyBody<Type.Static<typeof rotateSchema>>>;

export const provisionedSchema = body("Provisioned", "A device with its token, which is shown this once.", {
  device_id: deviceId,
  token,
  history_from: Type.Optional(
    time("There where another device had the id: what is stored from before is not shown as this one's"),
  ),
  former_registration: Type.Optional(
    Type.Integer({
      description: "There where another device had the id: the number of its registration, for `keep_history`",
      examples: [1],
    }),
  ),
});
export type ProvisionedBody = ReadonlyBody<Type.Static<typeof provisionedSchema>>;

export const rotationSchema = body("Rotation", "A new token that its device has not come with yet.", {
  device_id: deviceId,
  former_until: time(
    "Until then the token before is valid as well; it ends sooner, when the device comes with the new one",
  ),
  state: Type.Enum(["waiting", "offered", "stored"], {
    description:
      "`offered`: the device has been sent it over its link; `stored`: it has answered that it has stored it, and comes again with it; `waiting`: neither",
  }),
  by_hand: Type.Boolean({
    description: "The device is connected and does not take tokens over its link: somebody has to give it the new one",
  }),
});
/** `rotation` of a device, and an entry of `GET /api/v1/token-rotations`. */
export type RotationBody = ReadonlyBody<Type.Static<typeof rotationSchema>>;

export const rotationsSchema = body("Rotations", "A page of the rotations that are not over, by device.", {
  rotations: Type.Array(rotationSchema),
  next_cursor: nextCursor,
});
export type RotationsBody = ReadonlyBody<Type.Static<typeof rotationsSchema>>;

export const rotatedSchema = body("Rotated", "A device's new token, which is shown this once.", {
  device_id: deviceId,
  token,
  rotation: orNull(rotationSchema),
});
/** The answer of `POST /api/v1/devices/{id}/rotate`; `rotation` is null where the token before is void already. */
export type RotatedBody = ReadonlyBody<Type.Static<typeof rotatedSchema>>;

/** Entries of one bulk request; more are refused. */
export const bulkMax = 1_000;

/** The body of `POST /api/v1/bulk/devices`. */
export const bulkDevicesSchema = Type.Object(
  { devices: Type.Array(newDeviceSchema, { minItems: 1, maxItems: bulkMax }) },
  closed,
);
export type BulkDevicesBody = ReadonlyBody<Type.Static<typeof bulkDevicesSchema>>;

/** The body of `POST /api/v1/bulk/rotations`. */
export const bulkRotationsSchema = Type.Object(
  {
    devices: Type.Array(Type.Object({ device_id: Type.String(), token: ownToken }, closed), {
      minItems: 1,
      maxItems: bulkMax,
    }),
    overlap_s: overlapS,
  },
  closed,
);
export type BulkRotationsBody = Partial<ReadonlyBody<Type.Static<typeof bulkRotationsSchema>>> &
  Pick<ReadonlyBody<Type.Static<typeof bulkRotationsSchema>>, "devices">;

const outcome = <Done extends string>(...done: readonly Done[]) => ({
  device_id: deviceId,
  outcome: Type.Enum([...done, "same", "refused"], {
    description:
      "`same`: the device had this very token before, and nothing was done: the request came twice. `refused`: `code` and `message` say why; the other entries are not touched by it",
  }),
  token: Type.Optional(token),
  code: Type.Optional(Type.Unsafe<RefusalCode>({ type: "string", examples: ["device_exists"] })),
  message: Type.Optional(Type.String()),
});

export const bulkDevicesAnswerSchema = body("BulkDevices", "What became of each entry, in their order.", {
  results: Type.Array(body("BulkDevice", "What became of one entry.", outcome("added"))),
});
export type BulkDevicesAnswer = ReadonlyBody<Type.Static<typeof bulkDevicesAnswerSchema>>;

export const bulkRotationsAnswerSchema = body("BulkRotations", "What became of each entry, in their order.", {
  results: Type.Array(
    body("BulkRotation", "What became of one entry.", {
      ...outcome("rotated"),
      rotation: Type.Optional(orNull(rotationSchema)),
    }),
  ),
});
export type BulkRotationsAnswer = ReadonlyBody<Type.Static<typeof bulkRotationsAnswerSchema>>;
