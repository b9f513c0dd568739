import { paths } from "@wattboard/protocol";
import { asyncApi } from "@wattboard/protocol/asyncapi";
import type { FastifyInstance } from "fastify";

/** Serves the AsyncAPI document of the WebSocket doors, to whoever asks, as the OpenAPI document is. */
export function serveAsyncApi(app: FastifyInstance, basePath: string): void {
  // Written once: it is the same for all.
  const document = Buffer.from(JSON.stringify(asyncApi(basePath)));
  app.get(`${paths.api}/asyncapi.json`, { schema: { hide: true } }, (_, reply) =>
    reply.type("application/json; charset=utf-8").send(document),
  );
}
