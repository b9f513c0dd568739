import Type from "typebox";
import { fleetChangedSchema, fleetRemovedSchema, fleetSchema } from "../fleet-frames.ts";
import { paths, subprotocol } from "../paths.ts";
import {
  backfilledSchema,
  beatSchema,
  commandFrameSchema,
  presenceSchema,
  samplePlaceSchema,
  streamWelcomeSchema,
} from "../stream-frames.ts";
import { telemetrySchema } from "../telemetry.ts";
import type { DoorSpec } from "./door-spec.ts";

const sample = { device_id: "ems_001", timestamp: "2026-01-31T12:00:01Z", battery: { soc: 85, power: -500 } };
const serverTime = "2026-01-31T12:00:01.020Z";
const security = ["viewer", "session", "share", "ticket"] as const;
const { epoch, offset } = streamWelcomeSchema.properties;
const place = { epoch: 7_301_442, offset: 17 };
const frame = { from: "server", isOfSubprotocol: true } as const;

export const dashboardDoor: DoorSpec = {
  address: `${paths.dashboard}{device_id}`,
  title: "Dashboard door",
  description: `One device, live: its newest sample at once, then each as the device sent it. What a client sends is ignored. On a link of ${subprotocol} every frame has its place, and who comes back with the place of the last one gets what was missed.`,
  security,
  query: { epoch, offset },
  messages: {
    telemetry: {
      from: "server",
      payload: { allOf: [telemetrySchema, Type.Partial(samplePlaceSchema)] },
      summary: `A sample as the device sent it; on links of ${subprotocol} with its place in the stream before it`,
      examples: {
        "on a plain link": sample,
        [`on a link of ${subprotocol}`]: { ...place, received_at_ms: 1_769_860_801_020, ...sample },
      },
    },
    welcome: {
      ...frame,
      payload: streamWelcomeSchema,
      examples: {
        "what was missed follows": {
          type: "welcome",
          server_time: serverTime,
          ...place,
          recovered: true,
          online: true,
        },
      },
    },
    beat: { ...frame, payload: beatSchema, examples: { "every 10 s": { type: "beat", server_time: serverTime } } },
    presence: {
      ...frame,
      payload: presenceSchema,
      examples: { "the device has gone": { type: "presence", ...place, online: false } },
    },
    command: {
      ...frame,
      payload: commandFrameSchema,
      examples: {
        "it is applied": {
          type: "command",
          ...place,
          command: {
            command_id: "cmd_8293",
            device_id: "ems_001",
            action: "RESET_ERROR",
            payload: {},
            status: "applied",
            created_at: "2026-01-31T12:00:00.000Z",
            expires_at: "2026-01-31T12:01:00.000Z",
            requested_by: "person ada",
            fleet_command_id: null,
            history: [{ status: "queued", at: "2026-01-31T12:00:00.000Z", cause: "given by person ada" }],
          },
        },
      },
    },
    backfilled: {
      ...frame,
      payload: backfilledSchema,
      examples: {
        "an outage was filled": {
          type: "backfilled",
          ...place,
          from: "2026-01-31T11:00:00.000Z",
          to: "2026-01-31T11:59:59.000Z",
          samples: 3_600,
        },
      },
    },
  },
};

const row = {
  id: "ems_001",
  name: "Cellar",
  online: true,
  properties: { country: "AT" },
  observed_at_ms: 1_769_860_801_000,
  received_at_ms: 1_769_860_801_020,
  clock: "device",
  state: "DISCHARGING",
  mode: "AUTO",
  error_flags: [],
  points: { "battery.soc": 85, "battery.power": -500 },
  others: { "grid.voltage": 231.2 },
};
const serverTimeMs = 1_769_860_801_500;

export const fleetDoor: DoorSpec = {
  address: paths.fleet,
  title: "Fleet stream",
  description:
    "All devices that the viewer may see, a row each. States may skip to the newest; what a client sends is ignored.",
  security,
  messages: {
    fleet: {
      from: "server",
      payload: fleetSchema,
      examples: {
        "the only part": { type: "fleet", server_time_ms: serverTimeMs, more: false, total: 1, devices: [row] },
      },
    },
    changed: {
      from: "server",
      payload: fleetChangedSchema,
      examples: { "a new sample": { type: "changed", server_time_ms: serverTimeMs, devices: [row] } },
    },
    removed: {
      from: "server",
      payload: fleetRemovedSchema,
      examples: {
        "its registration has gone": { type: "removed", server_time_ms: serverTimeMs, device_ids: ["ems_001"] },
      },
    },
    beat: { ...frame, payload: beatSchema, examples: { "every 10 s": { type: "beat", server_time: serverTime } } },
  },
};
