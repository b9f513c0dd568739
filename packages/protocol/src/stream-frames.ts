import Type from "typebox";
import { deviceCommandSchema } from "./command-api.ts";

/** The place of a frame in a device's stream, as a dashboard sees it. */
const place = {
  epoch: Type.Integer({ description: "Of the stream; another one after a restart of the server" }),
  offset: Type.Integer({
    minimum: 0,
    description: "Of the frame in the stream; each is one more than the one before it",
  }),
};

/** Server to dashboard: what stands before the members of a sample as the device sent it. */
export const samplePlaceSchema = Type.Object(
  {
    ...place,
    received_at_ms: Type.Integer({
      description:
        "When the server received it, ms since 1970: as `received_at` in the history, so that a sample is known again there",
    }),
  },
  { description: "Server to dashboard: what stands before the members of a sample as the device sent it" },
);

/**
 * Server to dashboard, the first frame. A client that comes back with `?epoch=…&offset=…`, the place of the last frame that it has, gets all that
 * came since, in order and once; or is told that it does not, and gets the newest sample instead.
 */
export const streamWelcomeSchema = Type.Object(
  {
    type: Type.Literal("welcome"),
    server_time: Type.String({ description: "RFC 3339, UTC" }),
    ...place,
    recovered: Type.Boolean({
      description:
        "True: what was missed follows. False: the newest sample follows; what lies between is in the history",
    }),
    online: Type.Boolean({ description: "Whether the device is connected now; from here on `presence` tells" }),
  },
  {
    description:
      "Server to dashboard: the first frame. `offset` is the place behind which the frames that follow begin",
  },
);

/** Server to dashboard, every 10 s: a link on which nothing comes for 25 s is dead. */
export const beatSchema = Type.Object(
  { type: Type.Literal("beat"), server_time: Type.String({ description: "RFC 3339, UTC" }) },
  { description: "Server to dashboard, every 10 s; it has no place in the stream" },
);

/** Server to dashboard: the device has come, or has gone. */
export const presenceSchema = Type.Object(
  { type: Type.Literal("presence"), ...place, online: Type.Boolean() },
  { description: "Server to dashboard: the device has come, or has gone" },
);

/** Server to dashboard: a command of the device, with each of its steps. */
export const commandFrameSchema = Type.Object(
  { type: Type.Literal("command"), ...place, command: deviceCommandSchema },
  { description: "Server to dashboard: a command of the device, with each of its steps" },
);

/** Server to dashboard: samples of before were stored; charts of that time are to be read anew. */
export const backfilledSchema = Type.Object(
  {
    type: Type.Literal("backfilled"),
    ...place,
    from: Type.String({ description: "RFC 3339, of the oldest" }),
    to: Type.String({ description: "RFC 3339, of the newest" }),
    samples: Type.Integer({ minimum: 1 }),
  },
  { description: "Server to dashboard, at most once a second: samples of that time were stored only now" },
);

export type StreamWelcome = Type.Static<typeof streamWelcomeSchema>;
export type BeatFrame = Type.Static<typeof beatSchema>;
export type PresenceFrame = Type.Static<typeof presenceSchema>;
export type BackfilledFrame = Type.Static<typeof backfilledSchema>;
