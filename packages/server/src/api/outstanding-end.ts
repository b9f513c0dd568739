import type { OutstandingBody, OutstandingItem } from "@wattboard/protocol";
import type { FastifyRequest } from "fastify";
import type { Audit } from "../access/audit/audit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import type { Outstanding } from "../access/outstanding.ts";
import { auditEntry } from "../http/access-guard.ts";

const itemsMax = 200;
/** In one row of the audit. */
const recordedMax = 50;

interface OutstandingParts {
  readonly audit: Audit;
  readonly authorizer: Authorizer;
  readonly outstanding: Outstanding;
}

/** Somebody's rights have become fewer: ends what rests on rights that nobody has any more, and records it. */
export function endOutstanding(
  { audit, authorizer, outstanding }: OutstandingParts,
  request: FastifyRequest,
): OutstandingBody {
  const ended = outstanding.endRefused();
  if (ended.length > 0) audit.record(auditEntry(authorizer, request, outstandingEntry(ended)));
  return outstandingBody(ended);
}

/** How the audit says that these have ended. */
export function outstandingEntry(ended: readonly OutstandingItem[]) {
  const items = ended.slice(0, recordedMax).map(({ kind, id }) => `${kind} ${id}`);
  return { action: "outstanding.end", detail: { count: ended.length, items } };
}

export function outstandingBody(items: readonly OutstandingItem[]): OutstandingBody {
  return { count: items.length, items: items.slice(0, itemsMax) };
}
