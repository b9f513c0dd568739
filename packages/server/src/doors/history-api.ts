import etag from "@fastify/etag";
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
import type { Device, Devices } from "../access/devices.ts";
import type { Gate } from "../access/gate.ts";
import type { Clock } from "../base/clock.ts";
import { type CalendarSpan, calendarEdges, calendarSpans } from "../base/time-zone.ts";
import type { SampleKey, Store } from "../store/store.ts";
import { windowMs } from "../store/window.ts";
import { storedSampleBody } from "./api-bodies.ts";
import { cursorReader, writeCursor } from "./cursor.ts";
import { lookUpDevice } from "./device-lookup.ts";
import { bucketsBody, deviceEnergyBody, pointsBody, rawBody, timelineBody } from "./history-bodies.ts";
import { describeRoute, deviceParams, type RouteDescription } from "./openapi.ts";
import { Past } from "./past.ts";
import { chooseNumberPoints, choosePoints } from "./point-names.ts";
import { sendRefusal } from "./problem.ts";
import {
  bucketsMax,
  chooseBuckets,
  dayMs,
  minuteMs,
  type Range,
  rangeProperties,
  readRange,
  readTimeZone,
  spanMsMax,
} from "./range.ts";

export interface HistoryParts {
  readonly clock: Clock;
  readonly devices: Devices;
  readonly gate: Gate;
  /** How long an answer may take. */
  readonly queryMsMax: number;
  readonly store: Store;
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
    limit: Type.Integer({ minimum: 1, maximum: samplesMax, default: 1_000, description: "Samples a page, at most" }),
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
    limit: Type.Integer({ minimum: 1, maximum: runsMax, default: 1_000, description: "Runs, at most" }),
  },
  { additionalProperties: false },
);
const energyQuery = Type.Object(
  { ...rangeProperties, per: Type.Enum([...calendarSpans], { default: "day", description: "Length of a span" }) },
  { additionalProperties: false },
);

