import etag from "@fastify/etag";
import { fleetEnergySchema, fleetTotalsSchema, paths, pointNamePattern, pointSpec, refuse } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { windowMs } from "../store/window.ts";
import { selectDevices } from "./device-lookup.ts";
import { expectedDevices } from "./expected.ts";
import { type HistoryParts, noteCaching, readEnergyEdges, refuseEmpty } from "./history-api.ts";
import { FleetEnergySum, fleetTotalsBody } from "./history-bodies.ts";
import { describeRoute } from "./openapi.ts";
import { Past } from "./past.ts";
import { sendRefusal } from "./problem.ts";
import { bucketsMax, chooseBuckets, dayMs, minuteMs, rangeProperties, readRange, spanMsMax } from "./range.ts";

/** How much one question may read: devices times days. By the minute all samples may have to be read, by 15 minutes and more their summaries. */
const fineDeviceDaysMax = 250;
const coarseDeviceDaysMax = 100_000;
/** Devices that are asked for at once: the other questions want their turn too. */
const devicesAtOnce = 4;

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
export async function registerFleetApi(app: FastifyInstance, parts: HistoryParts): Promise<void> {
  const { clock, queryMsMax, store, timeZone } = parts;
  const past = new Past(store);
  await app.register(etag);

  app.get<{ Querystring: Type.Static<typeof totalsQuery> }>(
    `${paths.api}/fleet/totals`,
    describeRoute({
      tag: "Fleet",
      role: "viewer",
      summary: "A point summed over devices, over time",
      description:
        "The sum of the devices' means in each bucket, e.g. the grid power of the whole fleet by the minute. A bucket has a minute or more. Without a range: the last hour.",
      querystring: totalsQuery,
      answer: fleetTotalsSchema,
      errors: [404],
      timeoutMs: queryMsMax,
    }),
    async (request, reply) => {
      const { point, buckets, ...query } = request.query;
      const nowMs = clock.wallMs();
      const asked = readRange(query, { nowMs, defaultMs: 60 * minuteMs, spanMsMax, timeZone });
      const range = "code" in asked ? asked : refuseEmpty(asked);
      if ("code" in range) return sendRefusal(reply, range);
      if (pointSpec(point) !== undefined && pointSpec(point)?.kind !== "number") {
        return sendRefusal(reply, refuse("invalid_request", `${point} holds no numbers.`));
      }
      const chosen = selectDevices(parts, request, query);
      if ("code" in chosen) return sendRefusal(reply, chosen);
      const { bucketMs, ...aligned } = chooseBuckets(range, buckets, nowMs, minuteMs);
      const deviceDays = (chosen.length * (aligned.toMs - aligned.fromMs)) / dayMs;
      if (bucketMs < windowMs && deviceDays > fineDeviceDaysMax) {
        return sendRefusal(
          reply,
          refuse(
            "too_much",
            `In buckets of less than 15 minutes, devices times days may be ${fineDeviceDaysMax}; here they are ${Math.ceil(deviceDays)}. Ask for fewer buckets, devices or days.`,
          ),
        );
      }
      if (deviceDays > coarseDeviceDaysMax) return sendRefusal(reply, tooManyDeviceDays(deviceDays));
      const totals = await past.fleetTotals(chosen, { point, ...aligned, bucketMs, signal: request.signal });
      noteCaching(reply, aligned, nowMs);
      return fleetTotalsBody(point, aligned, chosen.length, totals, expectedDevices(chosen, totals));
    },
  );

  app.get<{ Querystring: Type.Static<typeof energyQuery> }>(
    `${paths.api}/fleet/energy`,
    describeRoute({
      tag: "Fleet",
      role: "viewer",
      summary: "Energy of many devices together",
      description:
        "Summed over the devices, by day, month or year of one time zone for all of them: `time_zone`, or the setting `site.time_zone`. Without a range: the last 30 days, 12 months or 9 years.",
      querystring: energyQuery,
      answer: fleetEnergySchema,
      errors: [404],
      timeoutMs: queryMsMax,
    }),
    async (request, reply) => {
      const { query, signal } = request;
      const nowMs = clock.wallMs();
      const edgesMs = readEnergyEdges(query, query.per, nowMs, timeZone);
      if ("code" in edgesMs) return sendRefusal(reply, edgesMs);
      const chosen = selectDevices(parts, request, query);
      if ("code" in chosen) return sendRefusal(reply, chosen);
      const range = { fromMs: edgesMs[0] ?? 0, toMs: edgesMs.at(-1) ?? 0 };
      const deviceDays = (chosen.length * (Math.min(range.toMs, nowMs) - range.fromMs)) / dayMs;
      if (deviceDays > coarseDeviceDaysMax) return sendRefusal(reply, tooManyDeviceDays(deviceDays));
      const sum = new FleetEnergySum(edgesMs, nowMs);
      for (let first = 0; first < chosen.length; first += devicesAtOnce) {
        const some = chosen.slice(first, first + devicesAtOnce);
        const answers = some.map((device) => past.energy(device, { edgesMs, signal }));
        for (const energy of await Promise.all(answers)) sum.add(energy);
      }
      noteCaching(reply, range, nowMs);
      return sum.body({ timeZone: query.time_zone ?? timeZone, per: query.per });
    },
  );
}

function tooManyDeviceDays(deviceDays: number) {
  return refuse(
    "too_much",
    `Devices times days may be ${coarseDeviceDaysMax}; here they are ${Math.ceil(deviceDays)}. Ask for fewer devices or days.`,
  );
}
