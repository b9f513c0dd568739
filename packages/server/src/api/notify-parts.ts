import { isRefusal, type Refusal, refuse } from "@wattboard/protocol";
import type { FastifyRequest } from "fastify";
import type { Audit, AuditEntry } from "../access/audit/audit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import type { People } from "../access/people.ts";
import type { Clock } from "../base/clock.ts";
import type { Requester } from "../base/requester.ts";
import { audited } from "../http/access-guard.ts";
import type { Channels } from "../notify/channels.ts";
import type { MaintenanceWindows } from "../notify/maintenance-windows.ts";
import type { Notifier } from "../notify/notifier.ts";
import type { NotifyJournal } from "../notify/notify-journal.ts";
import type { NotifyStore } from "../notify/records.ts";
import type { Verifications } from "../notify/verifications.ts";

export interface NotificationParts {
  readonly audit: Audit;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly people: People;
  readonly notifications: {
    readonly channels: Channels;
    readonly windows: MaintenanceWindows;
    readonly notifier: Notifier;
    readonly verifications: Verifications;
    readonly journal: NotifyJournal;
    readonly store: Pick<NotifyStore, "list">;
    readonly canMail: boolean;
    readonly pushPublicKey: string;
  };
}

/** Does something, records who did it, and answers once it is stored. While nothing can be stored it is not done. */
export async function auditedAndStored<T extends object>(
  parts: NotificationParts,
  request: FastifyRequest,
  entry: Omit<AuditEntry, "who" | "address" | "outcome">,
  act: () => T | Refusal,
): Promise<T | Refusal> {
  const { journal } = parts.notifications;
  if (journal.isFailing && !(await journal.settle())) {
    return refuse("notifications_unavailable", "Nothing was changed.");
  }
  const result = audited(parts, request, entry, act);
  if (isRefusal(result) || (await journal.settle())) return result;
  return refuse("notifications_unavailable", "It holds for now, and is stored as soon as that is possible.");
}

/** Who has channels: somebody with an account. Null for tokens and for who is not signed in. */
export function personOf({ principal }: FastifyRequest): Requester | null {
  if (principal === null || principal.kind !== "person" || !principal.isCurrent()) return null;
  return { kind: "person", name: principal.name, sinceMs: principal.sinceMs };
}
