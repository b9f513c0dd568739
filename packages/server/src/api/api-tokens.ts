import { apiTokensSchema, isRefusal, newApiTokenSchema, paths, removedApiTokenSchema } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import type { ApiTokens } from "../access/api-tokens.ts";
import type { Audit } from "../access/audit/audit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import type { Outstanding } from "../access/outstanding.ts";
import { type Principal, requesterOf, roles } from "../access/principal.ts";
import type { Revocations } from "../access/revocations.ts";
import { audited, auditedRevocation } from "../http/access-guard.ts";
import { sendPage, writePage } from "../http/json-page.ts";
import { sendRefusal } from "../http/problem.ts";
import { apiTokenBody } from "./device-bodies.ts";
import { endOutstanding } from "./outstanding-end.ts";
import { administrativeRoute } from "./registration-parts.ts";

export interface ApiTokenParts {
  readonly apiTokens: ApiTokens;
  readonly audit: Audit;
  readonly authorizer: Authorizer;
  readonly outstanding: Outstanding;
  readonly revocations: Revocations;
}

const newApiTokenBodySchema = Type.Object(
  {
    name: Type.String({ examples: ["wallboard"] }),
    role: Type.Enum([...roles], { description: "What its bearer may do" }),
    // Absent: it does not expire. Null must not say so.
    ttl_ms: Type.Optional(
      Type.Integer({ minimum: 1_000, description: "How long it is valid, ms; left out: for ever" }),
    ),
    devices: Type.Optional(
      Type.Array(Type.String(), { description: "The devices that it is for; left out: all there are" }),
    ),
  },
  { additionalProperties: false },
);
const nameParams = Type.Object({ name: Type.String({ description: "The token's name", examples: ["wallboard"] }) });

/** `/api/v1/api-tokens`: bearer tokens for scripts and dashboards, for administrators. */
export function registerApiTokensApi(app: FastifyInstance, parts: ApiTokenParts): void {
  const { apiTokens } = parts;

  app.get(
    `${paths.api}/api-tokens`,
    administrativeRoute({ summary: "API tokens", answer: apiTokensSchema }),
    async (_, reply) => {
      // A token may be for a whole fleet of devices, and names each.
      const page = await writePage(apiTokens.list(), Number.POSITIVE_INFINITY, apiTokenBody);
      return sendPage(reply, "api_tokens", page, {});
    },
  );

  app.post<{ Body: Type.Static<typeof newApiTokenBodySchema> }>(
    `${paths.api}/api-tokens`,
    administrativeRoute({
      summary: "Make an API token",
      body: newApiTokenBodySchema,
      answer: newApiTokenSchema,
      status: 201,
      errors: [409],
    }),
    (request, reply) => {
      const { name, role, ttl_ms: ttlMs = null, devices: given = null } = request.body;
      const detail = { role, ttl_ms: ttlMs, devices: given };
      const added = audited(parts, request, { action: "api_token.add", target: name, detail }, () =>
        apiTokens.add(name, role, ttlMs, given, requesterOf(request.principal as Principal)),
      );
      return isRefusal(added) ? sendRefusal(reply, added) : reply.code(201).send(added);
    },
  );

  app.delete<{ Params: { name: string } }>(
    `${paths.api}/api-tokens/:name`,
    administrativeRoute({
      summary: "Remove an API token, and end what rests on it",
      params: nameParams,
      answer: removedApiTokenSchema,
      errors: [404],
    }),
    (request, reply) => {
      const { name } = request.params;
      const removed = auditedRevocation(parts, request, { action: "api_token.remove", target: name }, () =>
        apiTokens.remove(name),
      );
      if (isRefusal(removed)) return sendRefusal(reply, removed);
      return { ...apiTokenBody(removed), ended: endOutstanding(parts, request) };
    },
  );
}
