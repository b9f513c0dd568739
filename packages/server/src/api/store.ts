import { paths, refuse, renewalSchema } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import { auditedTask } from "../http/access-guard.ts";
import { onAnswerEnd } from "../http/answer-end.ts";
import { defineRoute } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import { longTaskMsMax, progressWords, sendProgress } from "../http/progress-stream.ts";
import { storeInfoBody, storeInfoSchema } from "../transfer/store-info.ts";
import type { ArchiveParts } from "./archive-parts.ts";

export interface RenewalParts {
  readonly storeWatch: { readonly renewedShare: number };
}

/** How far the store is with its summaries, for whoever looks at what is made of them. It costs nothing, unlike all else that the store is asked. */
export function registerRenewalApi(app: FastifyInstance, { storeWatch }: RenewalParts): void {
  app.get(
    `${paths.api}/store/renewal`,
    defineRoute({
      tag: "Archive",
      role: "viewer",
      summary: "How far the summaries are that are made anew",
      answer: renewalSchema,
    }),
    () => ({ renewed_share: storeWatch.renewedShare }),
  );
}

/** `/api/v1/store`: what is kept, and whether it can all be read. */
export function registerStoreApi(app: FastifyInstance, parts: ArchiveParts): void {
  const { authorizer, store } = parts;
  /** Verifying reads everything, and a repair more than that: one at a time. */
  let isBusy = false;

  app.get(
    `${paths.api}/store`,
    defineRoute({
      tag: "Archive",
      role: "viewer",
      summary: "What is kept: how much, from when to when, and gaps",
      answer: storeInfoSchema,
    }),
    async (request, reply) => {
      // What is kept of all devices together is told to who may see them all.
      if (!authorizer.mayViewAll(request.principal))
        return sendRefusal(reply, refuse("not_permitted", "It is about all devices."));
      const left = new AbortController();
      onAnswerEnd(reply.raw, () => left.abort());
      return storeInfoBody(store.description, await store.info(left.signal));
    },
  );

  app.get(
    `${paths.api}/store/verify`,
    defineRoute({
      tag: "Archive",
      role: "admin",
      summary: "Read everything that is kept, and name what is damaged",
      description: `${progressWords} The result is \`{"faults": [what is damaged, …], "unchecked": rows from before there were checksums}\`.`,
      answer: ["application/x-ndjson"],
      errors: [429],
      timeoutMs: longTaskMsMax,
    }),
    (request, reply) => {
      if (isBusy) return sendRefusal(reply, refuse("busy"));
      isBusy = true;
      return sendProgress(reply, parts, async (progress, signal) => {
        try {
          return await auditedTask(parts, request, { action: "store.verify" }, () => store.verify(progress, signal));
        } finally {
          isBusy = false;
        }
      });
    },
  );

  app.post(
    `${paths.api}/store/repair`,
    defineRoute({
      tag: "Archive",
      role: "admin",
      summary: "Drop what cannot be read of what is kept, and make anew what can be made from the rest",
      description: `${progressWords} The result is \`{"repaired": [what was done, …]}\`.`,
      answer: ["application/x-ndjson"],
      errors: [429],
      timeoutMs: longTaskMsMax,
    }),
    (request, reply) => {
      if (isBusy) return sendRefusal(reply, refuse("busy"));
      isBusy = true;
      // Whoever leaves does not end it: half a repair helps nobody.
      return sendProgress(reply, parts, async (progress) => {
        try {
          return {
            repaired: await auditedTask(parts, request, { action: "store.repair" }, () => store.repair(progress)),
          };
        } finally {
          isBusy = false;
        }
      });
    },
  );
}
