import type {
  AlarmSeverity,
  ChannelKind,
  EscalationBody,
  HoldReason,
  NotificationPreferencesBody,
  NotificationStatus,
  WebhookPreset,
} from "@wattboard/protocol";
import type { Requester } from "../base/requester.ts";
import type { Notice } from "./notice.ts";

interface EmailAddress {
  readonly kind: "email";
  readonly address: string;
}

/** What a browser has subscribed with (W3C Push API). */
export interface PushAddress {
  readonly kind: "push";
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
}

export interface WebhookAddress {
  readonly kind: "webhook";
  readonly preset: WebhookPreset;
  readonly url: string;
  readonly topic: string | null;
  readonly chatId: string | null;
  readonly token: string | null;
  /** `whsec_…`, of a standard webhook. */
  readonly secret: string | null;
  readonly oldSecret: string | null;
  readonly oldSecretUntilMs: number | null;
}

export type ChannelAddress = EmailAddress | PushAddress | WebhookAddress;

/** What is told by a channel. */
export interface ChannelScope {
  readonly isOn: boolean;
  readonly severities: readonly AlarmSeverity[];
  /** Conditions on devices, all of them. */
  readonly where: readonly string[];
  readonly withServer: boolean;
  readonly digestMinutes: number;
}

/** A code that was sent to an address, so that its owner confirms it. */
export interface AddressVerification {
  readonly codeKey: string;
  readonly expiresAtMs: number;
  readonly triesLeft: number;
}

/** Why nothing arrives, and when it is tried again. */
export interface ChannelFault {
  readonly sinceMs: number;
  readonly cause: string;
  readonly tries: number;
  readonly retryAtMs: number;
  /** Something was given up since it works no more. */
  readonly hasLost: boolean;
  /** There is nobody any more: it is not tried again. */
  readonly isGone: boolean;
}

/** Replaced as a whole by each change. */
export interface NotifyChannel {
  readonly channelId: string;
  readonly person: Requester;
  readonly name: string;
  readonly address: ChannelAddress;
  readonly scope: ChannelScope;
  readonly isVerified: boolean;
  readonly verification: AddressVerification | null;
  readonly fault: ChannelFault | null;
  readonly createdAtMs: number;
}

export interface Preferences {
  readonly person: Requester;
  readonly timeZone: string | null;
  readonly quietHours: NotificationPreferencesBody["quiet_hours"];
  /** The account's address for which a channel was made by itself, so that it is not made again when they remove it. */
  readonly offeredEmail: string | null;
}

export type NotificationPhase = "test" | "begins" | "escalated" | "over";

/** One message to one channel, and its life. */
export interface NotificationRecord {
  readonly notificationId: string;
  readonly person: Requester;
  readonly channelId: string;
  readonly channelName: string;
  readonly kind: ChannelKind;
  /** Null: a test. */
  readonly about: string | null;
  readonly ring: number;
  readonly phase: NotificationPhase;
  readonly severity: AlarmSeverity;
  readonly title: string;
  readonly path: string | null;
  /** The devices it is about, where that is not all of the notice; at most the first thousand. */
  readonly only: readonly string[] | null;
  readonly status: NotificationStatus;
  readonly heldBecause: HoldReason | null;
  readonly cause: string | null;
  readonly tries: number;
  /** The message that it goes with, once there is one: the same at each try, so that who gets it twice can tell. */
  readonly messageId: string | null;
  readonly createdAtMs: number;
  readonly dueAtMs: number;
  readonly giveUpAtMs: number;
  readonly sentAtMs: number | null;
  readonly endedAtMs: number | null;
}

/** What began and is not over, or of which something is still to be told. */
export interface ToldSubject {
  readonly about: string;
  readonly begins: Notice;
  readonly over: Notice | null;
  readonly beganAtMs: number;
  /** When it was told last that something new has begun: channels made since are not told. */
  readonly toldAtMs: number;
  readonly acknowledgedAtMs: number | null;
  /** Steps of escalation that have been taken. */
  readonly escalated: readonly string[];
  /** Channels that have a notification of its beginning, whatever became of that. */
  readonly told: readonly string[];
  /** Those of them whose notification was given up or withdrawn: they are not told that it is over either. */
  readonly missed: readonly string[];
  /** Whether those who are to be told that it is over have a notification of that. */
  readonly isOverTold: boolean;
}

export interface MaintenanceWindow {
  readonly windowId: string;
  readonly deviceIds: readonly string[];
  readonly where: readonly string[];
  readonly note: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** It covers what they may command. */
  readonly createdBy: Requester;
  readonly createdAtMs: number;
}

export type EscalationSteps = EscalationBody["steps"];

/** One row as it is from now on; `record` null: it is gone. */
export type NotifyRow =
  | { readonly table: "channel"; readonly id: string; readonly record: NotifyChannel | null }
  | { readonly table: "preferences"; readonly id: string; readonly record: Preferences | null }
  | { readonly table: "subject"; readonly id: string; readonly record: ToldSubject | null }
  | { readonly table: "maintenance_window"; readonly id: string; readonly record: MaintenanceWindow | null }
  | { readonly table: "setting"; readonly id: string; readonly record: unknown }
  | { readonly table: "notification"; readonly id: string; readonly record: NotificationRecord };

/** What is kept and needed in memory. */
export interface PersistedNotify {
  readonly channels: readonly NotifyChannel[];
  readonly preferences: readonly Preferences[];
  readonly subjects: readonly ToldSubject[];
  readonly windows: readonly MaintenanceWindow[];
  readonly settings: Readonly<Record<string, unknown>>;
  /** Notifications that have not ended, oldest first. */
  readonly open: readonly NotificationRecord[];
  /** When messages were handed over of late, by person: for the limit of an hour. */
  readonly sent: readonly { readonly person: Requester; readonly messageId: string; readonly atMs: number }[];
}

export interface NotificationsQuery {
  /** Null: of everybody. */
  readonly person: Requester | null;
  readonly limit: number;
  readonly before: number | null;
}

/** Where all of it is kept. */
export interface NotifyStore {
  /** `sentSinceMs`: from when on messages count for the limit. */
  load(sentSinceMs: number): Promise<PersistedNotify>;
  /** All rows or none. What it resolves for is on the disk. Rejects with a `Failure`, `notify_failed`. */
  commit(rows: readonly NotifyRow[]): Promise<void>;
  /** Newest first, with the number that `before` takes. */
  list(query: NotificationsQuery): Promise<{ readonly number: number; readonly record: NotificationRecord }[]>;
  close(): Promise<void>;
}

/** A text by which people are told apart, also from others of the same name. */
export function personKey({ name, sinceMs }: Requester): string {
  return `${name} ${sinceMs}`;
}

export function isOver({ endedAtMs }: NotificationRecord): boolean {
  return endedAtMs !== null;
}
