import {
  deviceEnergySchema,
  historySchema,
  paths,
  pointsSchema,
  type Refusal,
  refuse,
  samplesSchema,
  timelineSchema,
} from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import type { Authorizer } from "../access/authorizer.ts";
import type { Clock } from "../base/clock.ts";
import { type CalendarSpan, calendarSpans } from "../base/time-zone.ts";
import type { Device, DeviceRegistry } from "../devices/device-registry.ts";
import type { RegisteredDevice } from "../history/device-history.ts";
import {
  bucketsMax,
  chooseBuckets,
  dayMs,
  minuteMs,
  type Range,
  rangeProperties,
  readRange,
  samplesPlace,
  spanMsMax,
} from "../history/range.ts";
import { refuseAnswer, sendMade } from "../http/answer-flow.ts";
import { cursorReader } from "../http/cursor.ts";
import { defineRoute, deviceParams, type RouteDefinition } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import type { SampleKey } from "../store/store.ts";
import type { Answers } from "./answers/answers.ts";
import type { Question } from "./answers/questions.ts";
import { lookUpDevice } from "./device-lookup.ts";

export interface HistoryParts {
  readonly answers: Answers;
  readonly clock: Clock;
  readonly devices: DeviceRegistry;
  readonly authorizer: Authorizer;
  /** How long an answer may take. */
  readonly queryMsMax: number;
  /** Of devices that have none of their own. */
  readonly timeZone: string;
}

const samplesMax = 10_000;
const runsMax = 10_000;
/** The longest month, with the hour by which its clocks may be put back. */
const timelineMsMax = 31 * dayMs + 60 * minuteMs;
/** Spans of an energy answer. */
const calendarSpansMax = 2_000;

const pointsParameter = (description: string) =>
  Type.Optional(Type.String({ description, minLength: 1, maxLength: 2_600, examples: ["battery.soc,grid.power"] }));

const samplesQuery = Type.Object(
  {
    ...rangeProperties,
    points: pointsParameter("Only these points, with commas between them; left out: all"),
    take: Type.Optional(
      Type.Enum(["first", "last"], {
        default: "last",
        description:
          "From which end of the range: `last` gives the newest samples, and older ones with each page; `first` the other way",
      }),
    ),
    limit: Type.Integer({
      minimum: 1,
      maximum: samplesMax,
      default: 1_000,
      description:
        "Samples a page, at most; of wide samples a page has fewer: it ends with the one that makes it 1 MiB",
    }),
    cursor: Type.Optional(
      Type.String({ description: "`next_cursor` of the page before; it holds the range too", maxLength: 500 }),
    ),
  },
  { additionalProperties: false },
);
const historyQuery = Type.Object(
  {
    ...rangeProperties,
    points: pointsParameter(
      "Points with numbers, with commas between them; left out: the powers and the state of charge",
    ),
    buckets: Type.Integer({
      minimum: 1,
      maximum: bucketsMax,
      default: 300,
      description: "Buckets, at most. Where the samples are no more than that, they come as they are",
    }),
  },
  { additionalProperties: false },
);
const timelineQuery = Type.Object(
  {
    ...rangeProperties,
    point: Type.String({
      default: "system_status.state",
      description: "A point, usually one with few different values",
      minLength: 1,
      maxLength: 130,
      examples: ["system_status.mode"],
    }),
    limit: Type.Integer({
      minimum: 1,
      maximum: runsMax,
      default: 1_000,
      description: "Runs, at most; long texts and lists are fewer, some 1 MiB",
    }),
  },
  { additionalProperties: false },
);
const pointsQuery = Type.Object(
  { cursor: Type.Optional(Type.String({ description: "`next_cursor` of the page before", maxLength: 500 })) },
  { additionalProperties: false },
);
const readPointsPlace = cursorReader(
  Type.Object({ after: Type.Integer({ minimum: 0 }) }, { additionalProperties: false }),
);
const energyQuery = Type.Object(
  { ...rangeProperties, per: Type.Enum([...calendarSpans], { default: "day", description: "Length of a span" }) },
  { additionalProperties: false },
);

