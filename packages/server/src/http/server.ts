import { createServer, type IncomingMessage } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import { paths, type Refusal, refuse, smartOsPaths } from "@wattboard/protocol";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import type { Registry as MetricsRegistry } from "prom-client";
import type { Authorizer } from "../access/authorizer.ts";
import type { SignIn } from "../access/sign-in.ts";
import type { Clock } from "../base/clock.ts";
import type { Health } from "../observe/health.ts";
import type { Log } from "../observe/log.ts";
import type { Throttle } from "../observe/throttle.ts";
import { guard } from "./access-guard.ts";
import type { AnswerBudget } from "./answer-budget.ts";
import { boundAnswers } from "./answer-flow.ts";
import type { AuthorizationWatch } from "./authorization-watch.ts";
import { mountAt } from "./base-path.ts";
import { boundBodies } from "./body-deadline.ts";
import { compressAnswers } from "./compressed-answers.ts";
import { brakeGuesses } from "./login-throttle.ts";
import { readPage, servePage } from "./page.ts";
import { answerRaw, answerUnread, answerUnrouted, answerWithProblem, sendRefusal } from "./problem.ts";
import { queueRequests } from "./request-queue.ts";
import { secureAnswers } from "./security-headers.ts";
import type { SocketBound } from "./socket-bound.ts";
import { watchDownloads } from "./watch-downloads.ts";

export interface HttpLimits {
  readonly handshakeMsMax: number;
  /** Who takes nothing of an answer for so long is cut off. */
  readonly stalledMs: number;
}

/** Certificate and key, as PEM, which new connections get: a reload puts others in their place. */
export interface TlsFiles {
  cert: Buffer;
  key: Buffer;
}

/** What the server itself needs; what its routes need is theirs. */
export interface HttpServices {
  readonly authorizer: Authorizer;
  /** Under which path everything is served: `/energy`; empty: at the root. */
  readonly basePath: string;
  readonly budget: AnswerBudget;
  readonly clock: Clock;
  readonly health: Health;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  /** Why a handshake in the place of this request would be refused; null where it would not be. */
  readonly refusalAtDoor: (request: IncomingMessage) => Refusal | null;
  readonly rightsWatch: AuthorizationWatch;
  readonly signIn: SignIn;
  readonly socketBound: SocketBound;
  readonly throttle: Throttle;
}

/**
 * Everything that is plain HTTP: the page, the API, health and metrics. Its server carries the WebSocket doors as well. Throws a `Failure`
 * (`invalid_config`) where the base path is an address of its own.
 */
export async function createHttpServer(
  services: HttpServices,
  limits: HttpLimits,
  tls: TlsFiles | null,
  registerApi: (app: FastifyInstance) => Promise<void>,
): Promise<FastifyInstance> {
  const serverOptions = {
    // Idle keep-alive sockets go after this; it must be longer than a proxy keeps them.
    keepAliveTimeout: 72_000,
    // `boundBodies` does it, so that a file may take longer.
    requestTimeout: 0,
    maxHeaderSize: 8 * 1024,
    headersTimeout: limits.handshakeMsMax,
    // `refuseOutright` judges the Host, of handshakes too, and answers in words.
    requireHostHeader: false,
    connectionsCheckingInterval: Math.min(1_000, limits.handshakeMsMax),
    // An offer of another protocol (curl and Java offer h2c) is no handshake: it is answered as the plain request that it also is.
    shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === "websocket",
  };
  const app: FastifyInstance = fastify({
    logger: false,
    bodyLimit: 64 * 1024,
    forceCloseConnections: true,
    // As long as a request's head may be: what is too long for an id is judged where ids are, the same with and without a page.
    routerOptions: { maxParamLength: 8 * 1024 },
    frameworkErrors: (error, _request, reply) => answerUnrouted(error, reply, tls !== null),
    clientErrorHandler: (error, socket) => answerUnread(error, socket),
    serverFactory: (handle) => {
      const guarded = boundBodies(brakeGuesses(queueRequests(handle), services), limits.handshakeMsMax, services.clock);
      const listener = services.socketBound.endAfterOne(guarded);
      if (tls === null) return createServer(serverOptions, listener);
      return createHttpsServer({ ...serverOptions, ...tls, minVersion: "TLSv1.2" }, listener);
    },
  });
  services.socketBound.attach(app.server, tls !== null);
  app.server.maxHeadersCount = 64;
  app.server.on("connect", (_request, socket) =>
    answerRaw(socket as Socket, 405, refuse("invalid_request", "CONNECT is for proxies, and this is none.")),
  );
  app.server.on("checkExpectation", ({ socket }) =>
    answerRaw(socket, 417, refuse("invalid_request", "Of Expect nothing but 100-continue is understood.")),
  );

  // Who says that JSON comes and sends nothing has sent no body; whether that will do is the route's matter.
  const parseJson = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser<string>("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body === "") done(null, undefined);
    else parseJson(request, body, done);
  });
  secureAnswers(app, { hasTls: tls !== null });
  const assertBaseFits = mountAt(app, services.basePath);
  const sendPage = readPage(services.basePath);
  answerWithProblem(app, services.log, services.throttle, sendPage);
  guard(app, services);
  compressAnswers(app, services);
  boundAnswers(app, { ...services, stalledMs: limits.stalledMs });
  watchDownloads(app, services.rightsWatch);

  // Handshakes do not come here: these are the plain requests of who took a door for a page, and of pages that ask why they were not let in.
  for (const path of [
    `${paths.device}*`,
    `${paths.dashboard}*`,
    paths.fleet,
    smartOsPaths.update,
    smartOsPaths.client,
  ]) {
    for (const url of new Set([path, path.replace(/\/$/, "")])) {
      app.get(url, ({ raw }, reply) => {
        // The answer says no more than the handshake's, and pages of other sites have to read it.
        reply.headers({ Upgrade: "websocket", "Access-Control-Allow-Origin": "*" });
        return sendRefusal(reply, services.refusalAtDoor(raw) ?? refuse("upgrade_required"));
      });
    }
  }
  app.get("/livez", () => ({ status: "alive" }));
  app.get("/readyz", (_request, reply) => {
    const report = services.health.report();
    // Degraded still serves live data: taking the server out of rotation would only make it worse.
    reply.code(report.status === "ready" || report.status === "degraded" ? 200 : 503);
    return report;
  });
  app.get("/metrics", async (request, reply) => {
    if (!services.authorizer.mayViewMetrics(request.raw, request.principal)) return refuseMetrics(request, reply);
    reply.type(services.metrics.contentType);
    return services.metrics.metrics();
  });
  await app.register(registerApi);

  if (sendPage !== null) await servePage(app, sendPage);
  assertBaseFits();
  return app;
}

function refuseMetrics({ principal }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const needed = "Needed here: an API token for all devices (role viewer), or an address in access.metrics_from.";
  if (principal !== null) return sendRefusal(reply, refuse("not_permitted", needed));
  return sendRefusal(reply.header("WWW-Authenticate", "Bearer"), refuse("unauthorized", needed));
}
