import type { FastifyInstance } from "fastify";
import { onAnswerEnd } from "./answer-end.ts";
import type { AuthorizationWatch } from "./authorization-watch.ts";

/** Answers that are streamed, such as exports, backups and the progress of long tasks, break off when whoever asked has the rights no longer. */
export function watchDownloads(app: FastifyInstance, rightsWatch: AuthorizationWatch): void {
  app.addHook("onSend", async ({ principal }, reply, payload) => {
    const isStream = typeof payload === "object" && payload !== null && "pipe" in payload;
    if (principal === null || !isStream) return payload;
    const answer = { close: () => void reply.raw.destroy() };
    rightsWatch.add(answer, principal);
    onAnswerEnd(reply.raw, () => rightsWatch.remove(answer));
    return payload;
  });
}
