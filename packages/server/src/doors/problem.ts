import { STATUS_CODES } from "node:http";
import { type Problem, type Refusal, refusals, refuse } from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply } from "fastify";
import { Failure } from "../base/failure.ts";
import type { Log } from "../observe/log.ts";
import type { Throttle } from "../observe/throttle.ts";

/** Answers with the refusal as a problem document (RFC 9457). */
export function sendRefusal(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const listed = refusals[refusal.code];
  return sendProblem(reply, "status" in listed ? listed.status : 400, refusal);
}

/** Makes every error of the API a problem document, Fastify's own included. */
export function answerWithProblem(app: FastifyInstance, log: Log, throttle: Throttle): void {
  app.setNotFoundHandler((request, reply) =>
    sendRefusal(reply, refuse("not_found", `The path is ${request.url.split("?", 1)[0]}.`)),
  );
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    // What failed on our side tells the peer nothing of our inside; the log has it.
    if (status >= 500) {
      const suppressed = throttle.pass("request failed");
      if (suppressed !== null) {
        const path = request.url.split("?", 1)[0];
        log.error({ err: error, method: request.method, path, suppressed }, "request failed");
      }
      return error instanceof Failure
        ? sendRefusal(reply, refuse(error.code === "audit_failed" ? "not_recorded" : "store_unavailable"))
        : sendProblem(reply, 500, refuse("internal"));
    }
    return sendProblem(reply, status, refuse("invalid_request", `${error.message}.`));
  });
}

function sendProblem(reply: FastifyReply, status: number, { code, message }: Refusal): FastifyReply {
  const problem: Problem = {
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail: message,
    code,
  };
  return reply.code(status).type("application/problem+json").send(problem);
}
