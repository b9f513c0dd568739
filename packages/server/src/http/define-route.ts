import { problemSchema } from "@wattboard/protocol";
import { Ajv, type ValidateFunction } from "ajv";
import type {
  FastifyInstance,
  FastifyRequest,
  FastifySchema,
  onRequestAsyncHookHandler,
  RouteShorthandOptions,
} from "fastify";
import Type from "typebox";
import type { Role } from "../access/principal.ts";
import { requireRole } from "./access-guard.ts";

export const tags = {
  Devices: "Devices and what they sent last",
  History: "Samples, charts, states and energy of one device",
  Fleet: "Many devices together",
  Events: "What a person should know of",
  Alarms: "What is not as it should be, and when that is told",
  Commands: "Telling one device, or many, what to do, and following it to its end",
  Notifications: "Who is told of what, by what and when; times in which nobody is",
  "Signing in": "Who asks; signing in and out; one-time links",
  People: "Accounts and their rights",
  Claiming: "Taking a box over with the code of its label, and giving it up",
  Sharing: "Read-only links to single devices",
  Audit: "Who did what",
  Archive: "Samples as files, in and out; backups; what is kept",
  Administration: "Devices, their tokens, API tokens",
} as const;

export interface RouteDefinition extends Pick<FastifySchema, "querystring" | "params" | "body"> {
  readonly tag: keyof typeof tags;
  readonly summary: string;
  readonly description?: string;
  /** Who may; null: anyone. */
  readonly role: Role | null;
  /** A schema; or the media types of a file. */
  readonly answer: Type.TSchema | readonly string[];
  /** Of a good answer; 200 unless said otherwise. */
  readonly status?: number;
  /** Another good answer, with status 200, where the status above is another one. */
  readonly otherAnswer?: Type.TSchema;
  /** Statuses of its errors besides those that every route has (400, 401, 403, 500, 503). */
  readonly errors?: readonly number[];
  /** How long its handler may take; then 504, and `request.signal` ends what it does. */
  readonly timeoutMs?: number;
  /** What is asked besides the role, before anything of the body is read. */
  readonly onRequest?: onRequestAsyncHookHandler;
  /** The handler judges the body itself: the schema is for the document alone. */
  readonly judgesBody?: boolean;
}

const everywhere = [400, 401, 403, 500, 503];
const errorWords: Readonly<Record<number, string>> = {
  400: "The request does not fit; `detail` says what to mend",
  401: "A bearer token or a session is needed, or the one given is not valid",
  403: "Whoever asks may not do this, or asks from a foreign page",
  404: "There is nothing of this name that whoever asks may see",
  409: "It is in the way of something that is there",
  413: "The body is too large",
  415: "The body is of another type",
  422: "The device cannot be told so",
  429: "Too many, or too often; `Retry-After` says when to try again",
  500: "The server failed; its log says why",
  503: "The store does not answer just now, or has too many questions; `Retry-After` says when to ask again",
  504: "The answer took too long; ask for less",
};

/** The options of a route: who may, what it takes and answers, and its place in the OpenAPI document. */
export function defineRoute({
  tag,
  role,
  answer,
  status = 200,
  otherAnswer,
  errors = [],
  timeoutMs,
  onRequest,
  judgesBody = false,
  querystring,
  ...rest
}: RouteDefinition): RouteShorthandOptions {
  const timeout = timeoutMs === undefined ? [] : [504];
  const problems = [...new Set([...everywhere, ...errors, ...timeout])].map((code) => [
    code,
    {
      description: errorWords[code] ?? "",
      content: { "application/problem+json": { schema: problemSchema } },
    },
  ]);
  const schema: FastifySchema = {
    tags: [tag],
    security: [...securities[role ?? "anyone"]],
    response: {
      ...(otherAnswer !== undefined && { 200: describeAnswer(otherAnswer) }),
      [status]: describeAnswer(answer),
      ...Object.fromEntries(problems),
    },
    ...(querystring !== undefined && { querystring: withoutDefaulted(querystring as ObjectSchema) }),
    ...rest,
  };
  return {
    schema,
    ...(isOptional(rest.body) && { preValidation: fillBody }),
    onRequest: [...(role === null ? [] : [requireRole(role)]), ...(onRequest === undefined ? [] : [onRequest])],
    ...(timeoutMs !== undefined && { handlerTimeout: timeoutMs }),
    ...(judgesBody && { validatorCompiler: () => () => true }),
  };
}

/** Whether a body need not say anything: then there need not be one. */
function isOptional(body: unknown): boolean {
  const { type, required = [] } = (body ?? {}) as { readonly type?: string; readonly required?: readonly string[] };
  return type === "object" && required.length === 0;
}

async function fillBody(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}

const somebody = [{ bearer: [] }, { session: [] }, { session_without_tls: [] }];

/** What lets somebody in. Where dashboards are public, looking needs nothing. */
const securities: Readonly<Record<Role | "anyone", readonly { readonly [name: string]: readonly string[] }[]>> = {
  anyone: [{}],
  viewer: [...somebody, { share: [] }, { share_without_tls: [] }, {}],
  operator: somebody,
  admin: somebody,
};

function describeAnswer(answer: RouteDefinition["answer"]): object {
  const isFile = Array.isArray(answer);
  const { description = isFile ? "The file" : "" } = answer as { description?: string };
  const content = isFile
    ? Object.fromEntries(answer.map((type) => [type, { schema: { type: "string" } }]))
    : { "application/json": { schema: answer } };
  return { description, content };
}

/** The device in a path. */
export const deviceParams = Type.Object({ id: Type.String({ description: "The device's id", examples: ["ems_001"] }) });

interface ObjectSchema {
  readonly required?: readonly string[];
  readonly properties: Readonly<Record<string, object>>;
}

/** What has a default is always there for the route's handler, and yet nobody has to send it. */
function withoutDefaulted(schema: ObjectSchema): ObjectSchema {
  const required = (schema.required ?? []).filter((name) => !("default" in (schema.properties[name] ?? {})));
  return { ...schema, required };
}

// In a query everything is text, and becomes what its schema says. In a body a text is no number: a token must not lose its last digits.
const queryAjv = new Ajv({ coerceTypes: true, useDefaults: true, strict: false, allErrors: false });
const bodyAjv = new Ajv({ useDefaults: true, strict: false, allErrors: false });
const judgesOfQueries = new Map<string, ValidateFunction>();
const judgesOfBodies = new Map<string, ValidateFunction>();

/** Compiling a server's schemas takes a tenth of a second: the next server of this process has the same ones. There are as many as routes. */
function judgeOf(schema: object, httpPart: string | undefined): ValidateFunction {
  const [ajv, judges] = httpPart === "querystring" ? [queryAjv, judgesOfQueries] : [bodyAjv, judgesOfBodies];
  const text = JSON.stringify(schema);
  const judge = judges.get(text) ?? ajv.compile(schema);
  judges.set(text, judge);
  return judge;
}

/** Makes `app` judge requests by the schemas of the routes that are registered on it after this. */
export function judgeRequests(app: FastifyInstance): void {
  app.setValidatorCompiler<object>(({ schema, httpPart }) => judgeOf(schema, httpPart));
  // Answers are sent as they were made: a schema that does not fit them is found by a test, and not covered up.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
}
