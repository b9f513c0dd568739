import Type from "typebox";
import type { ReadonlyBody } from "./body.ts";
import { type Capabilities, capabilitiesSchema } from "./capabilities.ts";
import type { CommandBody } from "./command-api.ts";
import { backfillSchema, gapSchema, journalSchema, welcomeJournal } from "./journal.ts";
import { limits } from "./limits.ts";
import { telemetrySchema } from "./telemetry.ts";
import { takesTokens, tokenStoredSchema } from "./token-handover.ts";

/**
 * Server to device: the first frame, with what time it is and the number of this link. A device whose hello names a journal gets a second one, as
 * soon as the store has answered, with what is durable of it.
 */
export const welcomeSchema = Type.Object(
  {
    type: Type.Literal("welcome"),
    server_time: Type.String({ description: "RFC 3339, UTC" }),
    epoch: Type.Integer({
      description:
        "With a seq it names a sample for ever. Of the journal where there is a journal_id, and then always the same; else of the link, whose samples are counted from 0 as they come",
    }),
    ...welcomeJournal,
  },
  { description: "Server to device: the first frame, and once more as the answer to a hello with a journal" },
);

/** Server to device, right before a command: a device that gets the command later than this, by the server's time, does not start it. */
export const deadlineSchema = Type.Object(
  {
    type: Type.Literal("deadline"),
    command_id: Type.String({ minLength: 1, maxLength: limits.nameLengthMax }),
    expires_at: Type.String({ description: "RFC 3339, UTC, the server's time" }),
  },
  { description: "Server to device, right before a command: it must not be started after this" },
);

/** Server to device: messages that were refused, or of which something was left out. One for each code, at most every 10 s. */
export const refusedSchema = Type.Object(
  {
    type: Type.Literal("refused"),
    code: Type.String({ description: "Which reason, from the table of refusals" }),
    message: Type.String({ description: "What was wrong with the last of them, in words" }),
    count: Type.Integer({ minimum: 1, description: "Messages since the last frame with this code" }),
  },
  { description: "Server to device: messages were refused. At once, and then at most every 10 s for each code" },
);

/** Device to server, once after the first welcome: what it can be told to do, and what it holds. Until then, or for 5 s, commands wait. */
export const helloSchema = Type.Object(
  {
    type: Type.Literal("hello"),
    ...capabilitiesSchema.properties,
    commands: Type.Optional(capabilitiesSchema.properties.commands),
    journal: Type.Optional(journalSchema),
    takes_tokens: takesTokens,
    software_version: Type.Optional(Type.String({ maxLength: limits.textLengthMax })),
    device_time: Type.Optional(
      Type.String({
        maxLength: limits.nameLengthMax,
        description: "RFC 3339: the device's clock as it sends this, from which the server learns how far it is off",
      }),
    ),
  },
  { description: "Device to server, once, after the welcome. Commands wait for it, at most 5 s" },
);

/** Device to server: what became of a command. */
export const commandResultSchema = Type.Object(
  {
    type: Type.Literal("command_result"),
    command_id: Type.String({ minLength: 1, maxLength: limits.nameLengthMax }),
    status: Type.Enum(["accepted", "applied", "rejected", "failed"]),
    reason: Type.Optional(Type.String({ maxLength: limits.textLengthMax, description: "In words, for people" })),
  },
  { description: "Device to server: what became of a command" },
);

/** Device to server: begin or stop telling it of its peers. The answer is a `peers` frame with their ids. */
export const peersSchema = Type.Object(
  { type: Type.Literal("peers"), subscribe: Type.Boolean() },
  { description: "Device to server: begin or stop sending the samples of its peers" },
);

/** Server to device: whose samples it will get; empty where it gets none, with the reason. */
export const peersAnswerSchema = Type.Object(
  {
    type: Type.Literal("peers"),
    device_ids: Type.Array(Type.String(), { maxItems: limits.peersMax }),
    reason: Type.Optional(Type.String({ description: "Why there are none, in words" })),
  },
  { description: "Server to device: whose samples it will get from here on" },
);

/** Server to device: the newest sample of a peer, as it was sent. */
export const peerSchema = Type.Object(
  { type: Type.Literal("peer"), telemetry: telemetrySchema },
  { description: "Server to device: the newest sample of a peer, as it was sent, at most once a second" },
);

/** What a device sends beside telemetry. A frame is one of these if it has a `type` and no `device_id`. */
export const deviceFrameSchema = Type.Union([
  helloSchema,
  commandResultSchema,
  peersSchema,
  backfillSchema,
  gapSchema,
  tokenStoredSchema,
]);

export type PeersFrame = ReadonlyBody<Type.Static<typeof peersAnswerSchema>>;
export type Welcome = Type.Static<typeof welcomeSchema>;
export type Refused = Type.Static<typeof refusedSchema>;
export type Deadline = Type.Static<typeof deadlineSchema>;
export type Hello = Type.Static<typeof helloSchema>;
/** What a device says that it can be told: nothing, where it says nothing. */
export function capabilitiesOf({ commands = {}, parameters }: Hello): Capabilities {
  return { commands, ...(parameters !== undefined && { parameters }) };
}

export type CommandResult = Type.Static<typeof commandResultSchema>;
export type DeviceFrame = Type.Static<typeof deviceFrameSchema>;

/** Server to dashboard: a command of this device, with each of its steps. Samples come as ever; they have no `type` but a `device_id`. */
export interface CommandFrame {
  readonly type: "command";
  readonly command: CommandBody;
}
