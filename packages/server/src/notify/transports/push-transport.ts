import type { Clock } from "../../base/clock.ts";
import type { NewId } from "../../base/random-id.ts";
import { failed, type Message, type MessageTransport, type Outcome } from "../message.ts";
import type { NotifyChannel } from "../records.ts";
import { type GuardedClient, type Posted, RequestFault } from "./guarded-client.ts";
import { encryptPush, pushBytesMax } from "./push-encryption.ts";
import { type VapidKeys, vapidHeader } from "./vapid.ts";

export interface PushSettings {
  readonly keys: VapidKeys;
  /** Where operators of push services may complain: `mailto:` or `https:`. */
  contact(): string;
}

/** Sends to browsers, by their makers' push services (RFC 8030). The subscription's address comes from a browser, and is judged as a webhook's is. */
export class PushTransport implements MessageTransport {
  readonly #client: GuardedClient;
  readonly #clock: Clock;
  readonly #newId: NewId;
  readonly #settings: PushSettings;

  constructor(client: GuardedClient, clock: Clock, newId: NewId, settings: PushSettings) {
    this.#client = client;
    this.#clock = clock;
    this.#newId = newId;
    this.#settings = settings;
  }

  async deliver({ address }: NotifyChannel, message: Message, signal: AbortSignal): Promise<Outcome> {
    if (address.kind !== "push") throw new Error("This is no push subscription.");
    const body = encrypted(pushText(message), address, this.#newId);
    if (body === null) return failed("The browser's key is not valid; subscribe anew.", "channel");
    const { keys, contact } = this.#settings;
    const headers = {
      Authorization: vapidHeader(keys, address.endpoint, contact(), this.#clock.wallMs()),
      "Content-Encoding": "aes128gcm",
      "Content-Type": "application/octet-stream",
      TTL: String(message.ttlS),
      Urgency: message.severity === "critical" ? "high" : "normal",
      // One that is sent twice is shown once.
      Topic: message.messageId.slice(-32),
    };
    try {
      return pushOutcome(await this.#client.post(address.endpoint, headers, body, signal));
    } catch (error) {
      if (error instanceof RequestFault) return failed(error.message, error.isFinal ? "message" : null);
      throw error;
    }
  }
}

function encrypted(text: Buffer, address: Parameters<typeof encryptPush>[1], newId: NewId): Buffer | null {
  try {
    return encryptPush(text, address, newId);
  } catch {
    return null;
  }
}

/** What the service worker reads. The text is cut, so that a push service takes it. */
function pushText({ messageId, title, text, url, severity }: Message): Buffer {
  const json = (shown: string): Buffer => Buffer.from(JSON.stringify({ messageId, title, text: shown, url, severity }));
  let shown = [...text].slice(0, pushBytesMax);
  while (json(shown.join("")).length > pushBytesMax) shown = shown.slice(0, Math.floor(shown.length * 0.9));
  return json(shown.join(""));
}

/** https://www.rfc-editor.org/rfc/rfc8030#section-7.3: 404 and 410 say that the subscription has ended. */
function pushOutcome({ status, retryAfterMs }: Posted): Outcome {
  if (status >= 200 && status < 300) return { kind: "delivered" };
  if (status === 404 || status === 410) {
    return failed(`The browser has ended the subscription (${status}); turn notifications on there again.`, "channel");
  }
  const isFinal = status === 400 || status === 413;
  return { ...failed(`The push service answers ${status}.`, isFinal ? "message" : null), ...{ retryAfterMs } };
}
