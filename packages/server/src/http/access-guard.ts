import type { IncomingMessage } from "node:http";
import { type Refusal, refuse } from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { addressPrefix } from "../access/address-prefix.ts";
import type { Audit, AuditEntry } from "../access/audit/audit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import { hasRole, type Principal, type Role, requesterOf } from "../access/principal.ts";
import { refuseOrigin } from "../access/refuse-origin.ts";
import type { Revocations } from "../access/revocations.ts";
import { tokenPrefix } from "../access/tokens.ts";
import { requesterText } from "../base/requester.ts";
import type { Log } from "../observe/log.ts";
import type { Throttle } from "../observe/throttle.ts";
import { sendRefusal } from "./problem.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks; null: nobody who may anything. Told before anything of the body is read. */
    principal: Principal | null;
  }
}

export interface GuardParts {
  readonly authorizer: Authorizer;
  readonly log: Log;
  readonly throttle: Throttle;
}

/** Names under which people put secrets into addresses. */
const secretNames = /^(access_?token|api_?key|auth|authorization|bearer|jwt|pass|password|secret|session|token)$/i;

/** Why a request is refused whatever it asks for and whoever asks; null where it is not. For plain requests and WebSocket handshakes alike. */
export function refuseOutright(request: IncomingMessage, { authorizer, log, throttle }: GuardParts): Refusal | null {
  const hostFault = describeHostFault(request);
  if (hostFault !== null) return refuse("invalid_request", hostFault);
  if (!authorizer.isTransportAllowed(request)) return refuse("insecure_transport");
  if (!authorizer.isHostAllowed(request)) {
    return refuse(
      "forbidden",
      "This server listens on loopback only. To reach it by another name, list its origin in access.origins.",
    );
  }
  const secretName = secretInAddress(request.url ?? "");
  if (secretName !== null) {
    const address = authorizer.addressOf(request);
    const suppressed = throttle.pass(`secret in address ${addressPrefix(address)}`);
    if (suppressed !== null) {
      log.warn(
        { address, parameter: secretName, suppressed },
        "a secret in an address was refused; it stands in histories and logs now: take it back",
      );
    }
    return refuse("token_in_url", `The parameter is ${secretName}.`);
  }
  return null;
}

/** A name or an address, with or without a port. */
const hostPattern = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{0,5})?$/i;

/** What is wrong with the Host (RFC 9112 §3.2), in words; null: nothing. HTTP/1.0, which health checks speak, need not have one. */
function describeHostFault({ httpVersion, rawHeaders }: IncomingMessage): string | null {
  const hosts = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === "host");
  const [host] = hosts;
  if (host === undefined) return httpVersion === "1.0" ? null : "It has no Host.";
  if (hosts.length > 1) return "It has more than one Host.";
  return hostPattern.test(host) ? null : "Its Host is neither a name nor an address.";
}

/** The name of a query's parameter that holds a secret, or null. */
function secretInAddress(url: string): string | null {
  const at = url.indexOf("?");
  if (at === -1) return null;
  for (const [name, value] of new URLSearchParams(url.slice(at + 1))) {
    if (secretNames.test(name)) return name;
    // The name could be the secret itself; then it is not repeated.
    if (value.startsWith(tokenPrefix)) return name.startsWith(tokenPrefix) ? "(a token)" : name.slice(0, 40);
    if (name.startsWith(tokenPrefix)) return "(a token)";
  }
  return null;
}

/** Before anything else: refuses what is refused outright and what other sites' pages send, and finds out who asks. */
export function guard(app: FastifyInstance, parts: GuardParts): void {
  app.decorateRequest("principal", null);
  app.addHook("onRequest", async (request, reply) => {
    const refusal = refuseOutright(request.raw, parts) ?? refuseForeign(request, parts);
    if (refusal !== null) return sendRefusal(reply, refusal);
    request.principal = parts.authorizer.identify(request.raw);
  });
}

/** A page of another site may change nothing, not even sign somebody in; nor may anything that has a cookie but does not say where it comes from. */
function refuseForeign({ raw }: FastifyRequest, parts: GuardParts): Refusal | null {
  const { authorizer } = parts;
  if (raw.method === "GET" || raw.method === "HEAD") return null;
  const hasCookie = authorizer.readCookie(raw, "session") !== null || authorizer.readCookie(raw, "share") !== null;
  const isUnsaid = raw.headers.origin === undefined && hasCookie && raw.headers.authorization === undefined;
  return isUnsaid ? refuse("cross_origin") : refuseOrigin(raw, parts);
}

/** Lets the request through where whoever asks has the role; else 401 where nobody is known, 403 for someone who may less. */
export function requireRole(role: Role) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { principal } = request;
    if (hasRole(principal, role)) return;
    const isUnknown = principal === null || principal.kind === "anonymous";
    if (isUnknown) reply.header("WWW-Authenticate", "Bearer");
    await sendRefusal(reply, refuse(isUnknown ? "unauthorized" : "not_permitted", `Needed here: ${role}.`));
  };
}

/** How the audit names whoever asks. */
export function auditName(principal: Principal | null): string {
  if (principal === null || principal.kind === "anonymous") return "anonymous";
  return principal.kind === "share" ? principal.name : requesterText(requesterOf(principal));
}

/** The audit's entry of what this request does. */
export function auditEntry(
  authorizer: Authorizer,
  request: FastifyRequest,
  entry: Omit<AuditEntry, "who" | "address">,
): AuditEntry {
  return { who: auditName(request.principal), address: authorizer.addressOf(request.raw), ...entry };
}

/** As `audited`, for what takes long: what fails on the way is recorded as well. */
export function auditedTask<T>(
  { audit, authorizer }: { readonly audit: Audit; readonly authorizer: Authorizer },
  request: FastifyRequest,
  entry: Omit<AuditEntry, "who" | "address" | "outcome">,
  act: () => Promise<T>,
): Promise<T> {
  return audit.recordTask(auditEntry(authorizer, request, entry), act);
}

/**
 * Does something and records who did it and how it ended, refusals included. Where the audit cannot be written it is not done at all: then a
 * `Failure` (`audit_failed`) is thrown.
 */
export function audited<T extends object>(
  { audit, authorizer }: { readonly audit: Audit; readonly authorizer: Authorizer },
  request: FastifyRequest,
  entry: Omit<AuditEntry, "who" | "address" | "outcome">,
  act: () => T | Refusal,
): T | Refusal {
  audit.assertWritable();
  const result = act();
  audit.record(auditEntry(authorizer, request, { ...entry, outcome: "code" in result ? result.code : "done" }));
  return result;
}

/**
 * As `audited`, for what takes rights away: that holds also while the audit cannot be written, and is recorded once it can. Throws a `Failure`
 * (`audit_failed`) only where it cannot be noted either.
 */
export function auditedRevocation<T extends object>(
  {
    audit,
    authorizer,
    revocations,
  }: { readonly audit: Audit; readonly authorizer: Authorizer; readonly revocations: Revocations },
  request: FastifyRequest,
  entry: Omit<AuditEntry, "who" | "address" | "outcome">,
  act: () => T | Refusal,
): T | Refusal {
  const result = act();
  const outcome = "code" in result ? result.code : "done";
  audit.recordOrOwe(auditEntry(authorizer, request, { ...entry, outcome }), (owed, error) =>
    revocations.owe(owed, error),
  );
  return result;
}
