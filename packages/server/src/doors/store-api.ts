import { paths, refuse } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import { storeInfoBody, storeInfoSchema } from "../archive/store-info.ts";
import { auditedTask } from "./access-guard.ts";
import type { ApiParts } from "./api.ts";
import { describeRoute } from "./openapi.ts";
import { sendRefusal } from "./problem.ts";
import { longTaskMsMax, progressWords, sendProgress } from "./progress-stream.ts";

/** `/api/v1/store`: what is kept, and whether it can all be read. */
export function registerStoreApi(
  app: FastifyInstance,
  parts: Pick<ApiParts, "audit" | "gate" | "log" | "store">,
): void {
  const { gate, log, store } = parts;
  let isVerifying = false;

  app.get(
    `${paths.api}/store`,
    describeRoute({
      tag: "Archive",
      role: "viewer",
      summary: "What is kept: how much, from when to when, and gaps",
      answer: storeInfoSchema,
    }),
    async (request, reply) => {
      // What is kept of all devices together is told to who may see them all.
      if (!gate.mayViewAll(request.principal))
        return sendRefusal(reply, refuse("not_permitted", "It is about all devices."));
      const left = new AbortController();
      reply.raw.once("close", () => left.abort());
      return storeInfoBody(store.description, await store.info(left.signal));
    },
  );

  app.get(
    `${paths.api}/store/verify`,
    describeRoute({
      tag: "Archive",
      role: "admin",
      summary: "Read everything that is kept, and name what is damaged",
      description: progressWords,
      answer: ["application/x-ndjson"],
      errors: [429],
      timeoutMs: longTaskMsMax,
    }),
    (request, reply) => {
      if (isVerifying) return sendRefusal(reply, refuse("busy"));
      isVerifying = true;
      return sendProgress(reply, log, async (progress, signal) => {
        try {
          return {
            faults: await auditedTask(parts, request, { action: "store.verify" }, () => store.verify(progress, signal)),
          };
        } finally {
          isVerifying = false;
        }
      });
    },
  );
}
