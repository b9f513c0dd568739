import Type from "typebox";
import { alarmSeverities } from "./alarms.ts";
import { body, deviceId, nextCursor, orNull, type ReadonlyBody, time } from "./body.ts";
import { limits } from "./limits.ts";

/** By what people are told. */
export const channelKinds = ["email", "push", "webhook"] as const;
export type ChannelKind = (typeof channelKinds)[number];

/** What a webhook's receiver understands: `standard` is Standard Webhooks, the others are what these services document. */
export const webhookPresets = ["standard", "ntfy", "slack", "telegram", "home_assistant"] as const;
export type WebhookPreset = (typeof webhookPresets)[number];

/**
 * `unverified`: an e-mail address whose owner has not confirmed it. `failing`: what was sent last did not arrive, and is tried again. `gone`: the
 * receiver says that there is nobody any more; nothing is sent there until it is made anew.
 */
export const channelStates = ["unverified", "ready", "failing", "gone"] as const;
export type ChannelState = (typeof channelStates)[number];

/**
 * The life of a notification. `queued` waits for its time, `sent` was handed over and not answered yet, `delivered` was taken by the mail server,
 * the push service or the webhook, `seen` was shown by the browser; `failed` is tried again. `given_up` and `withdrawn` are ends, with a cause.
 */
export const notificationStatuses = ["queued", "sent", "delivered", "seen", "failed", "given_up", "withdrawn"] as const;
export type NotificationStatus = (typeof notificationStatuses)[number];

/** Why one that is queued waits. */
export const holdReasons = ["quiet_hours", "digest", "limit"] as const;
export type HoldReason = (typeof holdReasons)[number];

const severity = Type.Enum([...alarmSeverities]);
const closed = { additionalProperties: false };
const channelId = Type.String({ examples: ["chn_5f0c2a9b1d3e4f60"] });
const personName = Type.String({ examples: ["ada"] });
const deviceConditions = (description: string, minItems = 0) =>
  Type.Array(Type.String({ minLength: 1, maxLength: limits.conditionLengthMax }), {
    minItems,
    maxItems: limits.conditionsMax,
    description,
  });

const told = {
  is_on: Type.Boolean({ description: "Whether anything but tests is sent there" }),
  severities: Type.Array(severity, { maxItems: 3, description: "What is told" }),
  where: deviceConditions(
    "About which devices: conditions as in the filters of the fleet page; none: all that one may see",
  ),
  with_server: Type.Boolean({
    description: "Also what is about the server as a whole; for those alone to whom all devices are given",
  }),
  digest_minutes: Type.Integer({
    minimum: 0,
    maximum: 24 * 60,
    description: "Collects for so long and sends one message of all; 0: each at once",
  }),
};

export const channelSchema = body("Channel", "By what somebody is told.", {
  channel_id: channelId,
  kind: Type.Enum([...channelKinds]),
  preset: orNull(Type.Enum([...webhookPresets])),
  name: Type.String({ examples: ["My phone"] }),
  to: Type.String({
    description: "The address, or the host of a webhook: the rest of its address may be a secret, and is not told",
    examples: ["ada@example.org", "https://hooks.slack.com/…"],
  }),
  state: Type.Enum([...channelStates]),
  cause: orNull(Type.String({ description: "Why it is failing or gone" })),
  failing_since: orNull(time("Since when nothing has arrived")),
  next_try_at: orNull(time("When it is tried again")),
  waiting: Type.Integer({ minimum: 0, description: "Notifications that have not ended" }),
  ...told,
  created_at: time("When it was made"),
});
export type ChannelBody = ReadonlyBody<Type.Static<typeof channelSchema>>;

export const channelsSchema = body("Channels", "By what somebody is told, and what can be set up.", {
  channels: Type.Array(channelSchema),
  can_mail: Type.Boolean({ description: "Whether the server can send e-mail (`notify.smtp_url`)" }),
  push_public_key: Type.String({ description: "For the browser's subscription (VAPID, base64url)" }),
});
export type ChannelsBody = ReadonlyBody<Type.Static<typeof channelsSchema>>;

