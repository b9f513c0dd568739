import Type from "typebox";
import { body, deviceId, nextCursor, orNull, type ReadonlyBody, time } from "./body.ts";
import { freshnesses } from "./freshness.ts";
import { outstandingSchema } from "./people.ts";
import { pointSpec } from "./points.ts";
import { rotationSchema } from "./provisioning.ts";
import { type RefusalCode, refusals } from "./refusals.ts";
import type { Scalar, Telemetry } from "./telemetry.ts";
import type { ValueFault } from "./value-faults.ts";

/**
 * The bodies of `/api/v1`, each once: its type, and its part of the OpenAPI document, where it stands under its `title`. Times are RFC 3339 in
 * UTC, powers are in W, energy is in Wh, shares are 0 to 1.
 */

const share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description, examples: [0.998] });
const wattHours = (description: string) => Type.Number({ minimum: 0, description: `${description}, Wh` });
const timeZone = Type.String({ description: "IANA name of the time zone", examples: ["Europe/Vienna"] });
const numberOrNull = orNull(Type.Number());

const gap = body("Gap", "A span of more than 30 seconds without samples.", {
  from: time("Last sample before it, or the start of the range"),
  to: time("First sample after it, or the end of the range"),
});
const coverage = body("Coverage", "How much of what was expected is there. What is missing is not made up.", {
  share: share(
    "Covered time by expected time; 0 where nothing is expected. A step between two samples is covered if it is at most 30 seconds, or three of the device's usual steps",
  ),
  expected_from: orNull(
    time(
      "From when on something is expected in the range: the device's registration or its first sample; null where nothing is",
    ),
  ),
  gaps: Type.Array(gap, { description: "What is missing: the longest hundred, the longest first", maxItems: 100 }),
});

export const problemSchema = body("Problem", "An error, as in RFC 9457 (`application/problem+json`).", {
  type: Type.String({ examples: ["about:blank"] }),
  title: Type.String({ examples: ["Bad Request"] }),
  status: Type.Integer({ examples: [400] }),
  detail: Type.String({ description: "What is wrong, where, and what to do" }),
  code: Type.Unsafe<RefusalCode>({
    type: "string",
    enum: Object.keys(refusals),
    description: "Stable; programs go by it",
  }),
});
/** An error of the API, as RFC 9457 (`application/problem+json`). */
export type Problem = ReadonlyBody<Type.Static<typeof problemSchema>>;

export const sampleSchema = body("Sample", "One sample as it was filed.", {
  observed_at: time("When it was measured; where `clock` is `server`, when it was received"),
  received_at: time("When the server received it"),
  clock: Type.Enum(["device", "server"], { description: "Whose clock `observed_at` is of" }),
  telemetry: Type.Unsafe<Telemetry>({
    type: "object",
    description: "The message of the device: `device_id`, `timestamp`, and sections of values",
    examples: [{ device_id: "ems_001", timestamp: "2026-01-31T12:00:00Z", battery: { soc: 85, power: 558.6 } }],
  }),
});
export type SampleBody = ReadonlyBody<Type.Static<typeof sampleSchema>>;

const pointTime = body("PointTime", "When the newest value of a point was measured, as filed, and received.", {
  observed_at: time("When it was measured"),
  received_at: time("When the server received it"),
});
const stateSchema = body(
  "State",
  "The newest sample by measured time, with the newest values of all points that it does not hold itself.",
  {
    ...sampleSchema.properties,
    older_points: Type.Optional(
      Type.Record(Type.String(), pointTime, {
        description: "Of those points, when each was measured and received; absent where there are none",
      }),
    ),
  },
);
export type StateBody = ReadonlyBody<Type.Static<typeof stateSchema>>;

const freshness = Type.Enum([...freshnesses], {
  description:
    "How much `latest` says of the present: `live`, `late` and `stale` by its age; `idle` where the device sends only on change, is connected and silent; `offline`; `none` where it was never heard",
});

