import Type from "typebox";
import { limits } from "./limits.ts";

/** Samples of a device's journal are numbered from 1; what does not fit is another journal's. */
export const seqSchema = Type.Integer({ minimum: 1, maximum: limits.seqMax });

/** The place of the next sample may be one behind the last. */
const countedSeq = Type.Integer({ minimum: 0, maximum: limits.seqMax });

/** What a device that keeps its samples until they are stored says of them, within its hello. */
export const journalSchema = Type.Object(
  {
    id: Type.String({
      minLength: 1,
      maxLength: limits.nameLengthMax,
      description: "Made at random with the journal, and lasts as long as it does",
    }),
    first_seq: Type.Integer({
      minimum: 1,
      maximum: limits.seqMax,
      description: "Of the oldest sample that it holds; of the next one to come if it holds none",
    }),
    last_seq: Type.Integer({
      minimum: 0,
      maximum: limits.seqMax,
      description: "Of the newest one; first_seq - 1 if it holds none",
    }),
  },
  { description: "Only if the device numbers its samples" },
);

/** From and to, both included. */
const rangesSchema = Type.Array(Type.Tuple([seqSchema, seqSchema]), {
  maxItems: limits.durableRangesMax,
  description: "[from, to], both included, ascending: these are durable as well",
});

/** Server to device: these samples are stored, and need not be kept any longer. */
export const ackSchema = Type.Object(
  {
    type: Type.Literal("ack"),
    seq: { ...countedSeq, description: "All up to this one are durable" },
    ranges: Type.Optional(rangesSchema),
  },
  {
    description:
      "Server to device, after the commit, at most four times a second. Samples are stored in the order in which they were sent: what was sent on this link before something that is durable, and is not durable itself, did not arrive. Send it again, as backfill",
  },
);

/** Server to device: how fast it may send what is old. */
export const paceSchema = Type.Object(
  {
    type: Type.Literal("pace"),
    backfill: Type.Number({ minimum: 0, description: "Samples a second; 0: none until the next pace" }),
  },
  { description: "Server to device: from now on" },
);

/** Device to server: samples that were not stored when they were measured. */
export const backfillSchema = Type.Object(
  {
    type: Type.Literal("backfill"),
    samples: Type.Array(Type.Object({ seq: seqSchema }, { description: "A telemetry message with its seq" }), {
      minItems: 1,
      maxItems: limits.backfillSamplesMax,
    }),
  },
  {
    description:
      "Device to server: samples of before, oldest first. They are stored, and are never the latest. Each has a time of its own",
  },
);

/** Device to server: samples that it does not hold any longer. */
export const gapSchema = Type.Object(
  {
    type: Type.Literal("gap"),
    from_seq: seqSchema,
    to_seq: seqSchema,
    from: Type.Optional(
      Type.String({ maxLength: limits.nameLengthMax, description: "RFC 3339, when the first of them was measured" }),
    ),
    to: Type.Optional(
      Type.String({ maxLength: limits.nameLengthMax, description: "RFC 3339, when the last of them was" }),
    ),
    reason: Type.Enum(["overflow", "lost", "damaged"], {
      description: "The journal was full, is gone, or could not be read",
    }),
  },
  { description: "Device to server: these samples will never come. Acknowledged as samples are" },
);

/** What a welcome says of the journal that the hello named. */
export const welcomeJournal = {
  journal_id: Type.Optional(Type.String({ description: "The journal that the hello named: this is the answer to it" })),
  durable_seq: Type.Optional({ ...countedSeq, description: "As ack.seq" }),
  durable_ranges: Type.Optional(rangesSchema),
  pace: Type.Optional(
    Type.Object({ backfill: Type.Number({ minimum: 0 }) }, { description: "As the frame `pace`, from the start" }),
  ),
  limits: Type.Optional(
    Type.Object({
      frame_bytes: Type.Integer({ description: "Longer frames close the link with 1009 or 4009" }),
      messages_per_second: Type.Number({
        description: "In the long run; what is above is dropped, and not acknowledged",
      }),
    }),
  ),
};

export type JournalState = Type.Static<typeof journalSchema>;
export type AckFrame = Type.Static<typeof ackSchema>;
export type PaceFrame = Type.Static<typeof paceSchema>;
export type BackfillFrame = Type.Static<typeof backfillSchema>;
export type GapFrame = Type.Static<typeof gapSchema>;