const readSamplesPlace = cursorReader(samplesPlace);

interface Asked<Query extends Type.TSchema> {
  Params: { id: string };
  Querystring: Type.Static<Query>;
}

/** How far back a question about energy reaches where it does not say. */
const defaultEnergyMs: Readonly<Record<CalendarSpan, number>> = {
  hour: dayMs,
  day: 30 * dayMs,
  month: 365 * dayMs,
  year: spanMsMax - 366 * dayMs,
};

/** What one device sent and did: points, samples, history, timeline, energy. */
export function registerHistoryApi(app: FastifyInstance, parts: HistoryParts): void {
  const { clock } = parts;
  const route = (about: Pick<RouteDefinition, "summary" | "description" | "querystring" | "answer">) =>
    defineRoute({
      ...about,
      params: deviceParams,
      tag: "History",
      role: "viewer",
      errors: [404, 429],
      timeoutMs: parts.queryMsMax,
    });
  const zoneOf = ({ properties }: Device): string => properties.time_zone ?? parts.timeZone;

  app.get<Asked<typeof pointsQuery>>(
    `${paths.api}/devices/:id/points`,
    route({ summary: "The points that a device has sent", querystring: pointsQuery, answer: pointsSchema }),
    async (request, reply) => {
      const { cursor } = request.query;
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      const place = cursor === undefined ? { after: 0 } : readPointsPlace(cursor);
      if (place === null) return sendRefusal(reply, refuse("invalid_cursor"));
      return await sendAnswer(parts, request, reply, { kind: "points", device: registeredOf(device), ...place });
    },
  );

  app.get<Asked<typeof samplesQuery>>(
    `${paths.api}/devices/:id/samples`,
    route({
      summary: "Stored samples, page by page",
      description:
        "Without a range: the last five minutes. Within a page the samples are in the order of their time; each sample is on one page, also while new ones come in. A page has `limit` samples, or about 1 MiB: `next_cursor` says whether there are more.",
      querystring: samplesQuery,
      answer: samplesSchema,
    }),
    async (request, reply) => {
      const { query } = request;
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      const place = query.cursor === undefined ? null : readSamplesPlace(query.cursor);
      if (query.cursor !== undefined && place === null) return sendRefusal(reply, refuse("invalid_cursor"));
      const nowMs = clock.wallMs();
      const range: Range | Refusal =
        place === null
          ? readRange(query, { nowMs, defaultMs: 5 * minuteMs, spanMsMax, timeZone: zoneOf(device) })
          : { fromMs: place.f, toMs: place.t };
      if ("code" in range) return sendRefusal(reply, range);
      const beyond: SampleKey | undefined =
        place === null ? undefined : { observedAtMs: place.o, epoch: place.e, seq: place.s };
      const question: Question = {
        kind: "samples",
        device: registeredOf(device),
        range,
        points: query.points,
        take: place?.k ?? query.take ?? "last",
        limit: query.limit,
        beyond,
      };
      return await sendAnswer(parts, request, reply, question);
    },
  );

  app.get<Asked<typeof historyQuery>>(
    `${paths.api}/devices/:id/history`,
    route({
      summary: "Points over time, for charts",
      description:
        "Least, mean and greatest value in each bucket, or the samples themselves where they are few. Without a range: the last 24 hours. Buckets " +
        "have a width that people read easily; from 15 minutes on they begin and end on a quarter of an hour: `from` and `to` of the answer say where.",
      querystring: historyQuery,
      answer: historySchema,
    }),
    async (request, reply) => {
      const { query } = request;
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      const nowMs = clock.wallMs();
      const asked = readRange(query, { nowMs, defaultMs: dayMs, spanMsMax, timeZone: zoneOf(device) });
      const range = "code" in asked ? asked : refuseEmpty(asked);
      if ("code" in range) return sendRefusal(reply, range);
      const { buckets, points } = query;
      const aligned = chooseBuckets(range, buckets, nowMs);
      const question = {
        kind: "history",
        device: registeredOf(device),
        range,
        aligned,
        points,
        buckets,
        nowMs,
      } as const;
      return await sendAnswer(parts, request, reply, question);
    },
  );

  app.get<Asked<typeof timelineQuery>>(
    `${paths.api}/devices/:id/timeline`,
    route({
      summary: "When a point had which value",
      description:
        "For states and modes: runs of the same value. A run ends at a gap. Without a range: the last 24 hours; at most 31 days.",
      querystring: timelineQuery,
      answer: timelineSchema,
    }),
    async (request, reply) => {
      const { query } = request;
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      const nowMs = clock.wallMs();
      const rules = { nowMs, defaultMs: dayMs, spanMsMax: timelineMsMax, timeZone: zoneOf(device) };
      const range = readRange(query, rules);
      if ("code" in range) return sendRefusal(reply, range);
      const { point, limit } = query;
      const question = { kind: "timeline", device: registeredOf(device), range, point, limit, nowMs } as const;
      return await sendAnswer(parts, request, reply, question);
    },
  );

  app.get<Asked<typeof energyQuery>>(
    `${paths.api}/devices/:id/energy`,
    route({
      summary: "Energy by hour, day, month or year",
      description:
        "The range is moved out to whole spans of the time zone, those of daylight saving included: a day has 23 to 25 hours. Hours add up to the day, days to the month and the year. Without a range: the last 30 days, 24 hours, 12 months or 9 years.",
      querystring: energyQuery,
      answer: deviceEnergySchema,
    }),
    async (request, reply) => {
      const { query } = request;
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      const nowMs = clock.wallMs();
      const range = readEnergyRange(query, query.per, nowMs, zoneOf(device));
      if ("code" in range) return sendRefusal(reply, range);
      const question: Question = {
        kind: "energy",
        device: registeredOf(device),
        range,
        timeZone: query.time_zone ?? zoneOf(device),
        per: query.per,
        nowMs,
      };
      return await sendAnswer(parts, request, reply, question);
    },
  );
}