const deviceProperties = {
  device_id: deviceId,
  name: Type.String({ description: "What people call it" }),
  properties: Type.Record(Type.String(), Type.String(), {
    description: "Free properties; `time_zone` says where its days begin",
    examples: [{ country: "AT", time_zone: "Europe/Vienna" }],
  }),
  created_at: time("When it was registered"),
  active: Type.Boolean({ description: "Whether it has a token that is not revoked" }),
  online: Type.Boolean({ description: "Whether it is connected now" }),
};
export const deviceSchema = body("Device", "A registered device.", deviceProperties);
export type DeviceBody = ReadonlyBody<Type.Static<typeof deviceSchema>>;

export const devicesSchema = body("Devices", "A page of devices, by id.", {
  devices: Type.Array(deviceSchema),
  next_cursor: nextCursor,
});
export type DevicesBody = ReadonlyBody<Type.Static<typeof devicesSchema>>;

export const deviceDetailSchema = body("DeviceDetail", "What the server knows of one device.", {
  ...deviceProperties,
  time_zone: Type.String({
    description: "The IANA name of the zone in which its days begin: of its property, else of the server",
    examples: ["Europe/Vienna"],
  }),
  connected_at: orNull(time("Since when the present link is there; null while offline")),
  disconnected_at: orNull(time("Since when it is offline; null while online, and where that is not known")),
  freshness,
  latest: orNull(stateSchema),
  accepted: Type.Integer({ minimum: 0, description: "Messages taken since the server started" }),
  dropped: Type.Unsafe<Partial<Record<RefusalCode, number>>>({
    type: "object",
    additionalProperties: { type: "integer" },
    description: "Messages dropped since the server started, by code",
    examples: [{ invalid_schema: 3 }],
  }),
  clock_offset_ms: Type.Number({
    description:
      "How far its clock is ahead, ms, below zero behind; its times are corrected by it. 0: right, or not known",
  }),
  journal: orNull(
    body("Journal", "What is stored of the samples that the device numbers; null where it does not.", {
      id: Type.String({ description: "As the device has named it" }),
      durable_seq: Type.Integer({ minimum: 0, description: "All up to this one are stored, or declared as lost" }),
      durable: Type.Integer({ minimum: 0, description: "How many are, in all" }),
      missing: Type.Integer({
        minimum: 0,
        description: "How many are still to come, as far as the device has said: its backlog",
      }),
    }),
  ),
  faulty_values: Type.Array(
    body("FaultyValues", "Values that were left out of its messages, or kept and marked, since the server started.", {
      point: Type.String({ description: "The point as the device calls it; `other` beyond 64 of them" }),
      fault: Type.Unsafe<ValueFault>({ type: "string", examples: ["beyond_belief"] }),
      kept: Type.Boolean({ description: "True where it was stored as it came" }),
      message: Type.String(),
      count: Type.Integer({ minimum: 1 }),
      last_at: time("When it came last"),
    }),
  ),
  rotation: orNull(rotationSchema),
  last_refusal: orNull(
    body("LastRefusal", "The newest message that was dropped, and why.", {
      code: Type.Unsafe<RefusalCode>({ type: "string" }),
      message: Type.String(),
      at: time("When it came"),
    }),
  ),
});
export type DeviceDetail = ReadonlyBody<Type.Static<typeof deviceDetailSchema>>;

export const latestSchema = body("Latest", "The newest sample by measured time.", {
  device_id: deviceId,
  online: deviceProperties.online,
  freshness,
  latest: orNull(stateSchema),
});
export type LatestBody = ReadonlyBody<Type.Static<typeof latestSchema>>;

