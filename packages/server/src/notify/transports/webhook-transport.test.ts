import { createHmac } from "node:crypto";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { channelTo, hostileMessage, loopbackClient, startReceiver, webhookTo } from "./local-receiver.fixture.ts";
import { newSigningSecret } from "./standard-webhook.ts";
import { WebhookTransport } from "./webhook-transport.ts";

const clock = new ManualClock();
const transport = new WebhookTransport(loopbackClient(), clock);
const signal = new AbortController().signal;
const secret = newSigningSecret((bytes) => "ab".repeat(bytes));
const oldSecret = newSigningSecret((bytes) => "cd".repeat(bytes));

/** What a receiver does by the specification: https://github.com/standard-webhooks/standard-webhooks */
function isSigned(headers: Readonly<Record<string, unknown>>, body: Buffer, by: string): boolean {
  const key = Buffer.from(by.slice("whsec_".length), "base64");
  const content = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const expected = `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
  return String(headers["webhook-signature"]).split(" ").includes(expected);
}

describe("Standard Webhooks", () => {
  test("the specification's own example", () => {
    // From the reference libraries' tests.
    const body = '{"test": 2432232314}';
    const headers = { "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330" };
    const signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    expect(
      isSigned(
        { ...headers, "webhook-signature": signature },
        Buffer.from(body),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
      ),
    ).toBe(true);
  });

  test("a message is signed, and for a day after a rotation by the old secret as well", async () => {
    const { url, received } = await startReceiver();
    const rotated = { secret, oldSecret, oldSecretUntilMs: clock.wallMs() + 1_000 };
    await transport.deliver(webhookTo(url, rotated), hostileMessage, signal);
    await transport.deliver(webhookTo(url, { ...rotated, oldSecretUntilMs: clock.wallMs() }), hostileMessage, signal);
    const [both, one] = received;
    if (both === undefined || one === undefined) throw new Error("Nothing came.");
    expect([isSigned(both.headers, both.body, secret), isSigned(both.headers, both.body, oldSecret)]).toEqual([
      true,
      true,
    ]);
    expect([isSigned(one.headers, one.body, secret), isSigned(one.headers, one.body, oldSecret)]).toEqual([
      true,
      false,
    ]);
    expect(both.headers["webhook-id"]).toBe(hostileMessage.messageId);
    expect(Number(both.headers["webhook-timestamp"])).toBe(Math.floor(clock.wallMs() / 1_000));
    expect(JSON.parse(both.body.toString())).toEqual({
      type: "notification.begins",
      timestamp: "2026-01-31T12:00:00.000Z",
      data: {
        about: "alm_1",
        severity: "critical",
        title: hostileMessage.title,
        text: hostileMessage.text,
        url: hostileMessage.url,
      },
    });
  });
});

describe("what the services document", () => {
  test("ntfy: JSON at the server's root, with topic, priority 1 to 5, tags and click", async () => {
    const { url, received } = await startReceiver();
    const channel = webhookTo(url, { preset: "ntfy", topic: "cellar", token: "tk_1" });
    expect(await transport.deliver(channel, hostileMessage, signal)).toEqual({ kind: "delivered" });
    const body = JSON.parse(String(received[0]?.body));
    expect(received[0]?.headers.authorization).toBe("Bearer tk_1");
    expect(Object.keys(body).sort()).toEqual(["click", "message", "priority", "tags", "title", "topic"]);
    expect(body).toMatchObject({
      topic: "cellar",
      title: hostileMessage.title,
      priority: 5,
      click: hostileMessage.url,
    });
    expect(body.message).toContain("since 03:12");
    expect(body.tags).toEqual(["rotating_light"]);
  });

  test("Slack: a text in which nothing of a name is a mark, and blocks within their limits", async () => {
    const { url, received } = await startReceiver();
    const long = { ...hostileMessage, title: "x".repeat(300), text: "y".repeat(9_000) };
    await transport.deliver(webhookTo(url, { preset: "slack" }), hostileMessage, signal);
    await transport.deliver(webhookTo(url, { preset: "slack" }), long, signal);
    const [body, cut] = received.map(({ body }) => JSON.parse(body.toString()));
    expect(body.text).not.toMatch(/[<>]/);
    expect(body.text).toContain("&lt;!channel&gt;");
    expect(body.blocks[0]).toEqual({ type: "header", text: { type: "plain_text", text: hostileMessage.title } });
    expect(body.blocks[1].text.type).toBe("plain_text");
    expect(body.blocks[2].text).toEqual({ type: "mrkdwn", text: `<${hostileMessage.url}|Open in Wattboard>` });
    expect(cut.blocks[0].text.text).toHaveLength(150);
    expect(cut.blocks[1].text.text).toHaveLength(3_000);
  });

  test("Telegram: chat_id and plain text of 1 to 4096 characters", async () => {
    const { url, received } = await startReceiver((_, response) => void response.end('{"ok":true}'));
    const channel = webhookTo(`${url}/bot1:x/sendMessage`, { preset: "telegram", chatId: "-100123" });
    await transport.deliver(channel, hostileMessage, signal);
    await transport.deliver(channel, { ...hostileMessage, text: "y".repeat(9_000) }, signal);
    const [body, cut] = received.map(({ body }) => JSON.parse(body.toString()));
    expect(body).toEqual({
      chat_id: "-100123",
      text: [hostileMessage.title, hostileMessage.text, hostileMessage.url].join("\n"),
      link_preview_options: { is_disabled: true },
    });
    expect(body.parse_mode).toBeUndefined();
    expect(cut.text).toHaveLength(4_096);
  });

  test("Home Assistant: JSON that an automation finds as trigger.json", async () => {
    const { url, received } = await startReceiver();
    await transport.deliver(webhookTo(`${url}/api/webhook/x`, { preset: "home_assistant" }), hostileMessage, signal);
    expect(received[0]).toMatchObject({ method: "POST", path: "/api/webhook/x" });
    expect(received[0]?.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(String(received[0]?.body))).toEqual({
      type: "begins",
      about: "alm_1",
      severity: "critical",
      title: hostileMessage.title,
      message: hostileMessage.text,
      url: hostileMessage.url,
    });
  });
});

test.each([
  [200, { kind: "delivered" }],
  [204, { kind: "delivered" }],
  [302, { kind: "failed", final: "message" }],
  [400, { kind: "failed", final: "message" }],
  [401, { kind: "failed", final: null }],
  [404, { kind: "failed", final: null }],
  [410, { kind: "failed", final: "channel" }],
  [429, { kind: "failed", final: null, retryAfterMs: 7_000 }],
  [500, { kind: "failed", final: null }],
])("an answer of %i means", async (status, delivery) => {
  const { url } = await startReceiver((_, response) => void response.writeHead(status, { "retry-after": "7" }).end());
  expect(await transport.deliver(webhookTo(url), hostileMessage, signal)).toMatchObject(delivery);
});

test("a closed port is a fault in words", async () => {
  const channel = channelTo(webhookTo("http://127.0.0.1:1/").address);
  expect(await transport.deliver(channel, hostileMessage, signal)).toEqual({
    kind: "failed",
    cause: "Nobody listens there.",
    final: null,
  });
});
