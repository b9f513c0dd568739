import { Readable, Transform } from "node:stream";
import { isDeviceId, paths, type Refusal, refuse } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { isTimeZone } from "../base/time-zone.ts";
import { auditedTask } from "../http/access-guard.ts";
import { allowUpload } from "../http/body-deadline.ts";
import { defineRoute } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import { longTaskMsMax, progressWords, sendProgress } from "../http/progress-stream.ts";
import { parseMappings } from "../transfer/csv-columns.ts";
import type { CsvOptions } from "../transfer/import/csv-import.ts";
import { isEncoding } from "../transfer/import/decode-text.ts";
import { importUpload } from "../transfer/import/import-upload.ts";
import { compileTimeFormat } from "../transfer/import/time-format.ts";
import { parseUtcOffset } from "../transfer/utc-offset.ts";
import type { ArchiveParts } from "./archive-parts.ts";

const manyTexts = (description: string) =>
  Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())], { description }));

const querySchema = Type.Object(
  {
    dry_run: Type.Optional(Type.Boolean({ description: "Only look: nothing is stored, and the preview is answered." })),
    device: Type.Optional(Type.String({ description: "The device of all rows. Absent: the column `device_id`." })),
    time: Type.Optional(
      Type.String({ description: "The column of the time, `Date + Time` for two. Absent: `observed_at`." }),
    ),
    map: manyTexts(
      "`Grid power [kW]=grid.power*1000`; may be given again. Absent: each column is a point of its name.",
    ),
    where: manyTexts("`sensor=grid`: only such rows; may be given again."),
    time_format: Type.Optional(Type.String({ description: "`DD.MM.YYYY HH:mm`, `epoch-ms`, `excel`, …" })),
    time_zone: Type.Optional(Type.String({ description: "What local times are meant in, such as `Europe/Vienna`." })),
    utc_offset: Type.Optional(Type.String({ description: "The same where clocks are never set: `+01:00`." })),
    encoding: Type.Optional(Type.String({ description: "Absent: found out." })),
    header_line: Type.Optional(Type.Integer({ minimum: 1, maximum: 999_999, description: "Absent: found out." })),
    separator: Type.Optional(Type.String({ minLength: 1, maxLength: 1, description: "Absent: found out." })),
    decimal_comma: Type.Optional(Type.Boolean({ description: "Numbers are written as 12,5." })),
    thousands: Type.Optional(Type.String({ minLength: 1, maxLength: 1, description: "`,` for 1,234." })),
    null: manyTexts("Also stands for no value; may be given again."),
  },
  { additionalProperties: false },
);
type Query = Type.Static<typeof querySchema>;

/** Of one file: some years of samples, one a minute. */
const fileBytesMax = 256 * 1024 * 1024;

/**
 * `POST /api/v1/import/csv`: a CSV as the body, read as the query says. With `dry_run` it is only looked at; the same file is sent again to store
 * it. One after the other.
 */
