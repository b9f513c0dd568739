import { Readable } from "node:stream";
import {
  type AuditBody,
  type AuditReportBody,
  auditReportSchema,
  auditSchema,
  parseRfc3339,
  paths,
  type Refusal,
  refuse,
} from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import type { Audit, AuditFilter, AuditReport } from "../access/audit/audit.ts";
import type { ChainedRow } from "../access/audit/audit-chain.ts";
import type { Authorizer } from "../access/authorizer.ts";
import { isoTime } from "../base/iso-time.ts";
import { audited } from "../http/access-guard.ts";
import { defineRoute, type RouteDefinition } from "../http/define-route.ts";
import { sendPage, writePage } from "../http/json-page.ts";
import { sendRefusal } from "../http/problem.ts";
import { csvText } from "../transfer/csv-text.ts";

const rowsMax = 1_000;
const rowsAtOnce = 100;
const text = (description: string) => Type.Optional(Type.String({ maxLength: 256, description }));
const filterSchema = Type.Object(
  {
    device: text("Only what was done to this device"),
    who: text("Only what they did, e.g. `person ada`"),
    action: text("Only this action, e.g. `person.add`"),
    from: text("Only from this RFC 3339 time on"),
    to: text("Only before this RFC 3339 time"),
  },
  { additionalProperties: false },
);
const listSchema = Type.Object(
  {
    ...filterSchema.properties,
    limit: Type.Integer({ minimum: 1, maximum: rowsMax, default: 100, description: "Rows a page, at most" }),
    cursor: Type.Optional(
      Type.String({ pattern: "^[1-9][0-9]{0,14}$", description: "`next_cursor` of the page before" }),
    ),
  },
  { additionalProperties: false },
);
const exportSchema = Type.Object(
  {
    ...filterSchema.properties,
    format: Type.Optional(Type.Enum(["csv", "ndjson"], { default: "csv", description: "Of the file" })),
  },
  { additionalProperties: false },
);
type FilterQuery = { readonly [Name in keyof Type.Static<typeof filterSchema>]?: string | undefined };

const columns = ["seq", "at", "who", "address", "action", "device_id", "target", "outcome", "detail", "hash"] as const;

/** `/api/v1/audit`: who did what, for administrators: page by page, as a file, and checked against its chain of hashes. */
export function registerAuditApi(
  app: FastifyInstance,
  parts: { readonly audit: Audit; readonly authorizer: Authorizer },
): void {
  const { audit } = parts;
  const admin = (about: Omit<RouteDefinition, "role" | "tag">) =>
    defineRoute({ ...about, tag: "Audit", role: "admin" });

  app.get<{ Querystring: Type.Static<typeof listSchema> }>(
    `${paths.api}/audit`,
    admin({ summary: "The audit, newest first, page by page", querystring: listSchema, answer: auditSchema }),
    async ({ query }, reply) => {
      const filter = filterOf(query);
      if ("code" in filter) return sendRefusal(reply, filter);
      const before = query.cursor === undefined ? undefined : Number(query.cursor);
      const page = await writePage(rowsOf(audit, filter, before), query.limit, auditBody);
      return sendPage(reply, "audit", page, { next_cursor: page.isMore ? String(page.last?.seq) : null });
    },
  );

  app.get<{ Querystring: Type.Static<typeof exportSchema> }>(
    `${paths.api}/audit/export`,
    admin({
      summary: "The audit as a file, newest first",
      querystring: exportSchema,
      answer: ["text/csv", "application/x-ndjson"],
    }),
    (request, reply) => {
      const { format = "csv", ...query } = request.query;
      const filter = filterOf(query);
      if ("code" in filter) return sendRefusal(reply, filter);
      const noted = audited(parts, request, { action: "audit.export", detail: query }, () => ({}));
      if ("code" in noted) return sendRefusal(reply, noted as Refusal);
      reply.type(format === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson; charset=utf-8");
      reply.header("Content-Disposition", `attachment; filename="wattboard-audit.${format}"`);
      return reply.send(Readable.from(format === "csv" ? csvOf(audit, filter) : ndjsonOf(audit, filter)));
    },
  );

  app.get(
    `${paths.api}/audit/verify`,
    admin({ summary: "Check the audit against its chain of hashes", answer: auditReportSchema }),
    async () => auditReportBody(await audit.verify()),
  );
}

function auditReportBody({ fault, rows, firstSeq, lastSeq, lastHash }: AuditReport): AuditReportBody {
  return { whole: fault === null, fault, rows, first_seq: firstSeq, last_seq: lastSeq, last_hash: lastHash };
}

/** Read a few at a time, as they are asked for. */
function* rowsOf(audit: Audit, filter: AuditFilter, before?: number): Generator<ChainedRow> {
  for (let beforeSeq = before; ; ) {
    const rows = audit.list(filter, rowsAtOnce, beforeSeq);
    yield* rows;
    if (rows.length < rowsAtOnce) return;
    beforeSeq = rows.at(-1)?.seq;
  }
}

/** The rows as CSV (RFC 4180), newest first. */
async function* csvOf(audit: Audit, filter: AuditFilter): AsyncGenerator<string> {
  yield `${columns.join(",")}\r\n`;
  for await (const rows of audit.export(filter)) {
    yield rows.map((row) => `${cellsOf(auditBody(row)).join(",")}\r\n`).join("");
  }
}

/** The rows as one JSON object a line, newest first. */
async function* ndjsonOf(audit: Audit, filter: AuditFilter): AsyncGenerator<string> {
  for await (const rows of audit.export(filter)) {
    yield rows.map((row) => `${JSON.stringify(auditBody(row))}\n`).join("");
  }
}

/** What a query asks for, or what is wrong with it. */
function filterOf({ device, who, action, from, to }: FilterQuery): AuditFilter | Refusal {
  const fromMs = from === undefined ? undefined : parseRfc3339(from);
  const toMs = to === undefined ? undefined : parseRfc3339(to);
  if (Number.isNaN(fromMs) || Number.isNaN(toMs)) {
    return refuse("invalid_request", "from and to are RFC 3339 times, e.g. 2026-01-31T12:00:00Z.");
  }
  return { deviceId: device, who, action, fromMs, toMs };
}

function auditBody({
  seq,
  atMs,
  who,
  address,
  action,
  deviceId,
  target,
  outcome,
  detail,
  hash,
}: ChainedRow): AuditBody {
  return { seq, at: isoTime(atMs), who, address, action, device_id: deviceId, target, outcome, detail, hash };
}

function cellsOf(body: AuditBody): string[] {
  return columns.map((column) => {
    const value = body[column];
    return csvText(value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));
  });
}