/** What another thread needs of a device; all of it would cost more to hand over. */
function registeredOf({ deviceId, registration, createdAtMs }: Device): RegisteredDevice {
  return { deviceId, registration, createdAtMs };
}

/** Has the question answered off the event loop. */
export async function sendAnswer(
  { answers, clock }: Pick<HistoryParts, "answers" | "clock">,
  request: FastifyRequest,
  reply: FastifyReply,
  question: Question,
): Promise<FastifyReply> {
  const made = await answers.make(request.caller, question, request.signal);
  if ("code" in made) return refuseAnswer(reply, made);
  if (made.untilMs !== null) noteCaching(reply, made.untilMs, clock.wallMs());
  return sendMade(request, reply, made);
}

export function refuseEmpty(range: Range): Range | Refusal {
  return range.fromMs < range.toMs ? range : refuse("invalid_request", "from must lie before to.");
}

/** The range of a question about energy, which has a bound for each length of spans. */
export function readEnergyRange(
  query: FastifyRequest["query"] & object,
  per: CalendarSpan,
  nowMs: number,
  fallbackZone: string,
): Range | Refusal {
  const rules = { nowMs, defaultMs: defaultEnergyMs[per], spanMsMax, timeZone: fallbackZone };
  const read = readRange(query, rules);
  const range = "code" in read ? read : refuseEmpty(read);
  if ("code" in range) return range;
  if (per === "hour" && range.toMs - range.fromMs > (calendarSpansMax * dayMs) / 24) {
    return refuse(
      "range_too_large",
      `By the hour a range may have ${Math.floor(calendarSpansMax / 24)} days. Ask by the day.`,
    );
  }
  if (per === "day" && range.toMs - range.fromMs > calendarSpansMax * dayMs) {
    return refuse("range_too_large", `By the day a range may have ${calendarSpansMax} days. Ask by the month.`);
  }
  return range;
}

/** What is more than a day old hardly changes any more: only where a device brings its samples late, or an import. */
function noteCaching(reply: FastifyReply, untilMs: number, nowMs: number): void {
  reply.header("Cache-Control", untilMs < nowMs - dayMs ? "private, max-age=300" : "private, no-cache");
  reply.header("Vary", "Authorization, Cookie");
}