const givenName = Type.Optional(Type.String({ minLength: 1, maxLength: limits.nameLengthMax }));
const changes = {
  is_on: Type.Optional(told.is_on),
  severities: Type.Optional(told.severities),
  where: Type.Optional(told.where),
  with_server: Type.Optional(told.with_server),
  digest_minutes: Type.Optional(told.digest_minutes),
};
/** Of an endpoint: a preset may bring its token in it. */
const url = Type.String({ minLength: 1, maxLength: 2_048, examples: ["https://example.org/hooks/wattboard"] });
const key = (description: string) => Type.String({ minLength: 1, maxLength: 200, description });

/** The body of `POST /api/v1/me/channels`. */
export const newChannelSchema = Type.Union(
  [
    Type.Object(
      { kind: Type.Literal("email"), address: Type.String({ maxLength: 256 }), name: givenName, ...changes },
      { ...closed, title: "NewEmailChannel" },
    ),
    Type.Object(
      {
        kind: Type.Literal("push"),
        endpoint: url,
        keys: Type.Object({ p256dh: key("The browser's public key"), auth: key("Its secret") }, closed),
        name: givenName,
        ...changes,
      },
      { ...closed, title: "NewPushChannel", description: "What `PushSubscription.toJSON()` gives." },
    ),
    Type.Object(
      {
        kind: Type.Literal("webhook"),
        preset: Type.Optional(Type.Enum([...webhookPresets])),
        url,
        topic: Type.Optional(key("Of ntfy: the topic")),
        chat_id: Type.Optional(key("Of Telegram: to which chat")),
        token: Type.Optional(key("Of ntfy: an access token, where the topic needs one")),
        name: givenName,
        ...changes,
      },
      { ...closed, title: "NewWebhookChannel" },
    ),
  ],
  { title: "NewChannel", description: "By what one wants to be told." },
);
export type NewChannelBody = ReadonlyBody<Type.Static<typeof newChannelSchema>>;

export const channelChangeSchema = Type.Object({ name: givenName, ...changes }, { ...closed, title: "ChannelChange" });
export type ChannelChangeBody = ReadonlyBody<Type.Static<typeof channelChangeSchema>>;

export const madeChannelSchema = body("MadeChannel", "A channel, and once its secret.", {
  channel: channelSchema,
  secret: orNull(
    Type.String({ description: "With which a standard webhook checks the signature; shown only this once" }),
  ),
  old_secret_until: orNull(time("Until when messages are signed with the old secret as well")),
});
export type MadeChannelBody = ReadonlyBody<Type.Static<typeof madeChannelSchema>>;

/** The body of `POST /api/v1/me/channels/{channel}/verify`. */
export const verifyChannelSchema = Type.Object({ code: Type.String({ maxLength: 64 }) }, closed);

const clockTime = (description: string) =>
  Type.String({ pattern: "^(?:[01][0-9]|2[0-3]):[0-5][0-9]$", description, examples: ["22:00"] });

const quietHours = orNull(
  Type.Object(
    {
      from: clockTime("When they begin, on one's own clock"),
      to: clockTime("When they end, and what has come is told in one message"),
      critical_breaks_through: Type.Boolean({ description: "Whether critical ones are told at once all the same" }),
    },
    { ...closed, description: "Null: none" },
  ),
);

export const notificationPreferencesSchema = body("NotificationPreferences", "When somebody is told.", {
  time_zone: orNull(Type.String({ description: "IANA name; null: the server's (`site.time_zone`)" })),
  quiet_hours: quietHours,
});
export type NotificationPreferencesBody = ReadonlyBody<Type.Static<typeof notificationPreferencesSchema>>;

export const preferencesChangeSchema = Type.Partial(notificationPreferencesSchema, {
  title: "NotificationPreferencesChange",
});

