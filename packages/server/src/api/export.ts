import { Readable } from "node:stream";
import { type ExportsBody, exportsSchema, paths, refuse } from "@wattboard/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import Type from "typebox";
import { addressPrefix } from "../access/address-prefix.ts";
import { hasRole } from "../access/principal.ts";
import { parseTime, timeForms } from "../base/parse-time.ts";
import { startingWith } from "../base/starting-with.ts";
import { readTimeZone } from "../history/range.ts";
import { auditName } from "../http/access-guard.ts";
import { onAnswerEnd } from "../http/answer-end.ts";
import { slicesOf } from "../http/answer-flow.ts";
import { defineRoute } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import { longTaskMsMax } from "../http/progress-stream.ts";
import { contentTypes, leftOutTrailer, openExport } from "../transfer/export/export.ts";
import { exportEndMs, exportFormats } from "../transfer/export/export-query.ts";
import { isPointName } from "../transfer/import/point-name.ts";
import type { ArchiveParts } from "./archive-parts.ts";
import { ExportLog, exportBody, type LoggedExport } from "./export-log.ts";

const querySchema = Type.Object(
  {
    device: Type.Optional(
      Type.Union([Type.String(), Type.Array(Type.String())], { description: "A device's id; may be given again." }),
    ),
    all: Type.Optional(Type.Literal("true", { description: "Every device that you may see." })),
    from: Type.Optional(
      Type.String({ description: `By measured time, from then on: ${timeForms}. Absent: the first.` }),
    ),
    to: Type.Optional(Type.String({ description: "Until before then. Absent: all, also of clocks that are ahead." })),
    time_zone: Type.Optional(
      Type.String({
        description: "IANA name of the time zone in which days begin. Absent: the setting `site.time_zone`.",
        examples: ["Europe/Vienna"],
      }),
    ),
    points: Type.Optional(
      Type.String({ description: "Only these points, with commas between them, and only samples with one of them." }),
    ),
    start_device: Type.Optional(
      Type.String({
        description: "To go on with an export that was broken off: devices before this one are left out.",
      }),
    ),
    start_at: Type.Optional(
      Type.String({ description: "With start_device: its samples before this time are left out." }),
    ),
    format: Type.Optional(Type.Enum([...exportFormats], { description: "Absent: csv." })),
  },
  { additionalProperties: false },
);

/** Exports that run at once, all together and for one who asks; each holds a page of samples, or a row group. One more is refused. */
const exportsMax = 6;
const exportsMaxEach = 2;
/** Of the trailer: clients bound headers, and trailers with them. */
const leftOutBytesMax = 4_000;