/** What one device may have struck out. */
export const strikesMax = 200;
const strikeFields = {
  from: time("The first instant that is struck out"),
  to: time("The end: this instant itself is not"),
};
export const newStrikeSchema = Type.Object(
  {
    from: Type.String({ maxLength: 40, description: "RFC 3339: the first instant that is struck out" }),
    to: Type.String({ maxLength: 40, description: "RFC 3339: the end; this instant itself is not" }),
    points: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 130 }), {
        minItems: 1,
        maxItems: 64,
        description: "Only these points; left out: all",
      }),
    ),
  },
  { additionalProperties: false },
);
export const strikeSchema = body("Strike", "Values that count for nothing, in sums and charts as well.", {
  strike: Type.Integer({ description: "Its number" }),
  device_id: deviceId,
  ...strikeFields,
  points: orNull(Type.Array(Type.String())),
  at: time("When it was struck out"),
  by: orNull(Type.String({ description: "Who did it; null for who may not know names" })),
});
export type StrikeBody = ReadonlyBody<Type.Static<typeof strikeSchema>>;
export const strikesSchema = body("Strikes", "What is struck out of a device's past, oldest strike first.", {
  strikes: Type.Array(strikeSchema),
});
export type StrikesBody = ReadonlyBody<Type.Static<typeof strikesSchema>>;

export const samplesSchema = body("Samples", "A page of stored samples, oldest first.", {
  samples: Type.Array(sampleSchema),
  next_cursor: nextCursor,
});
export type SamplesBody = ReadonlyBody<Type.Static<typeof samplesSchema>>;

const pointSchema = body("Point", "A measured quantity.", {
  name: Type.String({ examples: ["battery.soc"] }),
  label: Type.String({ examples: ["State of charge"] }),
  unit: Type.String({ description: "Empty where it has none, or where nobody has described the point" }),
  kinds: Type.Array(Type.Enum(["number", "text", "boolean", "list"]), { description: "What it has held so far" }),
  sign: Type.Optional(Type.String({ description: "What the sign means", examples: ["+ charges, − discharges"] })),
});
export const pointsSchema = body("Points", "The points that a device has sent.", {
  device_id: deviceId,
  points: Type.Array(pointSchema),
  next_cursor: nextCursor,
});
export type PointsBody = ReadonlyBody<Type.Static<typeof pointsSchema>>;

export const pointCatalogueSchema = body("PointCatalogue", "The points that Wattboard knows by name.", {
  points: Type.Array(
    body("PointSpec", "A point of the catalogue.", {
      name: Type.String({ examples: ["battery.power"] }),
      label: Type.String({ examples: [pointSpec("battery.power")?.label] }),
      unit: Type.String({ examples: ["W"] }),
      kind: Type.Enum(["number", "text", "flags"]),
      sign: Type.Optional(Type.String()),
      minimum: Type.Optional(Type.Number()),
      maximum: Type.Optional(Type.Number()),
      believed: Type.Optional(
        Type.Array(Type.Number(), {
          minItems: 2,
          maxItems: 2,
          description: "What can be believed, from and to, in `unit`; a value beyond becomes null",
        }),
      ),
      digits: Type.Integer({ description: "Digits after the point when shown" }),
    }),
  ),
});

const historyHead = {
  device_id: deviceId,
  from: time("Start of the range, as it was answered"),
  to: time("Its end"),
};
const historyBuckets = body("HistoryBuckets", "Points over time, in buckets; an entry a bucket in each array.", {
  ...historyHead,
  resolution: Type.Literal("buckets"),
  bucket_ms: Type.Integer({ description: "Width of a bucket, ms", examples: [300_000] }),
  at: Type.Array(time("Start of the bucket")),
  samples: Type.Array(Type.Integer(), { description: "How many samples are in each" }),
  bucket_coverage: Type.Array(share("Share of the expected time that is covered, in each")),
  points: Type.Record(
    Type.String(),
    body("PointBuckets", "Null where a bucket has no number of the point.", {
      min: Type.Array(numberOrNull),
      avg: Type.Array(numberOrNull),
      max: Type.Array(numberOrNull),
    }),
  ),
  coverage,
});
const historyRaw = body(
  "HistoryRaw",
  "Points over time, as they were sent: they are no more than the buckets asked for.",
  {
    ...historyHead,
    resolution: Type.Literal("raw"),
    at: Type.Array(time("When the sample was measured")),
    points: Type.Record(
      Type.String(),
      body("PointValues", "Null where a sample has no number of the point.", { values: Type.Array(numberOrNull) }),
    ),
    coverage,
  },
);
export const historySchema = Type.Union([historyBuckets, historyRaw], {
  title: "History",
  description: "`resolution` tells which of the two it is.",
});
export type HistoryBody = ReadonlyBody<Type.Static<typeof historySchema>>;

