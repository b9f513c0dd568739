import Type from "typebox";
import { body, deviceId, orNull, type ReadonlyBody, time } from "./body.ts";
import { meSchema } from "./people.ts";
import { rotationSchema } from "./provisioning.ts";
import type { RefusalCode } from "./refusals.ts";

/** The bodies of `/api/v1` by which whoever has a box takes it over: claim codes, their labels, and claims. */

const closed = { additionalProperties: false };

/** Codes of one request; more are refused. */
export const claimCodesMax = 1_000;

/** The body of `POST /api/v1/claim-codes`, and of `POST /api/v1/claim-labels`. */
export const newClaimCodesSchema = Type.Object(
  { device_ids: Type.Array(Type.String(), { minItems: 1, maxItems: claimCodesMax }) },
  closed,
);
export type NewClaimCodesBody = ReadonlyBody<Type.Static<typeof newClaimCodesSchema>>;

const claimCode = body("ClaimCode", "A code with which a box is claimed; it is shown this once.", {
  device_id: deviceId,
  name: Type.String({ description: "What people call the device" }),
  code: Type.String({ examples: ["7K3QF-9XM2A-C4TWP-0HJ8R"] }),
  path: Type.String({ description: "To be put behind the server's address", examples: ["/claim#ems_001.7K3QF…"] }),
  url: orNull(Type.String({ description: "All of it; null where the server has not been told its `public_url`" })),
});
export type ClaimCodeBody = ReadonlyBody<Type.Static<typeof claimCode>>;

export const claimCodesSchema = body("ClaimCodes", "New codes. Those that the devices had before are void.", {
  claim_codes: Type.Array(claimCode),
  refused: Type.Array(
    body("RefusedClaimCode", "A device that got no code, and why.", {
      device_id: deviceId,
      code: Type.Unsafe<RefusalCode>({ type: "string", examples: ["device_claimed"] }),
      message: Type.String(),
    }),
  ),
});
/** The answer of `POST /api/v1/claim-codes`. */
export type ClaimCodesBody = ReadonlyBody<Type.Static<typeof claimCodesSchema>>;

const claimFields = {
  device_id: Type.String({ maxLength: 64 }),
  code: Type.String({ maxLength: 64, description: "As on the label; blanks, dashes and case do not count" }),
};

/** The body of `POST /api/v1/claims/inspect`. */
export const inspectClaimSchema = Type.Object(claimFields, closed);

/** The body of `POST /api/v1/claims`. Whoever is signed in sends no account. */
export const newClaimSchema = Type.Object(
  {
    ...claimFields,
    account: Type.Optional(
      Type.Object(
        { name: Type.String({ maxLength: 320 }), password: Type.String({ maxLength: 1_024 }) },
        {
          ...closed,
          description: "A new account, made with the claim, for who has none; where `claims.sign_up` allows it",
        },
      ),
    ),
  },
  closed,
);
export type NewClaimBody = ReadonlyBody<Type.Static<typeof newClaimSchema>>;

export const claimableSchema = body("Claimable", "What a label is for, before it is used.", {
  device_id: deviceId,
  name: Type.String({ description: "What people call the device" }),
  may_sign_up: Type.Boolean({ description: "Whether somebody without an account may make one with the claim" }),
  is_own: Type.Boolean({ description: "Whoever asks has claimed it before: there is nothing to do" }),
});
/** The answer of `POST /api/v1/claims/inspect`. */
export type ClaimableBody = ReadonlyBody<Type.Static<typeof claimableSchema>>;

export const claimedSchema = body("Claimed", "A device that is now whose who asked.", {
  device_id: deviceId,
  name: Type.String({ description: "What people call the device" }),
  me: meSchema,
  token: orNull(
    Type.String({
      description:
        "The device's new token, shown this once; null where the device gets it over its link, and nothing is left to do",
      examples: ["wb_…"],
    }),
  ),
  rotation: orNull(rotationSchema),
});
/** The answer of `POST /api/v1/claims`. */
export type ClaimedBody = ReadonlyBody<Type.Static<typeof claimedSchema>>;

export const claimSchema = body("Claim", "Whose a device is.", {
  device_id: deviceId,
  state: Type.Enum(["none", "labelled", "claimed"], {
    description: "`labelled`: there is a code that nobody has used; `none`: there is none, and nobody has claimed it",
  }),
  labelled_at: orNull(time("When the code was made")),
  owner: orNull(Type.String({ description: "Who has claimed it", examples: ["ada"] })),
  claimed_at: orNull(time("When")),
  may_release: Type.Boolean({ description: "Whether whoever asks may give it up" }),
});
/** `GET /api/v1/devices/{id}/claim`, and the answer of `DELETE`, which gives the device up. */
export type ClaimBody = ReadonlyBody<Type.Static<typeof claimSchema>>;
