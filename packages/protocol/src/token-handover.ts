import Type from "typebox";
import { limits } from "./limits.ts";

const tokenId = Type.String({
  minLength: 1,
  maxLength: limits.nameLengthMax,
  description: "Names the token in the answer; it is no secret",
});

/** Server to device: its new token. The one with which it has come stays valid until it comes with this one, for some days at most. */
export const tokenSchema = Type.Object(
  {
    type: Type.Literal("token"),
    token_id: tokenId,
    token: Type.String({ minLength: 1, maxLength: limits.textLengthMax }),
  },
  {
    description:
      "Server to device, only if its hello says `takes_tokens`: its new token. Store it beside the present one and answer `token_stored` once it is durable; come with it from then on, and with the one before if it is answered with 403",
  },
);

/** Device to server: the new token is on the disk. */
export const tokenStoredSchema = Type.Object(
  { type: Type.Literal("token_stored"), token_id: tokenId },
  {
    description:
      "Device to server: that token is stored and survives a power failure. The server ends the link (4001), and the device comes again with the new token",
  },
);

/** Part of a hello. */
export const takesTokens = Type.Optional(
  Type.Boolean({ description: "Whether the device stores a new token that the server sends it; left out: no" }),
);

export type TokenFrame = Type.Static<typeof tokenSchema>;
export type TokenStored = Type.Static<typeof tokenStoredSchema>;
