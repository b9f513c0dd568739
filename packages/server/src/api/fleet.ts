import {
  fleetEnergySchema,
  fleetTotalsSchema,
  isRefusal,
  paths,
  pointNamePattern,
  pointSpec,
  refuse,
} from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { bucketsMax, chooseBuckets, dayMs, minuteMs, rangeProperties, readRange, spanMsMax } from "../history/range.ts";
import { defineRoute } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import { windowMs } from "../store/algebra/window.ts";
import { refuseDeviceDays, registrationsOf } from "./answers/questions.ts";
import { devicesAsked } from "./device-lookup.ts";
import { type HistoryParts, readEnergyRange, refuseEmpty, sendAnswer } from "./history.ts";

/** Devices times days that one question may read by the minute: all samples may have to be read. */
const fineDeviceDaysMax = 250;

const filterProperties = {
  devices: Type.Optional(
    Type.String({ description: "Ids, with commas between them; left out: all", examples: ["ems_001,ems_002"] }),
  ),
  property: Type.Optional(
    Type.String({ description: "Only devices with this property, as name and value", examples: ["country:SE"] }),
  ),
};
const totalsQuery = Type.Object(
  {
    ...rangeProperties,
    ...filterProperties,
    point: Type.String({
      default: "grid.power",
      pattern: pointNamePattern.source,
      description: "A point with numbers",
      examples: ["solar.power"],
    }),
    buckets: Type.Integer({ minimum: 1, maximum: bucketsMax, default: 300, description: "Buckets, at most" }),
  },
  { additionalProperties: false },
);
const energyQuery = Type.Object(
  {
    ...rangeProperties,
    ...filterProperties,
    per: Type.Enum(["day", "month", "year"], { default: "day", description: "Length of a span" }),
  },
  { additionalProperties: false },
);

/** Many devices together: a point's sum over time, and energy. */
export function registerFleetApi(app: FastifyInstance, parts: HistoryParts): void {
  const { clock, queryMsMax, timeZone } = parts;

  app.get<{ Querystring: Type.Static<typeof totalsQuery> }>(
    `${paths.api}/fleet/totals`,
    defineRoute({
      tag: "Fleet",
      role: "viewer",
      summary: "A point summed over devices, over time",
      description:
        "The sum of the devices' means in each bucket, e.g. the grid power of the whole fleet by the minute. Of a device that tells the point less often than a bucket is wide, only some buckets have it: `devices` says of how many the sum is, and `bucket_coverage` which share of the devices was there. A bucket has a minute or more. Without a range: the last hour.",
      querystring: totalsQuery,
      answer: fleetTotalsSchema,
      errors: [404, 429],
      timeoutMs: queryMsMax,
    }),
    async (request, reply) => {
      const { point, buckets, ...query } = request.query;
      const nowMs = clock.wallMs();
      const asked = readRange(query, { nowMs, defaultMs: 60 * minuteMs, spanMsMax, timeZone });
      const range = isRefusal(asked) ? asked : refuseEmpty(asked);
      if (isRefusal(range)) return sendRefusal(reply, range);
      if (pointSpec(point) !== undefined && pointSpec(point)?.kind !== "number") {
        return sendRefusal(reply, refuse("invalid_request", `${point} holds no numbers.`));
      }
      const chosen = await devicesAsked(parts, request, query);
      if (isRefusal(chosen)) return sendRefusal(reply, chosen);
      const aligned = chooseBuckets(range, buckets, nowMs, minuteMs);
      const deviceDays = (chosen.length * (aligned.toMs - aligned.fromMs)) / dayMs;
      if (aligned.bucketMs < windowMs && deviceDays > fineDeviceDaysMax) {
        return sendRefusal(
          reply,
          refuse(
            "range_too_large",
            `In buckets of less than 15 minutes, devices times days may be ${fineDeviceDaysMax}; here they are ${Math.ceil(deviceDays)}. Ask for fewer buckets, devices or days.`,
          ),
        );
      }
      const tooMuch = refuseDeviceDays(chosen.length, aligned);
      if (tooMuch !== null) return sendRefusal(reply, tooMuch);
      const question = { kind: "fleetTotals", fleet: registrationsOf(chosen), point, aligned, nowMs } as const;
      return await sendAnswer(parts, request, reply, question);
    },
  );

  app.get<{ Querystring: Type.Static<typeof energyQuery> }>(
    `${paths.api}/fleet/energy`,
    defineRoute({
      tag: "Fleet",
      role: "viewer",
      summary: "Energy of many devices together",
      description:
        "Summed over the devices, by day, month or year of one time zone for all of them: `time_zone`, or the setting `site.time_zone`. Without a range: the last 30 days, 12 months or 9 years.",
      querystring: energyQuery,
      answer: fleetEnergySchema,
      errors: [404, 429],
      timeoutMs: queryMsMax,
    }),
    async (request, reply) => {
      const { query } = request;
      const nowMs = clock.wallMs();
      const range = readEnergyRange(query, query.per, nowMs, timeZone);
      if (isRefusal(range)) return sendRefusal(reply, range);
      const chosen = await devicesAsked(parts, request, query);
      if (isRefusal(chosen)) return sendRefusal(reply, chosen);
      const question = {
        kind: "fleetEnergy",
        fleet: registrationsOf(chosen),
        range,
        timeZone: query.time_zone ?? timeZone,
        per: query.per,
        nowMs,
      } as const;
      return await sendAnswer(parts, request, reply, question);
    },
  );
}