export const notificationSchema = body("Notification", "One message to one channel, and its life.", {
  notification_id: Type.String(),
  person: personName,
  channel_id: channelId,
  channel: Type.String({ description: "The channel's name" }),
  kind: Type.Enum([...channelKinds]),
  about: orNull(Type.String({ description: "What it is about, such as an alarm's id; null: a test" })),
  phase: Type.Enum(["test", "begins", "escalated", "over"]),
  severity,
  title: Type.String(),
  path: orNull(Type.String({ description: "The page about it" })),
  status: Type.Enum([...notificationStatuses]),
  held_because: orNull(Type.Enum([...holdReasons])),
  cause: orNull(Type.String({ description: "Why it failed, was given up or withdrawn" })),
  tries: Type.Integer({ minimum: 0 }),
  created_at: time("When it came up"),
  due_at: orNull(time("When it is sent, or tried again; null where it has ended")),
  sent_at: orNull(time("When it was handed over last")),
  ended_at: orNull(time("When it was delivered, given up or withdrawn")),
});
export type NotificationBody = ReadonlyBody<Type.Static<typeof notificationSchema>>;

export const notificationsSchema = body("Notifications", "A page of notifications, the newest first.", {
  notifications: Type.Array(notificationSchema),
  next_cursor: nextCursor,
});
export type NotificationsBody = ReadonlyBody<Type.Static<typeof notificationsSchema>>;

const failingChannel = body("FailingChannel", "A channel by which somebody cannot be told.", {
  person: personName,
  ...channelSchema.properties,
});
export const failingChannelsSchema = body("FailingChannels", "All channels that fail.", {
  channels: Type.Array(failingChannel),
});
export type FailingChannelsBody = ReadonlyBody<Type.Static<typeof failingChannelsSchema>>;

const escalationStep = Type.Object(
  {
    after_minutes: Type.Integer({ minimum: 1, maximum: 7 * 24 * 60, description: "Without acknowledgement" }),
    severities: Type.Array(severity, { minItems: 1, maxItems: 3 }),
    person: Type.String({ description: "Who is told then, by all channels that are theirs", examples: ["bob"] }),
  },
  closed,
);
export const escalationSchema = body("Escalation", "Who is told when nobody acknowledges.", {
  steps: Type.Array(escalationStep, { maxItems: limits.escalationStepsMax }),
});
export type EscalationBody = ReadonlyBody<Type.Static<typeof escalationSchema>>;

const windowFields = {
  device_ids: Type.Array(deviceId, { maxItems: 1_000, description: "Which devices; none: those that `where` finds" }),
  where: deviceConditions("Which devices: conditions as in the filters of the fleet page"),
  note: Type.String({ maxLength: 1_000, description: "Why", examples: ["New inverter"] }),
};

export const maintenanceWindowSchema = body(
  "MaintenanceWindow",
  "A time in which nobody is told of these devices. Alarms are recorded all the same; one that still holds at its end is told then.",
  {
    window_id: Type.String({ examples: ["mnt_5f0c2a9b1d3e4f60"] }),
    ...windowFields,
    from: time("When it begins"),
    until: time("When it ends"),
    is_active: Type.Boolean(),
    created_by: Type.String(),
    created_at: time("When it was made"),
  },
);
export type MaintenanceWindowBody = ReadonlyBody<Type.Static<typeof maintenanceWindowSchema>>;

export const maintenanceWindowsSchema = body("MaintenanceWindows", "Windows that have not ended, the next first.", {
  windows: Type.Array(maintenanceWindowSchema),
});
export type MaintenanceWindowsBody = ReadonlyBody<Type.Static<typeof maintenanceWindowsSchema>>;

/** The body of `POST /api/v1/maintenance-windows`. */
export const newMaintenanceWindowSchema = Type.Object(
  {
    device_ids: Type.Optional(windowFields.device_ids),
    where: Type.Optional(windowFields.where),
    note: Type.Optional(windowFields.note),
    from: Type.Optional(Type.String({ maxLength: 64, description: "RFC 3339; absent: now" })),
    until: Type.String({ maxLength: 64, description: "RFC 3339; at most 30 days after its beginning" }),
  },
  { ...closed, title: "NewMaintenanceWindow" },
);
export type NewMaintenanceWindowBody = ReadonlyBody<Type.Static<typeof newMaintenanceWindowSchema>>;
