import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import helmet from "helmet";

/** Puts helmet's headers on every answer. */
export function secureAnswers(app: FastifyInstance, { hasTls }: { readonly hasTls: boolean }): void {
  const headers = securityHeaders(hasTls);
  app.addHook("onRequest", (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}

/** The headers of every answer. They are the same for all, so they are made once: for each request anew they would cost a third of the API's memory traffic. */
export function securityHeaders(hasTls: boolean): Readonly<Record<string, string>> {
  return hasTls ? overTls : inTheClear;
}

const overTls = makeHeaders(true);
const inTheClear = makeHeaders(false);

function makeHeaders(hasTls: boolean): Record<string, string> {
  const middleware = helmet({
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
    strictTransportSecurity: hasTls,
    originAgentCluster: false,
    crossOriginOpenerPolicy: hasTls,
  });
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  middleware(request, response, () => {});
  return response.getHeaders() as Record<string, string>;
}
