import type { AlarmSeverity } from "@wattboard/protocol";
import type { NotifyChannel } from "./records.ts";

/** What a transport is given: plain text, in the words and the local time of the person. */
export interface Message {
  /** The same at each try. */
  readonly messageId: string;
  readonly severity: AlarmSeverity;
  /** What programs go by. */
  readonly type: "test" | "begins" | "escalated" | "over" | "digest" | "verification";
  readonly about: string | null;
  /** One line. */
  readonly title: string;
  /** Lines; without the link. */
  readonly text: string;
  /** The page about it; null where nobody knows the server's address. */
  readonly url: string | null;
  readonly atMs: number;
  /** How long it is worth anything, s. */
  readonly ttlS: number;
}

export type Outcome =
  | { readonly kind: "delivered" }
  | {
      readonly kind: "failed";
      /** What happened, in words and without secrets. */
      readonly cause: string;
      /** `message`: this one will never be taken, another may. `channel`: there is nobody any more. Null: worth another try. */
      readonly final: "message" | "channel" | null;
      readonly retryAfterMs?: number;
    };

/** One way of delivering. Resolves in any case; what it takes when the signal says so is over. */
export interface MessageTransport {
  deliver(channel: NotifyChannel, message: Message, signal: AbortSignal): Promise<Outcome>;
}

export function failed(cause: string, final: "message" | "channel" | null = null): Outcome {
  return { kind: "failed", cause, final };
}
