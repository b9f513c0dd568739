import { existsSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { fileURLToPath } from "node:url";
import fastifyStatic from "@fastify/static";
import { type FastifyInstance, fastify } from "fastify";
import type { Registry as MetricsRegistry } from "prom-client";
import type { Health } from "../observe/health.ts";
import type { Throttle } from "../observe/throttle.ts";
import { guard } from "./access-guard.ts";
import { type ApiParts, registerApi } from "./api.ts";
import { registerAuditApi } from "./audit-api.ts";
import { type BackupParts, registerBackupApi } from "./backup-api.ts";
import { type CommandParts, registerCommandsApi } from "./commands-api.ts";
import { registerExportApi } from "./export-api.ts";
import { brakeGuesses } from "./guess-brake.ts";
import { registerImportApi } from "./import-api.ts";
import { serveOpenApi } from "./openapi.ts";
import { type PeopleParts, registerPeopleApi } from "./people-api.ts";
import { answerWithProblem } from "./problem.ts";
import { takeTurns } from "./request-turns.ts";
import { secureAnswers } from "./security-headers.ts";
import { registerShareApi } from "./share-api.ts";
import { registerSignInApi } from "./sign-in-api.ts";
import { registerSmartOsApi, type SmartOsParts } from "./smart-os-api.ts";
import { registerStoreApi } from "./store-api.ts";

export interface HttpLimits {
  readonly handshakeMsMax: number;
  readonly socketsMax: number;
}

/** Certificate and key, as PEM. */
export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface HttpParts extends ApiParts, BackupParts, CommandParts, PeopleParts, SmartOsParts {
  readonly metrics: MetricsRegistry;
  readonly health: Health;
  readonly throttle: Throttle;
}

/** The built page, beside this package's `dist/` and `src/`. */
const pageFolder = fileURLToPath(new URL("../../public", import.meta.url));

/** The page's own addresses, which are routed in the browser. */
const pagePaths = ["/devices/*", "/sign-in", "/welcome", "/share", "/people", "/account", "/audit"];

/** Everything that is plain HTTP: the page, the API, health and metrics. Its server carries the WebSocket doors as well. */
export async function createHttpDoor(
  parts: HttpParts,
  limits: HttpLimits,
  tls: TlsFiles | null,
): Promise<FastifyInstance> {
  const serverOptions = {
    // Idle keep-alive sockets go after this; it must be longer than a proxy keeps them.
    keepAliveTimeout: 72_000,
    requestTimeout: limits.handshakeMsMax,
    maxHeaderSize: 8 * 1024,
    headersTimeout: limits.handshakeMsMax,
    connectionsCheckingInterval: Math.min(1_000, limits.handshakeMsMax),
    // An offer of another protocol (curl and Java offer h2c) is no handshake: it is answered as the plain request that it also is.
    shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === "websocket",
  };
  const app: FastifyInstance = fastify({
    logger: false,
    bodyLimit: 64 * 1024,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
    serverFactory: (handle) => {
      const listener = brakeGuesses(takeTurns(handle), parts);
      if (tls === null) return createHttpServer(serverOptions, listener);
      return createHttpsServer({ ...serverOptions, ...tls, minVersion: "TLSv1.2" }, listener);
    },
  });
  app.server.maxConnections = limits.socketsMax;
  app.server.maxHeadersCount = 64;

  secureAnswers(app, { hasTls: tls !== null });
  const hasPage = existsSync(pageFolder);
  answerWithProblem(app, parts.log, parts.throttle, hasPage ? (reply) => reply.sendFile("index.html") : null);
  guard(app, parts);

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
  await app.register(async (api) => {
    await serveOpenApi(api);
    await registerApi(api, parts);
    registerSignInApi(api, parts);
    registerPeopleApi(api, parts);
    registerShareApi(api, parts);
    registerAuditApi(api, parts);
    registerCommandsApi(api, parts);
    registerSmartOsApi(api, parts);
    registerExportApi(api, parts);
    registerImportApi(api, parts);
    registerStoreApi(api, parts);
    registerBackupApi(api, parts);
  });

  if (hasPage) {
    await app.register(fastifyStatic, {
      root: pageFolder,
      // The build puts a brotli and a gzip file beside each text.
      preCompressed: true,
      setHeaders(reply, path) {
        // Built files carry a hash in their name; the page itself must be asked for anew.
        reply.header("Cache-Control", path.includes("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
      },
    });
    for (const path of pagePaths) app.get(path, (_request, reply) => reply.sendFile("index.html"));
  }
  return app;
}
