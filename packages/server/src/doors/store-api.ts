import { paths, refuse } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import { storeInfoBody } from "../archive/store-info.ts";
import { type ApiParts, requireRole } from "./api.ts";
import { sendRefusal } from "./problem.ts";
import { sendProgress } from "./progress-stream.ts";

/** `/api/v1/store`: what is kept, and whether it can all be read. */
export function registerStoreApi(app: FastifyInstance, parts: Pick<ApiParts, "gate" | "log" | "store">): void {
  const { gate, log, store } = parts;
  let isVerifying = false;

  app.get(`${paths.api}/store`, { onRequest: requireRole(gate, "viewer") }, async (_request, reply) => {
    const left = new AbortController();
    reply.raw.once("close", () => left.abort());
    return storeInfoBody(store.description, await store.info(left.signal));
  });

  app.get(`${paths.api}/store/verify`, { onRequest: requireRole(gate, "admin") }, (_request, reply) => {
    if (isVerifying) return sendRefusal(reply, refuse("busy"));
    isVerifying = true;
    return sendProgress(reply, log, async (progress, signal) => {
      try {
        return { faults: await store.verify(progress, signal) };
      } finally {
        isVerifying = false;
      }
    });
  });
}
