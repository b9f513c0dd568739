import { isRefusal, paths, refuse } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { inTimeSlices } from "../base/time-slices.ts";
import { auditedTask } from "../http/access-guard.ts";
import { defineRoute } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import { longTaskMsMax } from "../http/progress-stream.ts";
import { ImportJudge } from "../transfer/import/import-sample.ts";
import { importSamples } from "../transfer/import/importer.ts";
import { judgeLines } from "../transfer/import-lines.ts";
import type { ArchiveParts } from "./archive-parts.ts";

const answerSchema = Type.Object({
  stored: Type.Integer({ description: "New samples; they are durable." }),
  known: Type.Integer({ description: "Samples of a device and a time that the store has already." }),
  values_left_out: Type.Integer({ description: "Values that did not fit; the rest of their samples is stored." }),
  left_out: Type.Array(Type.Object({ line: Type.Integer(), point: Type.String(), reason: Type.String() }), {
    description: "The first twenty of them",
  }),
});

const bodyBytesMax = 1024 * 1024;

/**
 * `POST /api/v1/import`: samples of the past, a JSON object a line (`application/x-ndjson`), at most a mebibyte a request; answered once they are
 * durable. All or nothing but for values that do not fit; one request after the other.
 */
export function registerImportApi(app: FastifyInstance, parts: ArchiveParts): void {
  const { clock, devices, store } = parts;
  let isRunning = false;

  app.register(async (scope) => {
    const options = { parseAs: "string", bodyLimit: bodyBytesMax } as const;
    scope.addContentTypeParser("application/x-ndjson", options, (_request, body, done) => done(null, body));

    scope.post<{ Body: string }>(
      `${paths.api}/import`,
      defineRoute({
        tag: "Archive",
        role: "admin",
        summary: "Bring samples of the past along",
        description:
          'The body is `application/x-ndjson`, at most 1 MiB, a sample a line: `{"device_id":"ems_001","observed_at":"2026-01-31T12:00:00Z","points":{"grid.power":-200}}`. All or nothing, answered once all are durable; but a value that does not fit costs itself alone, and is named.',
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
          const lines = await inTimeSlices(judgeLines(request.body, judge, nowMs));
          if (isRefusal(lines)) return sendRefusal(reply, lines);
          const { samples, valuesLeftOut, leftOut } = lines;
          const [deviceId = null, ...others] = new Set(samples.map((sample) => sample.deviceId));
          const entry = {
            action: "import",
            deviceId: others.length === 0 ? deviceId : null,
            detail: { samples: samples.length },
          };
          const imported = await auditedTask(parts, request, entry, () =>
            importSamples(store, samples, (each) => devices.registrationOf(each), clock),
          );
          return { ...imported, values_left_out: valuesLeftOut, left_out: leftOut };
        } finally {
          isRunning = false;
        }
      },
    );
  });
}