export const timelineSchema = body("Timeline", "When a point had which value.", {
  ...historyHead,
  point: Type.String({ examples: ["system_status.state"] }),
  runs: Type.Array(
    body("TimelineRun", "A value and its time. Between two runs that do not touch there were no samples.", {
      from: time("First sample with the value"),
      to: time("First sample with another, or the last one before a gap"),
      value: Type.Unsafe<Scalar | readonly string[]>({
        description: "Text, number, boolean, list of texts, or null",
        examples: ["CHARGING"],
      }),
    }),
  ),
  next_from: orNull(time("Give it as `from` for what follows; null where that is all")),
});
export type TimelineBody = ReadonlyBody<Type.Static<typeof timelineSchema>>;

const energyProperties = {
  imported_wh: orNull(wattHours("Taken from the grid")),
  exported_wh: orNull(wattHours("Sold to the grid")),
  charged_wh: orNull(wattHours("Into the battery")),
  discharged_wh: orNull(wattHours("Out of the battery")),
  produced_wh: orNull(wattHours("From the sun")),
  consumed_wh: orNull(wattHours("By the house")),
  self_consumed_wh: orNull(wattHours("Produced, and not sold at the same moment")),
  autarky: orNull(share("Share of the consumption that did not come from the grid; null where nothing was consumed")),
  self_consumption: orNull(share("Share of the production that was used on the spot; null where nothing was produced")),
};
const energySchema = body("Energy", "What was moved; null where it was not measured.", energyProperties);
const span = { from: time("Start of the span"), to: time("Its end") };
const per = Type.Enum(["hour", "day", "month", "year"]);

export const deviceEnergySchema = body("DeviceEnergy", "Energy of one device by hour, day, month or year.", {
  device_id: deviceId,
  time_zone: timeZone,
  per,
  ...span,
  spans: Type.Array(
    body("EnergySpan", "One hour, day, month or year of the time zone.", {
      ...span,
      ...energyProperties,
      coverage: share("Share of the expected time that is covered"),
    }),
  ),
  total: energySchema,
  coverage,
});
export type DeviceEnergyBody = ReadonlyBody<Type.Static<typeof deviceEnergySchema>>;
export type EnergyFigures = ReadonlyBody<Type.Static<typeof energySchema>>;

export const fleetEnergySchema = body("FleetEnergy", "Energy of many devices together by day, month or year.", {
  time_zone: timeZone,
  per,
  ...span,
  device_count: Type.Integer({ description: "Devices that were asked for" }),
  spans: Type.Array(
    body("FleetEnergySpan", "One day, month or year of the time zone.", {
      ...span,
      ...energyProperties,
      devices: Type.Integer({ description: "Devices with samples in it" }),
      coverage: share("Share of the time expected of all devices that is covered"),
    }),
  ),
  total: energySchema,
  coverage: share("Share of the time expected of all devices that is covered, over the whole range"),
});
export type FleetEnergyBody = ReadonlyBody<Type.Static<typeof fleetEnergySchema>>;