export function registerCsvImportApi(
  app: FastifyInstance,
  parts: Pick<ArchiveParts, "audit" | "clock" | "devices" | "authorizer" | "store" | "log">,
): void {
  const { clock, devices, log, store } = parts;
  let isRunning = false;

  app.register(async (scope) => {
    // The body is not read here, but by the thread of the import.
    scope.addContentTypeParser(["text/csv", "application/octet-stream"], (_request, body, done) => done(null, body));

    scope.post<{ Querystring: Query; Body: Readable }>(
      `${paths.api}/import/csv`,
      defineRoute({
        tag: "Archive",
        role: "admin",
        summary: "Bring history along from a CSV",
        description: `The body is the file (\`text/csv\`), at most ${fileBytesMax / 1024 / 1024} MiB. First with \`dry_run=true\`: the result's \`preview\` says what was understood of it, columns, first and last time, and what is left out and why; then without, to store it. What is stored already is not doubled. ${progressWords}`,
        querystring: querySchema,
        answer: ["application/x-ndjson"],
        errors: [404, 413, 415, 429],
        timeoutMs: longTaskMsMax,
      }),
      async (request, reply) => {
        const { body } = request;
        if (!(body instanceof Readable)) {
          return sendRefusal(reply, refuse("invalid_request", "The body must be a CSV, its type text/csv."));
        }
        const nowMs = clock.wallMs();
        const options = readOptions(request.query, nowMs);
        if ("code" in options) return sendRefusal(reply, options);
        const { deviceId } = options;
        if (deviceId !== undefined && devices.find(deviceId) === undefined)
          return sendRefusal(reply, refuse("unknown_device", `It is ${deviceId}.`));
        const bytesInAll = Number(request.headers["content-length"] ?? 0);
        if (bytesInAll > fileBytesMax) return sendRefusal(reply, tooLarge());
        if (isRunning) return sendRefusal(reply, refuse("busy"));
        isRunning = true;
        allowUpload(request.raw);
        const { dry_run: isDryRun = false } = request.query;
        const deviceIds = deviceId === undefined ? [...devices.ids()] : [deviceId];
        return sendProgress(reply, { clock, log }, async (progress, signal) => {
          try {
            const counted = countBytes((bytes) => progress(bytesInAll === 0 ? 0 : bytes / bytesInAll));
            body.on("error", (error) => counted.destroy(error)).pipe(counted);
            const setup = { options, deviceIds, nowMs, isDryRun };
            const registrationOf = (each: string) => devices.registrationOf(each);
            const act = () => importUpload(store, registrationOf, clock, counted, setup, signal);
            const entry = { action: "import", deviceId: deviceId ?? null, detail: { file: "csv" } };
            const result = isDryRun ? await act() : await auditedTask(parts, request, entry, act);
            return "code" in result ? { problem: result } : result;
          } finally {
            isRunning = false;
          }
        });
      },
    );
  });
}

function tooLarge(): Refusal {
  return refuse("invalid_request", `A file may have ${fileBytesMax} bytes. Part it, or use the command line.`);
}

/** Passes a file on, tells how much of it has come, and ends where it is too large. */
function countBytes(onBytes: (bytes: number) => void): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      onBytes(bytes);
      if (bytes > fileBytesMax) done(new Error(tooLarge().message));
      else done(null, chunk);
    },
  });
}

/** The query as options, or what is wrong with it. */
function readOptions(query: Query, nowMs: number): CsvOptions | Refusal {
  const invalid = (detail: string): Refusal => refuse("invalid_request", detail);
  const { device, time_format: timeFormat, time_zone: timeZone, utc_offset: utcOffset, encoding } = query;
  if (device !== undefined && !isDeviceId(device)) return refuse("unknown_device");
  const mappings = query.map === undefined ? undefined : [query.map].flat().map(parseMappings);
  const faulty = mappings?.find((each) => typeof each === "string");
  if (faulty !== undefined) return invalid(`map: ${faulty}`);
  const where = query.where === undefined ? undefined : [query.where].flat().map((text) => text.split(/=(.*)/s, 2));
  if (where?.some(([column = "", value]) => column === "" || value === undefined))
    return invalid("where must look like sensor=grid.");
  const reader = timeFormat === undefined ? null : compileTimeFormat(timeFormat);
  if (typeof reader === "string") return invalid(`time_format: ${reader}`);
  if (timeZone !== undefined && utcOffset !== undefined) return invalid("Give time_zone or utc_offset, not both.");
  if (timeZone !== undefined && !isTimeZone(timeZone)) return invalid("time_zone must be an IANA name: Europe/Vienna.");
  const offsetMinutes = utcOffset === undefined ? undefined : parseUtcOffset(utcOffset);
  if (Number.isNaN(offsetMinutes)) return invalid("utc_offset must look like +01:00.");
  if (encoding !== undefined && !isEncoding(encoding)) return invalid("encoding must be such as windows-1252.");
  return {
    deviceId: device,
    timeColumn: query.time ?? "observed_at",
    timeFormat,
    timeZone,
    offsetMinutes,
    mappings: mappings?.flat() as CsvOptions["mappings"],
    where: where?.map(([column = "", value = ""]) => ({ column: column.trim(), value: value.trim() })),
    encoding,
    headerLine: query.header_line,
    separator: query.separator,
    decimalComma: query.decimal_comma,
    thousands: query.thousands,
    nulls: new Set([query.null ?? []].flat().map((word) => word.trim().toLowerCase())),
    receivedAtMs: nowMs,
  };
}
