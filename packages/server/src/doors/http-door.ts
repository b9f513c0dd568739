import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import helmet from "@fastify/helmet";
import fastifyStatic from "@fastify/static";
import { refuse } from "@wattboard/protocol";
import { type FastifyInstance, fastify } from "fastify";
import type { Registry as MetricsRegistry } from "prom-client";
import type { Health } from "../observe/health.ts";
import type { Throttle } from "../observe/throttle.ts";
import { type ApiParts, registerApi } from "./api.ts";
import { serveOpenApi } from "./openapi.ts";
import { answerWithProblem, sendRefusal } from "./problem.ts";

export interface HttpLimits {
  readonly handshakeMsMax: number;
  readonly queryMsMax: number;
  readonly socketsMax: number;
}

export interface HttpParts extends ApiParts {
  readonly metrics: MetricsRegistry;
  readonly health: Health;
  readonly throttle: Throttle;
}

/** The built page, beside this package's `dist/` and `src/`. */
const pageFolder = fileURLToPath(new URL("../../public", import.meta.url));

/** Everything that is plain HTTP: the page, the API, health and metrics. Its server carries the WebSocket doors as well. */
export async function createHttpDoor(parts: HttpParts, limits: HttpLimits): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: 64 * 1024,
    // A number where a text belongs is a mistake, not a text: a token must not lose its last digits.
    ajv: { customOptions: { coerceTypes: false } },
    // Idle keep-alive sockets go after this; it must be longer than a proxy keeps them.
    keepAliveTimeout: 72_000,
    requestTimeout: limits.handshakeMsMax,
    handlerTimeout: limits.queryMsMax,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
    http: {
      maxHeaderSize: 8 * 1024,
      headersTimeout: limits.handshakeMsMax,
      connectionsCheckingInterval: Math.min(1_000, limits.handshakeMsMax),
      // An offer of another protocol (curl and Java offer h2c) is no handshake: it is answered as the plain request that it also is.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
    },
  });
  app.server.maxConnections = limits.socketsMax;
  app.server.maxHeadersCount = 64;

  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        imgSrc: ["'self'", "data:"],
        objectSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
      },
    },
    // Without TLS these would lock people out or warn for nothing; a proxy with TLS sets them.
    strictTransportSecurity: false,
    originAgentCluster: false,
    crossOriginOpenerPolicy: false,
  });
  answerWithProblem(app, parts.log, parts.throttle);
  app.addHook("onRequest", async (request, reply) => {
    if (parts.gate.isHostAllowed(request.headers.host)) return;
    await sendRefusal(
      reply,
      refuse(
        "forbidden",
        "This server listens on loopback only. To reach it by another name, list its origin in access.origins.",
      ),
    );
  });

  app.get("/livez", () => ({ status: "alive" }));
  app.get("/readyz", (_request, reply) => {
    const report = parts.health.report();
    // Degraded still serves live data: taking the server out of rotation would only make it worse.
    reply.code(report.status === "ready" || report.status === "degraded" ? 200 : 503);
    return report;
  });
  app.get("/metrics", async (_request, reply) => {
    reply.type(parts.metrics.contentType);
    return parts.metrics.metrics();
  });
  await app.register(async (scope) => {
    await serveOpenApi(scope);
    await registerApi(scope, parts);
  });

  if (existsSync(pageFolder)) {
    await app.register(fastifyStatic, {
      root: pageFolder,
      setHeaders(reply, path) {
        // Built files carry a hash in their name; the page itself must be asked for anew.
        reply.header("Cache-Control", path.includes("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
      },
    });
    // The page's own addresses, such as /devices/ems_001, are routed in the browser.
    app.get("/devices/*", (_request, reply) => reply.sendFile("index.html"));
  }
  return app;
}