/** Where the next page of samples begins, and the range, whose end may have been `now`. */
const samplesPlace = Type.Object(
  {
    f: Type.Integer(),
    t: Type.Integer(),
    k: Type.Enum(["first", "last"]),
    o: Type.Integer(),
    e: Type.Integer(),
    s: Type.Integer(),
  },
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
export async function registerHistoryApi(app: FastifyInstance, parts: HistoryParts): Promise<void> {
  const { clock, store } = parts;
  const past = new Past(store);
  await app.register(etag);
  const route = (about: Pick<RouteDescription, "summary" | "description" | "querystring" | "answer">) =>
    describeRoute({
      ...about,
      params: deviceParams,
      tag: "History",
      role: "viewer",
      errors: [404],
      timeoutMs: parts.queryMsMax,
    });
  const zoneOf = ({ properties }: Device): string => properties.time_zone ?? parts.timeZone;

  app.get<Asked<Type.TObject>>(
    `${paths.api}/devices/:id/points`,
    route({ summary: "The points that a device has sent", answer: pointsSchema }),
    async (request, reply) => {
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      return pointsBody(device.deviceId, await store.points(device.deviceId));
    },
  );

  app.get<Asked<typeof samplesQuery>>(
    `${paths.api}/devices/:id/samples`,
    route({
      summary: "Stored samples, page by page",
      description:
        "Without a range: the last five minutes. Within a page the samples are in the order of their time; each sample is on one page, also while new ones come in.",
      querystring: samplesQuery,
      answer: samplesSchema,
    }),
    async (request, reply) => {
      const { query } = request;
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      const { deviceId } = device;
      const place = query.cursor === undefined ? null : readSamplesPlace(query.cursor);
      if (query.cursor !== undefined && place === null) return sendRefusal(reply, refuse("invalid_cursor"));
      const nowMs = clock.wallMs();
      const range: Range | Refusal =
        place === null
          ? readRange(query, { nowMs, defaultMs: 5 * minuteMs, spanMsMax, timeZone: zoneOf(device) })
          : { fromMs: place.f, toMs: place.t };
      if ("code" in range) return sendRefusal(reply, range);
      const chosen = query.points === undefined ? undefined : choosePoints(query.points, await store.points(deviceId));
      if (chosen !== undefined && "code" in chosen) return sendRefusal(reply, chosen);
      const take = place?.k ?? query.take ?? "last";
      const beyond: SampleKey | undefined =
        place === null ? undefined : { observedAtMs: place.o, epoch: place.e, seq: place.s };
      const samples = await past.samples(device, {
        ...range,
        points: chosen,
        take,
        limit: query.limit,
        beyond,
        signal: request.signal,
      });
      const last = samples.length < query.limit ? undefined : samples.at(take === "first" ? -1 : 0);
      noteCaching(reply, range, nowMs);
      return {
        samples: samples.map((sample) => storedSampleBody(deviceId, sample)),
        next_cursor:
          last === undefined
            ? null
            : writeCursor({
                f: range.fromMs,
                t: range.toMs,
                k: take,
                o: last.observedAtMs,
                e: last.epoch,
                s: last.seq,
              } satisfies Type.Static<typeof samplesPlace>),
      };
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
      const { query, signal } = request;
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      const { deviceId } = device;
      const nowMs = clock.wallMs();
      const asked = readRange(query, { nowMs, defaultMs: dayMs, spanMsMax, timeZone: zoneOf(device) });
      const range = "code" in asked ? asked : refuseEmpty(asked);
      if ("code" in range) return sendRefusal(reply, range);
      const points = chooseNumberPoints(query.points, await store.points(deviceId));
      if ("code" in points) return sendRefusal(reply, points);
      const { bucketMs, ...aligned } = chooseBuckets(range, query.buckets, nowMs);
      const history = await past.history(device, { points, ...aligned, bucketMs, signal });
      noteCaching(reply, aligned, nowMs);
      if (history.samples.reduce((sum, count) => sum + count, 0) > query.buckets) {
        return bucketsBody(deviceId, aligned, history);
      }
      const samples = await past.samples(device, { points, ...range, take: "first", limit: query.buckets, signal });
      return rawBody(deviceId, range, samples, points, history.total);
    },
  );

  app.get<Asked<typeof timelineQuery>>(
    `${paths.api}/devices/:id/timeline`,
    route({
      summary: "When a point had which value",
      description:
        "For states and modes: runs of the same value. A run ends where nothing was heard for 30 seconds. Without a range: the last 24 hours; at most 31 days.",
      querystring: timelineQuery,
      answer: timelineSchema,
    }),
    async (request, reply) => {
      const { query } = request;
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      const { deviceId } = device;
      const nowMs = clock.wallMs();
      const rules = { nowMs, defaultMs: dayMs, spanMsMax: timelineMsMax, timeZone: zoneOf(device) };
      const range = readRange(query, rules);
      if ("code" in range) return sendRefusal(reply, range);
      const points = choosePoints(query.point, await store.points(deviceId));
      if ("code" in points) return sendRefusal(reply, points);
      const [point = query.point, another] = points;
      if (another !== undefined) return sendRefusal(reply, refuse("invalid_request", "point is one point."));
      const { limit } = query;
      const timeline = await past.timeline(device, { point, ...range, limit, signal: request.signal });
      noteCaching(reply, range, nowMs);
      return timelineBody(deviceId, range, point, timeline);
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
      const { query, signal } = request;
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      const { deviceId } = device;
      const nowMs = clock.wallMs();
      const edgesMs = readEnergyEdges(query, query.per, nowMs, zoneOf(device));
      if ("code" in edgesMs) return sendRefusal(reply, edgesMs);
      const timeZone = query.time_zone ?? zoneOf(device);
      const { range, bucketMs } = passedRange(edgesMs, nowMs);
      const [{ spans }, history] = await Promise.all([
        past.energy(device, { edgesMs, signal }),
        past.history(device, { points: [], ...range, bucketMs, signal }),
      ]);
      noteCaching(reply, { fromMs: range.fromMs, toMs: edgesMs.at(-1) ?? nowMs }, nowMs);
      return deviceEnergyBody(deviceId, { timeZone, per: query.per, nowMs }, spans, history);
    },
  );
}

export function refuseEmpty(range: Range): Range | Refusal {
  return range.fromMs < range.toMs ? range : refuse("invalid_request", "from must lie before to.");
}

/** The edges of the spans that a question about energy is about. */
export function readEnergyEdges(
  query: FastifyRequest["query"] & object,
  per: CalendarSpan,
  nowMs: number,
  fallbackZone: string,
): number[] | Refusal {
  const rules = { nowMs, defaultMs: defaultEnergyMs[per], spanMsMax, timeZone: fallbackZone };
  const read = readRange(query, rules);
  const range = "code" in read ? read : refuseEmpty(read);
  if ("code" in range) return range;
  const timeZone = readTimeZone(query, fallbackZone);
  if (typeof timeZone !== "string") return timeZone;
  if (per === "hour" && range.toMs - range.fromMs > (calendarSpansMax * dayMs) / 24) {
    return refuse(
      "too_much",
      `By the hour a range may have ${Math.floor(calendarSpansMax / 24)} days. Ask by the day.`,
    );
  }
  if (per === "day" && range.toMs - range.fromMs > calendarSpansMax * dayMs) {
    return refuse("too_much", `By the day a range may have ${calendarSpansMax} days. Ask by the month.`);
  }
  return calendarEdges(range.fromMs, range.toMs, per, timeZone);
}

/** What has passed of the spans between the edges, as a single bucket. */
function passedRange(edgesMs: readonly number[], nowMs: number): { readonly range: Range; readonly bucketMs: number } {
  const fromMs = edgesMs[0] ?? 0;
  const toMs = Math.min(edgesMs.at(-1) ?? 0, Math.max(nowMs, fromMs + 1));
  return { range: { fromMs, toMs }, bucketMs: Math.ceil((toMs - fromMs) / windowMs) * windowMs };
}

/** What is more than a day old hardly changes any more: only where a device brings its samples late, or an import. */
export function noteCaching(reply: FastifyReply, { toMs }: Range, nowMs: number): void {
  reply.header("Cache-Control", toMs < nowMs - dayMs ? "private, max-age=300" : "private, no-cache");
  reply.header("Vary", "Authorization, Cookie");
}
