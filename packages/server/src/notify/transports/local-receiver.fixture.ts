import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { AddressList } from "../../access/address-list.ts";
import { defaultScope } from "../channels.ts";
import type { Message } from "../message.ts";
import type { ChannelAddress, NotifyChannel, WebhookAddress } from "../records.ts";
import { GuardedClient } from "./guarded-client.ts";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A receiver on loopback that keeps what it was sent, and answers as the test says. */
export async function startReceiver(
  answer: (received: Received, response: ServerResponse) => void = (_, response) => void response.end("ok"),
): Promise<{ url: string; port: number; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const one = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: Buffer.concat(chunks),
    };
    received.push(one);
    answer(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, received };
}

/** Sends to loopback, which whoever runs the server has allowed. */
export function loopbackClient(): GuardedClient {
  return new GuardedClient(new AddressList("notify.private_networks", ["127.0.0.0/8"]));
}

export function channelTo(address: ChannelAddress): NotifyChannel {
  return {
    channelId: "chn_1",
    person: { kind: "person", name: "ada", sinceMs: 1 },
    name: "A channel",
    address,
    scope: defaultScope,
    isVerified: true,
    verification: null,
    fault: null,
    createdAtMs: 0,
  };
}

export function webhookTo(url: string, change: Partial<WebhookAddress> = {}): NotifyChannel {
  const none = { topic: null, chatId: null, token: null, secret: null, oldSecret: null, oldSecretUntilMs: null };
  return channelTo({ kind: "webhook", preset: "standard", url, ...none, ...change });
}

/** With all that a name from outside may hold. */
export const hostileMessage: Message = {
  messageId: "msg_00112233445566778899aabbccddeeff",
  severity: "critical",
  type: "begins",
  about: "alm_1",
  title: 'No data: <!channel> *bold* _x_ <b>"&amp;</b> [a](https://evil.example)',
  text: "since 03:12\nDevice: <https://evil.example|click> `code` </div>",
  url: "https://board.example.org/alarms/alm_1",
  atMs: Date.UTC(2026, 0, 31, 12),
  ttlS: 86_400,
};