export const fleetTotalsSchema = body("FleetTotals", "A point summed over devices, over time; an entry a bucket.", {
  point: Type.String({ examples: ["grid.power"] }),
  unit: Type.String({ examples: ["W"] }),
  from: historyHead.from,
  to: historyHead.to,
  bucket_ms: Type.Integer({ description: "Width of a bucket, ms" }),
  device_count: Type.Integer({ description: "Devices that were asked for" }),
  at: Type.Array(time("Start of the bucket")),
  sum: Type.Array(numberOrNull, {
    description: "Sum of the means of the devices that told the point; null where none did",
  }),
  devices: Type.Array(Type.Integer(), { description: "How many devices told the point in the bucket" }),
  bucket_coverage: Type.Array(share("Share of the time expected of all devices that is covered, in each bucket")),
  coverage,
});
export type FleetTotalsBody = ReadonlyBody<Type.Static<typeof fleetTotalsSchema>>;

export const renewalSchema = body("Renewal", "How far the store is with summaries that are made anew.", {
  renewed_share: Type.Number({
    description:
      "Share of the summaries that were made anew since the rule of what is covered was changed; 1 once that is done",
  }),
});
export type RenewalBody = ReadonlyBody<Type.Static<typeof renewalSchema>>;

const eventSchema = body("Event", "Something that a person should know of.", {
  at: time("When it happened"),
  kind: Type.String({ examples: ["disconnected"] }),
  device_id: orNull(deviceId),
  message: Type.String({ description: "For people" }),
});
export type EventBody = ReadonlyBody<Type.Static<typeof eventSchema>>;

export const eventsSchema = body("Events", "A page of events, newest first.", {
  events: Type.Array(eventSchema),
  next_cursor: nextCursor,
  complete: Type.Boolean({
    description: "False while the store does not answer: then these are the newest since the server started",
  }),
});
export type EventsBody = ReadonlyBody<Type.Static<typeof eventsSchema>>;

export const waitingDevicesSchema = body("WaitingDevices", "Devices at the SMART-OS door, the last to ask first.", {
  waiting: Type.Array(
    body("WaitingDevice", "A device that has come to the SMART-OS door and is not registered.", {
      device_id: deviceId,
      first_seen_at: time("When it asked first"),
      last_seen_at: time("When it asked last"),
      messages: Type.Integer({ minimum: 1, description: "What it has sent so far" }),
      address: Type.String({ description: "From where it asked last", examples: ["192.0.2.17"] }),
    }),
  ),
});
export type WaitingDevicesBody = ReadonlyBody<Type.Static<typeof waitingDevicesSchema>>;
export type WaitingDeviceBody = WaitingDevicesBody["waiting"][number];

export const apiTokenSchema = body("ApiToken", "An API token without its secret.", {
  name: Type.String({ examples: ["wallboard"] }),
  role: Type.String({ examples: ["viewer"] }),
  devices: orNull(Type.Array(Type.String(), { description: "The devices that it is for; null: all there are" })),
  created_at: time("When it was made"),
  expires_at: orNull(time("When it ends; null: never")),
  made_by: orNull(
    Type.String({
      description: "It ends when they are no administrator any more; null: an earlier version did not keep it",
      examples: ["person ada"],
    }),
  ),
});
export type ApiTokenBody = ReadonlyBody<Type.Static<typeof apiTokenSchema>>;

export const removedApiTokenSchema = body("RemovedApiToken", "An API token that is void, and what ended with it.", {
  ...apiTokenSchema.properties,
  ended: outstandingSchema,
});
export type RemovedApiTokenBody = ReadonlyBody<Type.Static<typeof removedApiTokenSchema>>;

export const apiTokensSchema = body("ApiTokens", "All API tokens.", { api_tokens: Type.Array(apiTokenSchema) });

export const newApiTokenSchema = body("NewApiToken", "An API token with its secret, which is shown this once.", {
  name: Type.String(),
  token: Type.String({ examples: ["wb_…"] }),
});
