import { paths, refuse } from "@wattboard/protocol";
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
});

const bodyBytesMax = 1024 * 1024;

/**
 * `POST /api/v1/import`: samples of the past, a JSON object a line (`application/x-ndjson`), at most a mebibyte a request; answered once they are
 * durable. All or nothing; one request after the other.
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
          const samples = await inTimeSlices(judgeLines(request.body, judge, nowMs));
          if ("code" in samples) return sendRefusal(reply, samples);
          const [deviceId = null, ...others] = new Set(samples.map((sample) => sample.deviceId));
          const entry = {
            action: "import",
            deviceId: others.length === 0 ? deviceId : null,
            detail: { samples: samples.length },
          };
          return await auditedTask(parts, request, entry, () =>
            importSamples(store, samples, (each) => devices.registrationOf(each), clock),
          );
        } finally {
          isRunning = false;
        }
      },
    );
  });
}
