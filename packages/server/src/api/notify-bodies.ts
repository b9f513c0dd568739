import type {
  ChannelBody,
  ChannelState,
  MadeChannelBody,
  MaintenanceWindowBody,
  NewChannelBody,
  NotificationBody,
  NotificationPreferencesBody,
} from "@wattboard/protocol";
import { isoTime } from "../base/iso-time.ts";
import { requesterText } from "../base/requester.ts";
import type {
  ChannelAddress,
  ChannelScope,
  MaintenanceWindow,
  NotificationRecord,
  NotifyChannel,
  Preferences,
} from "../notify/records.ts";

const isoOrNull = (ms: number | null | undefined): string | null => (ms == null ? null : isoTime(ms));

/** Nothing in it is a secret: of a webhook's address it has the host alone. */
export function channelBody(channel: NotifyChannel, waiting: number): ChannelBody {
  const { channelId, name, address, scope, fault, createdAtMs } = channel;
  return {
    channel_id: channelId,
    kind: address.kind,
    preset: address.kind === "webhook" ? address.preset : null,
    name,
    to: shownAddress(address),
    state: channelState(channel),
    cause: fault?.cause ?? null,
    failing_since: isoOrNull(fault?.sinceMs),
    next_try_at: fault === null || fault.isGone || fault.retryAtMs === 0 ? null : isoTime(fault.retryAtMs),
    waiting,
    is_on: scope.isOn,
    severities: [...scope.severities],
    where: [...scope.where],
    with_server: scope.withServer,
    digest_minutes: scope.digestMinutes,
    created_at: isoTime(createdAtMs),
  };
}

function shownAddress(address: ChannelAddress): string {
  if (address.kind === "email") return address.address;
  return `${new URL(address.kind === "push" ? address.endpoint : address.url).origin}/…`;
}

function channelState({ fault, isVerified }: NotifyChannel): ChannelState {
  if (fault?.isGone) return "gone";
  if (!isVerified) return "unverified";
  return fault === null ? "ready" : "failing";
}

/** The only answer that holds a secret, and only when it is new. */
export function madeChannelBody(channel: NotifyChannel, waiting: number): MadeChannelBody {
  const webhook = channel.address.kind === "webhook" ? channel.address : null;
  return {
    channel: channelBody(channel, waiting),
    secret: webhook?.secret ?? null,
    old_secret_until: isoOrNull(webhook?.oldSecretUntilMs),
  };
}

export function addressOf(body: NewChannelBody): ChannelAddress {
  switch (body.kind) {
    case "email":
      return { kind: "email", address: body.address.trim() };
    case "push":
      return { kind: "push", endpoint: body.endpoint, p256dh: body.keys.p256dh, auth: body.keys.auth };
    case "webhook":
      return {
        kind: "webhook",
        preset: body.preset ?? "standard",
        url: body.url.trim(),
        topic: body.topic ?? null,
        chatId: body.chat_id ?? null,
        token: body.token ?? null,
        secret: null,
        oldSecret: null,
        oldSecretUntilMs: null,
      };
  }
}

const presetNames = {
  standard: "Webhook",
  ntfy: "ntfy",
  slack: "Slack",
  telegram: "Telegram",
  home_assistant: "Home Assistant",
} as const;

export function defaultName(body: NewChannelBody): string {
  if (body.kind === "webhook") return presetNames[body.preset ?? "standard"];
  return body.kind === "email" ? "E-mail" : "This browser";
}

/** What is given of a scope; what is not stays. */
export function scopeOf(
  body: Partial<Pick<ChannelBody, "is_on" | "severities" | "where" | "with_server" | "digest_minutes">>,
): Partial<ChannelScope> {
  return {
    ...(body.is_on !== undefined && { isOn: body.is_on }),
    ...(body.severities !== undefined && { severities: [...new Set(body.severities)] }),
    ...(body.where !== undefined && { where: body.where }),
    ...(body.with_server !== undefined && { withServer: body.with_server }),
    ...(body.digest_minutes !== undefined && { digestMinutes: body.digest_minutes }),
  };
}

export function preferencesBody({ timeZone, quietHours }: Preferences): NotificationPreferencesBody {
  return { time_zone: timeZone, quiet_hours: quietHours };
}

export function notificationBody(record: NotificationRecord): NotificationBody {
  const hasEnded = record.endedAtMs !== null;
  return {
    notification_id: record.notificationId,
    person: record.person.name,
    channel_id: record.channelId,
    channel: record.channelName,
    kind: record.kind,
    about: record.about,
    phase: record.phase,
    severity: record.severity,
    title: record.title,
    path: record.path,
    status: record.status,
    held_because: hasEnded || record.messageId !== null ? null : record.heldBecause,
    cause: record.cause,
    tries: record.tries,
    created_at: isoTime(record.createdAtMs),
    due_at: hasEnded ? null : isoTime(record.dueAtMs),
    sent_at: isoOrNull(record.sentAtMs),
    ended_at: isoOrNull(record.endedAtMs),
  };
}

export function maintenanceWindowBody(window: MaintenanceWindow, isActive: boolean): MaintenanceWindowBody {
  return {
    window_id: window.windowId,
    device_ids: [...window.deviceIds],
    where: [...window.where],
    note: window.note,
    from: isoTime(window.fromMs),
    until: isoTime(window.untilMs),
    is_active: isActive,
    created_by: requesterText(window.createdBy),
    created_at: isoTime(window.createdAtMs),
  };
}
