import Type from "typebox";
import { commandSchema } from "../command.ts";
import { ackSchema, backfillSchema, gapSchema, paceSchema, seqSchema } from "../journal.ts";
import { paths, subprotocol } from "../paths.ts";
import {
  commandResultSchema,
  deadlineSchema,
  helloSchema,
  peerSchema,
  peersAnswerSchema,
  peersSchema,
  refusedSchema,
  welcomeSchema,
} from "../subprotocol.ts";
import { telemetrySchema } from "../telemetry.ts";
import { tokenSchema, tokenStoredSchema } from "../token-handover.ts";
import type { DoorSpec } from "./door-spec.ts";

const sample = { device_id: "ems_001", timestamp: "2026-01-31T12:00:01Z", battery: { soc: 85, power: -500 } };
const early = { device_id: "ems_001", timestamp: "2026-01-31T11:59:01Z", battery: { soc: 86, power: -500 } };
const seq = { ...seqSchema, description: `Its number in the device's journal, on links of ${subprotocol}` };
/** What the gatekeeper makes of a sample that does not fit, it makes of one in backfill too. */
const numbered = { allOf: [telemetrySchema, Type.Object({ seq })] };

export const deviceDoor: DoorSpec = {
  address: `${paths.device}{device_id}`,
  title: "Device door",
  description: "A device and the server: telemetry in, commands out. One device, one connection.",
  security: ["device"],
  messages: {
    telemetry: {
      from: "peer",
      payload: { allOf: [telemetrySchema, Type.Object({ seq: Type.Optional(seq) })] },
      summary:
        "A sample. Further scalar fields and sections are points too; what does not fit costs itself, not the message",
      replies: ["ack", "refused"],
      examples: {
        "without a number": sample,
        [`numbered, after a hello with a journal (${subprotocol})`]: { seq: 5, ...sample },
      },
    },
    command: {
      from: "server",
      payload: commandSchema,
      replies: ["commandResult", "telemetry"],
      examples: {
        "a lease of 15 minutes": {
          command_id: "cmd_8293",
          action: "SET_MODE",
          payload: { target_mode: "MANUAL_DISCHARGE", target_power: 500, lease_ms: 900_000 },
        },
        "an error is cleared": { command_id: "cmd_8294", action: "RESET_ERROR", payload: {} },
        "a parameter": { command_id: "cmd_8295", action: "SET_PARAMETER", payload: { name: "reserve", value: 20 } },
        "a restart": { command_id: "cmd_8296", action: "RESTART", payload: {} },
      },
    },
    ...framesOfServer(),
    ...framesOfDevice(),
    ...framesOfJournal(),
  },
};

function framesOfServer(): DoorSpec["messages"] {
  const welcome = { type: "welcome", server_time: "2026-01-31T12:00:00.000Z", epoch: 1_769_860_800_000 };
  const common = { from: "server", isOfSubprotocol: true } as const;
  return {
    welcome: {
      ...common,
      payload: welcomeSchema,
      examples: {
        "the first frame of a link": welcome,
        "the answer to a hello with a journal": {
          ...welcome,
          epoch: 1_769_860_800_001,
          journal_id: "9f6c21",
          durable_seq: 1,
          durable_ranges: [[4, 4]],
          pace: { backfill: 1_000 },
          limits: { frame_bytes: 16_384, messages_per_second: 50 },
        },
      },
    },
    ack: {
      ...common,
      payload: ackSchema,
      examples: {
        "all up to 5": { type: "ack", seq: 5 },
        "2 and 3 are missing": { type: "ack", seq: 1, ranges: [[4, 5]] },
      },
    },
    pace: { ...common, payload: paceSchema, examples: { "many come back at once": { type: "pace", backfill: 5 } } },
    deadline: {
      ...common,
      payload: deadlineSchema,
      examples: {
        "of the command that follows": {
          type: "deadline",
          command_id: "cmd_8293",
          expires_at: "2026-01-31T12:01:00.000Z",
        },
      },
    },
    refused: {
      ...common,
      payload: refusedSchema,
      examples: {
        "faster than it may": {
          type: "refused",
          code: "rate_limited",
          message: "The link sends faster than its rate limit.",
          count: 12,
        },
      },
    },
    token: {
      ...common,
      payload: tokenSchema,
      replies: ["tokenStored"],
      examples: {
        "of a device that was rotated": { type: "token", token_id: "5f0c9d2ab1e47c38", token: "wb_…" },
      },
    },
    peersAnswer: {
      ...common,
      payload: peersAnswerSchema,
      examples: {
        "two of its site": { type: "peers", device_ids: ["ems_002", "ems_003"] },
        none: { type: "peers", device_ids: [], reason: "The device may not see others." },
      },
    },
    peer: {
      ...common,
      payload: peerSchema,
      examples: { "a sample of ems_002": { type: "peer", telemetry: { ...sample, device_id: "ems_002" } } },
    },
  };
}

function framesOfDevice(): DoorSpec["messages"] {
  const common = { from: "peer", isOfSubprotocol: true } as const;
  return {
    hello: {
      ...common,
      payload: helloSchema,
      replies: ["welcome"],
      examples: {
        "with a journal": {
          type: "hello",
          commands: { SET_MODE: { leases: true }, RESET_ERROR: {} },
          parameters: [{ name: "reserve", type: "number", unit: "%", minimum: 0, maximum: 100 }],
          journal: { id: "9f6c21", first_seq: 1, last_seq: 3 },
          takes_tokens: true,
          software_version: "2.4.0",
          device_time: "2026-01-31T12:00:00.012Z",
        },
        "that can be told nothing": { type: "hello" },
      },
    },
    commandResult: {
      ...common,
      payload: commandResultSchema,
      examples: {
        "it has begun": { type: "command_result", command_id: "cmd_8293", status: "accepted" },
        "it will not": {
          type: "command_result",
          command_id: "cmd_8293",
          status: "rejected",
          reason: "The battery is empty.",
        },
      },
    },
    tokenStored: {
      ...common,
      payload: tokenStoredSchema,
      examples: { "it is on the disk": { type: "token_stored", token_id: "5f0c9d2ab1e47c38" } },
    },
    peers: {
      ...common,
      payload: peersSchema,
      replies: ["peersAnswer"],
      examples: {
        begin: { type: "peers", subscribe: true },
        end: { type: "peers", subscribe: false },
      },
    },
  };
}

function framesOfJournal(): DoorSpec["messages"] {
  const common = { from: "peer", isOfSubprotocol: true } as const;
  const { samples, ...rest } = backfillSchema.properties;
  return {
    backfill: {
      ...common,
      payload: { ...backfillSchema, properties: { ...rest, samples: { ...samples, items: numbered } } },
      replies: ["ack", "refused"],
      examples: {
        "two of before": {
          type: "backfill",
          samples: [
            { seq: 2, ...early },
            { seq: 3, ...early, timestamp: "2026-01-31T11:59:02Z" },
          ],
        },
      },
    },
    gap: {
      ...common,
      payload: gapSchema,
      replies: ["ack"],
      examples: {
        "the journal was full": {
          type: "gap",
          from_seq: 2,
          to_seq: 3,
          from: "2026-01-31T11:59:01Z",
          to: "2026-01-31T11:59:02Z",
          reason: "overflow",
        },
      },
    },
  };
}
