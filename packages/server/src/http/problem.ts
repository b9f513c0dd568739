import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { TLSSocket } from "node:tls";
import { type Problem, type Refusal, refusals, refuse } from "@wattboard/protocol";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { databaseFault } from "../base/database-file.ts";
import { Failure } from "../base/failure.ts";
import type { Log } from "../observe/log.ts";
import type { Throttle } from "../observe/throttle.ts";
import { securityHeaders } from "./security-headers.ts";

const problemType = "application/problem+json";

/** Answers with the refusal as a problem document (RFC 9457). */
export function sendRefusal(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const listed = refusals[refusal.code];
  return sendProblem(reply, "status" in listed ? listed.status : 400, refusal);
}

/**
 * Makes every error of the API a problem document, Fastify's own included. Where there is a page, a person who follows a link to nowhere gets it
 * by `sendPage`: it says that there is nothing, and what there is.
 */
export function answerWithProblem(
  app: FastifyInstance,
  log: Log,
  throttle: Throttle,
  sendPage: ((reply: FastifyReply) => FastifyReply) | null,
): void {
  app.setNotFoundHandler((request, reply) => {
    if (sendPage !== null && asksForPage(request)) return sendPage(reply.code(404));
    return sendNotFound(request, reply);
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const refused = refusedBy(error);
    if (refused !== null) return sendProblem(reply, refused.status, refused.refusal);
    if (error instanceof Failure && error.code === "store_busy") {
      return sendRefusal(reply.header("Retry-After", "1"), refuse("store_busy"));
    }
    if (error.code === "FST_ERR_HANDLER_TIMEOUT") return sendRefusal(reply, refuse("timeout"));
    // Who asked has left: nobody reads the answer, and nothing has failed.
    if (error.name === "AbortError" && request.signal.aborted) return sendRefusal(reply, refuse("timeout"));
    // What failed on our side tells the peer nothing of our inside; the log has it.
    const suppressed = throttle.pass("request failed");
    if (suppressed !== null) {
      const path = request.url.split("?", 1)[0];
      log.error({ err: error, method: request.method, path, suppressed }, "request failed");
    }
    const isUnwritten = databaseFault(error) !== null || (error instanceof Failure && error.code === "audit_failed");
    return error instanceof Failure || isUnwritten
      ? sendRefusal(reply.header("Retry-After", "5"), refuse(isUnwritten ? "audit_unavailable" : "store_unavailable"))
      : sendProblem(reply, 500, refuse("internal"));
  });
}

/**
 * As `answerWithProblem`, where whoever asks is in this very process: what fails is thrown to them as it is, also in the midst of an answer.
 */
export function answerInProcess(app: FastifyInstance): void {
  app.setNotFoundHandler(sendNotFound);
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const refused = refusedBy(error);
    if (refused !== null) return sendProblem(reply, refused.status, refused.refusal);
    reply.hijack();
    reply.raw.destroy(error);
  });
  app.addHook("onSend", async (_request, reply, payload) => {
    if (payload instanceof Readable) payload.once("error", (error) => reply.raw.destroy(error));
    return payload;
  });
}

function sendNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendRefusal(reply, refuse("not_found", `The path is ${request.url.split("?", 1)[0]}.`));
}

/** What is wrong with the request, by Fastify's judgement; null where it is not the request. */
function refusedBy(error: FastifyError): { readonly status: number; readonly refusal: Refusal } | null {
  if (error.validation !== undefined)
    return { status: 400, refusal: refuse("invalid_request", describeMismatch(error)) };
  const status = error.statusCode ?? 500;
  return status >= 500 ? null : { status, refusal: refuse("invalid_request", `${error.message}.`) };
}

/** What Fastify refuses before any hook: an address that cannot be read. */
export function answerUnrouted(error: FastifyError, reply: FastifyReply, hasTls: boolean): void {
  reply.headers(securityHeaders(hasTls));
  sendProblem(reply, error.statusCode ?? 400, refuse("invalid_request", `${error.message}.`));
}

/** What Node's parser refuses: no HTTP, headers too large, a request that takes too long. */
export function answerUnread(error: NodeJS.ErrnoException, socket: Socket): void {
  const [status, detail] = unreadable[error.code ?? ""] ?? [400, "It is no HTTP/1.1 that can be read."];
  if (error.code === "ECONNRESET" || !socket.writable) socket.destroy();
  else answerRaw(socket, status, refuse("invalid_request", detail));
}

const unreadable: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, "It took too long to come; see limits.handshake_ms."],
  HPE_HEADER_OVERFLOW: [431, "Its headers have more than 8 KiB."],
};

/** Answers where there is no response for the socket, not yet or not any more, and closes it. */
export function answerRaw(
  socket: Socket,
  status: number,
  refusal: Refusal,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(problemOf(status, refusal));
  const lines = Object.entries({
    ...securityHeaders(socket instanceof TLSSocket),
    ...headers,
    Connection: "close",
    "Content-Type": problemType,
    "Content-Length": String(Buffer.byteLength(body)),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  // A peer that does not read its refusal must not keep the socket.
  socket.once("finish", () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`);
}

/** Browsers ask for HTML by name; programs ask for JSON, or for anything. */
function asksForPage({ method, url, headers }: FastifyRequest): boolean {
  return method === "GET" && !url.startsWith("/api/") && headers.accept?.includes("text/html") === true;
}

/** Says 429 to a request that is not let in at all. */
export function answerEarly(
  request: IncomingMessage,
  response: ServerResponse,
  { code, message, retryAfterMs = 1_000 }: Refusal & { readonly retryAfterMs?: number },
): void {
  // Its body is not looked at, but must not stand before the next request of the same socket.
  request.resume();
  response.writeHead(429, {
    ...securityHeaders(request.socket instanceof TLSSocket),
    "Content-Type": problemType,
    "Retry-After": String(Math.ceil(retryAfterMs / 1_000)),
  });
  response.end(JSON.stringify(problemOf(429, { code, message })));
}

const partWords: Readonly<Record<string, string>> = { querystring: "the query", params: "the path", body: "the body" };

/** The first thing that does not fit a schema: where, and what is expected there. */
function describeMismatch({ validation, validationContext }: FastifyError): string {
  const [first] = validation ?? [];
  const part = partWords[validationContext ?? ""] ?? "the request";
  const field = (first?.instancePath ?? "").slice(1).replaceAll("/", ".");
  const params = (first?.params ?? {}) as { additionalProperty?: string; allowedValues?: readonly string[] };
  if (params.additionalProperty !== undefined) {
    return `There is no ${JSON.stringify(params.additionalProperty.slice(0, 80))} in ${part} here.`;
  }
  const choices = params.allowedValues === undefined ? "" : `: ${params.allowedValues.join(", ")}`;
  const place = field === "" ? `${part[0]?.toUpperCase()}${part.slice(1)}` : `In ${part}, ${field}`;
  return `${place} ${first?.message ?? "does not fit"}${choices}.`;
}

function sendProblem(reply: FastifyReply, status: number, refusal: Refusal): FastifyReply {
  return reply.code(status).type(problemType).send(problemOf(status, refusal));
}

function problemOf(status: number, { code, message }: Refusal): Problem {
  return { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail: message, code };
}
