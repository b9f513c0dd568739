import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { paths, refusals } from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply } from "fastify";
import { type CookieName, cookieName } from "../access/cookies.ts";
import { version } from "../base/version.ts";
import { tags } from "./define-route.ts";

/** By base path. Written once in a process: it is the same for all and for each of its servers, and a third of a megabyte. */
const documents = new Map<string, Buffer<ArrayBuffer>>();

/** Writes the OpenAPI document from the schemas of the routes that are registered on `app` after this, and serves it with a page to browse it. */
export async function serveOpenApi(app: FastifyInstance, basePath: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Wattboard",
        version,
        description:
          "Devices, their samples, history, energy and events; commands, people and their rights. Times are RFC 3339 in UTC; powers are in W, energy in Wh, shares 0 to 1. " +
          `Errors are problem documents (RFC 9457); their codes: ${Object.entries(refusals)
            .filter(([, each]) => "status" in each)
            .map(([code]) => `\`${code}\``)
            .join(", ")}.`,
        license: { name: "MIT", identifier: "MIT" },
      },
      servers: [{ url: basePath || "/", description: "This server" }],
      tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
      components: {
        securitySchemes: {
          bearer: {
            type: "http",
            scheme: "bearer",
            description: "An API token: `wattboard api-token add NAME --role viewer`",
          },
          session: cookieScheme("session", true, "Somebody who is signed in in this browser"),
          session_without_tls: cookieScheme("session", false, "The same, where the server is asked without TLS"),
          share: cookieScheme("share", true, "A browser that has opened a share link"),
          share_without_tls: cookieScheme("share", false, "The same, where the server is asked without TLS"),
        },
      },
    },
    transformObject: (document) => ("openapiObject" in document ? nameSchemas(document.openapiObject) : {}),
  });
  await app.register(swaggerUi, {
    routePrefix: `${paths.api}/docs`,
    ...(basePath !== "" && { indexPrefix: basePath }),
    // Without the bar on top: its picture has an inline style, which the policy forbids.
    uiConfig: { layout: "BaseLayout", docExpansion: "list", defaultModelsExpandDepth: 0 },
    theme: { title: "Wattboard API" },
    uiHooks: {
      // The page asks for the document there; as YAML, which nobody asks for, it would take a tenth of a second.
      preHandler: (request, reply, done) => {
        const name = request.url.split("?", 1)[0]?.split("/").at(-1);
        if (name === "json" || name === "yaml") return sendDocument(reply);
        done();
      },
    },
  });
  let document = Buffer.alloc(0);
  const sendDocument = (reply: FastifyReply): FastifyReply =>
    reply.type("application/json; charset=utf-8").send(document);
  app.addHook("onReady", async () => {
    document = documents.get(basePath) ?? Buffer.from(JSON.stringify(app.swagger()));
    documents.set(basePath, document);
  });
  app.get(`${paths.api}/openapi.json`, { schema: { hide: true } }, (_, reply) => sendDocument(reply));
}

function cookieScheme(name: CookieName, isSecure: boolean, description: string) {
  return { type: "apiKey", in: "cookie", name: cookieName(name, isSecure), description } as const;
}

/** Moves every schema that has a title among the components, and refers to it from where it stood. */
function nameSchemas<Document extends object>(document: Document): Document {
  const schemas: Record<string, unknown> = {};
  const visit = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(visit);
    if (typeof node !== "object" || node === null) return node;
    const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, visit(value)]));
    const isSchema = typeof copy.title === "string" && ("type" in copy || "anyOf" in copy);
    if (!isSchema) return copy;
    const { title, ...schema } = copy;
    schemas[title as string] = schema;
    return { $ref: `#/components/schemas/${title}` };
  };
  const { components, ...rest } = document as Document & { components?: object };
  const visited = visit(rest) as Document;
  return { ...visited, components: { ...components, schemas } };
}
