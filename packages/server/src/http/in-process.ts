import { type FastifyInstance, fastify } from "fastify";
import { localPrincipal } from "../access/authorizer.ts";
import { judgeRequests } from "./define-route.ts";
import { answerInProcess } from "./problem.ts";

/** Ids of a whole fleet, as long as an argument of the command line may be. */
const bodyBytesMax = 1024 * 1024;

/**
 * An app that listens nowhere: its requests are handed to it (`inject`) by this very process. Whoever started that can open the data folder, and
 * so is an administrator.
 */
export function createInProcessApp(): FastifyInstance {
  const app = fastify({ logger: false, bodyLimit: bodyBytesMax, routerOptions: { maxParamLength: 8 * 1024 } });
  app.decorateRequest("principal", null);
  app.decorateRequest("caller", "");
  app.addHook("onRequest", async (request) => {
    request.principal = localPrincipal;
    request.caller = localPrincipal.name;
    // It came over no network: the audit has no address of it.
    Object.assign(request.raw.socket, { remoteAddress: "" });
  });
  answerInProcess(app);
  judgeRequests(app);
  return app;
}
