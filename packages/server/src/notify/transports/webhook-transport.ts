import type { Clock } from "../../base/clock.ts";
import { failed, type Message, type MessageTransport, type Outcome } from "../message.ts";
import type { NotifyChannel } from "../records.ts";
import { type GuardedClient, type Posted, RequestFault } from "./guarded-client.ts";
import { signatureHeaders } from "./standard-webhook.ts";
import { webhookRequests } from "./webhook-presets.ts";

/** Posts to an address that somebody gave, in the form that the receiver understands. */
export class WebhookTransport implements MessageTransport {
  readonly #client: GuardedClient;
  readonly #clock: Clock;

  constructor(client: GuardedClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async deliver({ address }: NotifyChannel, message: Message, signal: AbortSignal): Promise<Outcome> {
    if (address.kind !== "webhook") throw new Error("This is no webhook.");
    const request = webhookRequests[address.preset](message, address);
    const body = JSON.stringify(request.body);
    const nowMs = this.#clock.wallMs();
    const secrets = [address.secret, (address.oldSecretUntilMs ?? 0) > nowMs ? address.oldSecret : null];
    const signed = signatureHeaders(
      secrets.filter((secret) => secret !== null),
      { id: message.messageId, atMs: nowMs, body },
    );
    const headers = {
      "Content-Type": "application/json",
      ...request.headers,
      ...(address.secret === null ? {} : signed),
    };
    try {
      return webhookOutcome(await this.#client.post(address.url, headers, body, signal));
    } catch (error) {
      if (error instanceof RequestFault) return failed(error.message, error.isFinal ? "message" : null);
      throw error;
    }
  }
}

/** What an answer means: 410 that there is nobody any more, and some that this very message will never be taken. */
function webhookOutcome({ status, retryAfterMs }: Posted): Outcome {
  if (status >= 200 && status < 300) return { kind: "delivered" };
  if (status >= 300 && status < 400) {
    return failed(`It answers with a redirect (${status}), which is not followed; set its new address.`, "message");
  }
  if (status === 410) return failed("It says that it is gone (410).", "channel");
  const isFinal = status === 400 || status === 413 || status === 415 || status === 422;
  return { ...failed(`It answers ${status}.`, isFinal ? "message" : null), ...{ retryAfterMs } };
}
