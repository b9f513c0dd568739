import { setImmediate } from "node:timers/promises";
import { parseRfc3339, paths, type Refusal, refuse } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { Compile } from "typebox/compile";
import { ImportJudge, type ImportSample, type JudgedSample } from "../archive/import-sample.ts";
import { importSamples } from "../archive/importer.ts";
import { auditedTask } from "./access-guard.ts";
import type { ApiParts } from "./api.ts";
import { describeRoute } from "./openapi.ts";
import { sendRefusal } from "./problem.ts";
import { longTaskMsMax } from "./progress-stream.ts";

/** One line of the body. */
const lineSchema = Type.Object(
  {
    device_id: Type.String(),
    observed_at: Type.String(),
    received_at: Type.Optional(Type.String()),
    points: Type.Record(
      Type.String(),
      Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null(), Type.Array(Type.String())]),
    ),
  },
  { additionalProperties: false },
);
const lineValidator = Compile(lineSchema);
const answerSchema = Type.Object({
  stored: Type.Integer({ description: "New samples; they are durable." }),
  known: Type.Integer({ description: "Samples of a device and a time that the store has already." }),
});

const bodyBytesMax = 1024 * 1024;
/** Lines judged in one turn of the event loop, which also carries live samples. */
const linesPerTurn = 100;

/**
 * `POST /api/v1/import`: samples of the past, a JSON object a line (`application/x-ndjson`), at most a mebibyte a request; answered once they are
 * durable. All or nothing; one request after the other.
 */
export function registerImportApi(
  app: FastifyInstance,
  parts: Pick<ApiParts, "audit" | "clock" | "devices" | "gate" | "store">,
): void {
  const { clock, devices, store } = parts;
  let isRunning = false;

  app.register(async (scope) => {
    const options = { parseAs: "string", bodyLimit: bodyBytesMax } as const;
    scope.addContentTypeParser("application/x-ndjson", options, (_request, body, done) => done(null, body));

    scope.post<{ Body: string }>(
      `${paths.api}/import`,
      describeRoute({
        tag: "Archive",
        role: "admin",
        summary: "Bring samples of the past along",
        description:
          'The body is `application/x-ndjson`, at most 1 MiB, a sample a line: `{"device_id":"ems_001","observed_at":"2026-01-31T12:00:00Z","points":{"grid.power":-200}}`. All or nothing; answered once all are durable.',
        answer: answerSchema,
        errors: [404, 413, 415, 429],
        timeoutMs: longTaskMsMax,
      }),
      async (request, reply) => {
        if (typeof request.body !== "string") {
          return sendRefusal(reply, refuse("invalid_request", "The body's type must be application/x-ndjson."));
        }
        if (isRunning) return sendRefusal(reply, refuse("busy"));
        isRunning = true;
        try {
          const nowMs = clock.wallMs();
          const judge = new ImportJudge(nowMs, (deviceId) => devices.find(deviceId) !== undefined);
          const samples: JudgedSample[] = [];
          for (const [index, line] of request.body.split("\n").entries()) {
            if (index % linesPerTurn === linesPerTurn - 1) await setImmediate();
            if (line.trim() === "") continue;
            const sample = readLine(line, nowMs);
            const judged = "code" in sample ? sample : judge.judge(sample);
            if ("code" in judged) {
              return sendRefusal(reply, { ...judged, message: `Line ${index + 1}: ${judged.message}` });
            }
            samples.push(judged);
          }
          const [deviceId = null, ...others] = new Set(samples.map((sample) => sample.deviceId));
          const entry = {
            action: "import",
            deviceId: others.length === 0 ? deviceId : null,
            detail: { samples: samples.length },
          };
          return await auditedTask(parts, request, entry, () => importSamples(store, samples));
        } finally {
          isRunning = false;
        }
      },
    );
  });
}

function readLine(line: string, nowMs: number): ImportSample | Refusal {
  let body: unknown;
  try {
    body = JSON.parse(line);
  } catch {
    return refuse("invalid_json");
  }
  if (!lineValidator.Check(body)) {
    const [error] = lineValidator.Errors(body);
    return refuse("invalid_schema", `${error?.instancePath || "The line"} ${error?.message}.`);
  }
  const { device_id: deviceId, observed_at: observedAt, received_at: receivedAt, points } = body;
  const observedAtMs = parseRfc3339(observedAt);
  const receivedAtMs = receivedAt === undefined ? nowMs : parseRfc3339(receivedAt);
  if (Number.isNaN(observedAtMs) || Number.isNaN(receivedAtMs)) return refuse("invalid_timestamp");
  return { deviceId, observedAtMs, receivedAtMs, points };
}