/** `GET /api/v1/export`: raw samples as a file, streamed at the client's speed; `/exports`: how far those are. */
export function registerExportApi(app: FastifyInstance, parts: ArchiveParts): void {
  const { budget, clock, devices, authorizer, store } = parts;
  const log = new ExportLog(clock);
  const requesterOf = ({ principal, raw }: FastifyRequest): string =>
    `${auditName(principal)} ${addressPrefix(authorizer.addressOf(raw))}`;

  app.get(
    `${paths.api}/exports`,
    defineRoute({
      tag: "Archive",
      role: "viewer",
      summary: "Exports that run, and the newest fifty of those that have ended since the start",
      answer: exportsSchema,
    }),
    (request, reply): ExportsBody => {
      reply.header("Cache-Control", "no-store");
      const mine = hasRole(request.principal, "admin") ? undefined : requesterOf(request);
      return { exports: log.list(mine).map(exportBody) };
    },
  );

  app.get<{ Querystring: Type.Static<typeof querySchema> }>(
    `${paths.api}/export`,
    defineRoute({
      tag: "Archive",
      role: "viewer",
      summary: "Raw samples as a file",
      description: `Streamed at the client's speed; who takes nothing for a while (\`answers.stalled_ms\`) is cut off. What cannot be read of the store is left out, and named in the trailer \`${leftOutTrailer}\`, "; " between.`,
      querystring: querySchema,
      answer: Object.values(contentTypes).map((type) => type.split(";", 1)[0] as string),
      errors: [404, 429],
      timeoutMs: longTaskMsMax,
    }),
    async (request, reply) => {
      const { device = [], all, from, to, points: pointList, format = "csv" } = request.query;
      const invalid = (detail: string) => sendRefusal(reply, refuse("invalid_request", detail));
      const asked = [device].flat();
      if ((asked.length === 0) === (all === undefined)) return invalid("Give device=ID, once for each, or all=true.");
      const isVisible = (id: string): boolean =>
        authorizer.mayView(request.principal, id) && devices.find(id) !== undefined;
      const deviceIds = all === undefined ? [...new Set(asked)] : [...devices.ids()].filter(isVisible).sort();
      const unknown = deviceIds.find((id) => !isVisible(id));
      if (unknown !== undefined) {
        return sendRefusal(reply, refuse("unknown_device", `It is ${JSON.stringify(unknown.slice(0, 80))}.`));
      }
      const nowMs = clock.wallMs();
      const timeZone = readTimeZone(request.query, parts.timeZone);
      if (typeof timeZone !== "string") return sendRefusal(reply, timeZone);
      const fromMs = from === undefined ? 0 : parseTime(from, nowMs, timeZone);
      const toMs = to === undefined ? exportEndMs(nowMs) : parseTime(to, nowMs, timeZone);
      if (Number.isNaN(fromMs) || Number.isNaN(toMs)) return invalid(`from and to are each ${timeForms}.`);
      if (fromMs >= toMs) return invalid("from must be before to.");
      const points = pointList?.split(",").map((name) => name.trim());
      const misnamed = points?.find((name) => !isPointName(name));
      if (misnamed !== undefined)
        return invalid(`${JSON.stringify(misnamed)} is no name of a point; one is grid.power.`);
      const { start_device: startDevice, start_at: startAt } = request.query;
      const start =
        startDevice === undefined
          ? undefined
          : { deviceId: startDevice, fromMs: startAt === undefined ? fromMs : parseTime(startAt, nowMs, timeZone) };
      if (start !== undefined && (Number.isNaN(start.fromMs) || !deviceIds.includes(start.deviceId))) {
        return invalid(`start_device must be one of the devices, and start_at ${timeForms}.`);
      }
      const requester = requesterOf(request);
      if (log.runningCount() >= exportsMax || log.runningCount(requester) >= exportsMaxEach) {
        return sendRefusal(reply, refuse("busy"));
      }

      const [deviceId = null, ...others] = deviceIds;
      const about = { deviceCount: deviceIds.length, deviceId: others.length === 0 ? deviceId : null };
      const logged = log.begin({ requester, by: auditName(request.principal), ...about, format, fromMs, toMs });
      const left = new AbortController();
      onAnswerEnd(reply.raw, () => {
        log.end(logged);
        left.abort();
      });
      const pieces = await openExport(store, clock, {
        devices: deviceIds.map((deviceId) => ({ deviceId, registration: devices.registrationOf(deviceId) })),
        fromMs,
        toMs,
        points,
        format,
        start,
        signal: left.signal,
        onLeftOut(what) {
          logged.leftOut = trailerOf(what);
        },
      });
      reply.trailer(leftOutTrailer, (_reply, _payload, done) => done(null, logged.leftOut));
      // The first piece before the first header: what fails until then is answered as a problem.
      const first = await pieces.next().catch((error: unknown) => {
        logged.outcome = "failed";
        throw error;
      });
      const name = deviceIds.length === 1 ? `${deviceIds[0]}-` : "";
      const day = new Date(Math.min(toMs, nowMs)).toISOString().slice(0, 10);
      reply.header("Content-Disposition", `attachment; filename="wattboard-${name}${day}.${format}"`);
      reply.header("Cache-Control", "no-store");
      const hold = (bytes: number) => budget.hold(request.caller, bytes);
      const slices = loggedSlices(logged, countedSlices(startingWith(first, pieces), hold));
      return reply.type(contentTypes[format]).send(Readable.from(slices, { objectMode: false }));
    },
  );
}

/** The pieces in slices, each piece counted until the client has room for what follows it. */
async function* countedSlices(
  pieces: AsyncIterable<Uint8Array>,
  hold: (bytes: number) => () => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    const release = hold(piece.length);
    try {
      yield* slicesOf(piece);
    } finally {
      release();
    }
  }
}

/** Only what a header may hold. */
function trailerOf(what: readonly string[]): string {
  return what
    .join("; ")
    .replace(/[^ -~]/g, "?")
    .slice(0, leftOutBytesMax);
}

/** The slices, and in the log how much of them was taken and how they ended. */
async function* loggedSlices(logged: LoggedExport, slices: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for await (const slice of slices) {
      yield slice;
      logged.bytes += slice.length;
    }
    logged.outcome = "done";
  } catch (error) {
    // Whoever goes away ends the reading too, and has not seen it fail.
    if (logged.endedAtMs === null) logged.outcome = "failed";
    throw error;
  }
}
