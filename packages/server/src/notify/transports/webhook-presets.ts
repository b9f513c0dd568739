import type { AlarmSeverity, WebhookPreset } from "@wattboard/protocol";
import type { Message } from "../message.ts";
import type { WebhookAddress } from "../records.ts";

export interface WebhookRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body: unknown;
}

/** https://docs.ntfy.sh/publish/#message-priority */
const ntfyPriority: Readonly<Record<AlarmSeverity, number>> = { info: 3, warning: 4, critical: 5 };
const ntfyTags: Readonly<Record<AlarmSeverity, string>> = {
  info: "information_source",
  warning: "warning",
  critical: "rotating_light",
};

/** What each kind of receiver takes, as it documents it. Names come from devices: where a receiver reads marks in a text, they are sent as plain text or escaped. */
export const webhookRequests: Readonly<
  Record<WebhookPreset, (message: Message, address: WebhookAddress) => WebhookRequest>
> = {
  standard: (message) => ({
    headers: {},
    body: {
      type: `notification.${message.type}`,
      timestamp: new Date(message.atMs).toISOString(),
      data: {
        about: message.about,
        severity: message.severity,
        title: message.title,
        text: message.text,
        url: message.url,
      },
    },
  }),
  // https://docs.ntfy.sh/publish/#publish-as-json
  ntfy: (message, { topic, token }) => ({
    headers: token === null ? {} : { Authorization: `Bearer ${token}` },
    body: {
      topic,
      title: cutTo(message.title, 250),
      message: cutTo(message.text, 3_500),
      priority: message.type === "over" ? ntfyPriority.info : ntfyPriority[message.severity],
      tags: [message.type === "over" ? "white_check_mark" : ntfyTags[message.severity]],
      ...(message.url !== null && { click: message.url }),
    },
  }),
  // https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
  slack: (message) => ({
    headers: {},
    body: {
      text: escapeSlack(message.title),
      blocks: [
        { type: "header", text: { type: "plain_text", text: cutTo(message.title, 150) } },
        { type: "section", text: { type: "plain_text", text: cutTo(message.text, 3_000) || " " } },
        ...(message.url === null
          ? []
          : [{ type: "section", text: { type: "mrkdwn", text: `<${escapeSlack(message.url)}|Open in Wattboard>` } }]),
      ],
    },
  }),
  // https://core.telegram.org/bots/api#sendmessage; without a parse_mode the text is plain
  telegram: (message, { chatId }) => ({
    headers: {},
    body: {
      chat_id: chatId,
      text: cutTo(wholeText(message), 4_096),
      link_preview_options: { is_disabled: true },
      ...(message.severity === "info" && { disable_notification: true }),
    },
  }),
  // https://www.home-assistant.io/docs/automation/trigger/#webhook-trigger: any JSON, which the automation finds as trigger.json
  home_assistant: (message) => ({
    headers: {},
    body: {
      type: message.type,
      about: message.about,
      severity: message.severity,
      title: message.title,
      message: message.text,
      url: message.url,
    },
  }),
};

/** Title, text and link, one below the other. */
function wholeText({ title, text, url }: Message): string {
  return [title, text, ...(url === null ? [] : [url])].join("\n");
}

/** By code points: half of one is no text. */
function cutTo(text: string, charactersMax: number): string {
  const characters = [...text];
  return characters.length <= charactersMax ? text : `${characters.slice(0, charactersMax - 1).join("")}…`;
}

/** https://docs.slack.dev/messaging/formatting-message-text#escaping: without it a name could call everybody in the channel */
function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
