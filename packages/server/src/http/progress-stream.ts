import { PassThrough } from "node:stream";
import { refuse } from "@wattboard/protocol";
import type { FastifyReply } from "fastify";
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Log } from "../observe/log.ts";
import { onAnswerEnd } from "./answer-end.ts";

/** What is long by its nature, a download or a task, may take so long. */
export const longTaskMsMax = 24 * 60 * 60_000;

/** What `sendProgress` answers, for whoever reads the document. */
export const progressWords =
  'Answered line by line: `{"share": 0.25}` now and then, at last the result, or `{"problem": {"code", "message"}}`.';

/** Even where nothing has moved: a proxy ends what is silent for long. */
const repeatMs = 5_000;
const stepMin = 0.001;

function problemOf(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Failure)) return refuse("internal");
  return { code: error.code === "audit_failed" ? "audit_unavailable" : "store_unavailable", message: error.message };
}

/**
 * Answers with what a long task does, line by line (`application/x-ndjson`): `{"share": 0.25}` now and then, at last its result or
 * `{"problem": {code, message}}`. When the client leaves, the signal tells the task.
 */
export function sendProgress(
  reply: FastifyReply,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  task: (progress: (share: number) => void, signal: AbortSignal) => Promise<object>,
): FastifyReply {
  const lines = new PassThrough();
  const left = new AbortController();
  let shown = 0;
  const write = (line: object): void => {
    if (!lines.writableEnded && !lines.destroyed) lines.write(`${JSON.stringify(line)}\n`);
  };
  write({ share: 0 });
  const cancelRepeat = clock.every(repeatMs, () => write({ share: shown }));
  const progress = (share: number): void => {
    if (share - shown < stepMin) return;
    shown = share;
    write({ share });
  };
  onAnswerEnd(reply.raw, () => left.abort(new Failure("request_failed", "The client has left.")));
  task(progress, left.signal)
    .then(write, (error: unknown) => {
      if (left.signal.aborted) return;
      log.error({ err: error }, "request failed");
      write({ problem: problemOf(error) });
    })
    .finally(() => {
      cancelRepeat();
      lines.end();
    });
  return reply.type("application/x-ndjson").send(lines);
}
