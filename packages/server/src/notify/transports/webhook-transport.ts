import type { Clock } from "../../base/clock.ts";
import { type Delivery, failed, type Message, type Transport } from "../message.ts";
import type { Channel } from "../records.ts";
import { type GuardedClient, type Posted, RequestFault } from "./guarded-client.ts";
import { signatureHeaders } from "./standard-webhook.ts";
import { webhookRequests } from "./webhook-presets.ts";

/** Posts to an address that somebody gave, in the form that the receiver understands. */
export class WebhookTransport implements Transport {
  readonly #client: GuardedClient;
  readonly #clock: Clock;

  constructor(client: GuardedClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async deliver({ address }: Channel, message: Message, signal: AbortSignal): Promise<Delivery> {
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
      return deliveryOf(await this.#client.post(address.url, headers, body, signal));
    } catch (error) {
      if (error instanceof RequestFault) return failed(error.message, error.isFinal ? "message" : null);
      throw error;
    }
  }
}

/** What an answer means: 410 that there is nobody any more, and some that this very message will never be taken. */
function deliveryOf({ status, retryAfterMs }: Posted): Delivery {
  if (status >= 200 && status < 300) return { kind: "delivered" };
  if (status >= 300 && status < 400) {
    return failed(`It answers with a redirect (${status}), which is not followed; set its new address.`, "message");
  }
  if (status === 410) return failed("It says that it is gone (410).", "channel");
  const isFinal = status === 400 || status === 413 || status === 415 || status === 422;
  return { ...failed(`It answers ${status}.`, isFinal ? "message" : null), ...{ retryAfterMs } };
}
