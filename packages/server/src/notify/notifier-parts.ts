import type { Clock } from "../base/clock.ts";
import type { NewId } from "../base/random-id.ts";
import type { Requester } from "../base/requester.ts";
import type { Channels } from "./channels.ts";
import type { ToldNotice } from "./compose.ts";
import type { FleetLookup, MaintenanceWindows } from "./maintenance-windows.ts";
import type { Outcome } from "./message.ts";
import type { Notice } from "./notice.ts";
import type { NotifyJournal } from "./notify-journal.ts";
import type { NotificationRecord, NotifyChannel } from "./records.ts";
import type { NotifyRights } from "./rights.ts";

/** Told of what people should know although no message reaches them. */
export interface NotifyWatch {
  /** A channel has failed for a while, or there is nobody any more. */
  failing(channel: NotifyChannel, cause: string): void;
  recovered(channel: NotifyChannel): void;
  gaveUp(record: NotificationRecord): void;
  /** Nobody has acknowledged, and so this person is told. */
  escalated(person: string, notice: Notice): void;
  /** A step of escalation has nobody to tell. */
  reachesNobody(person: string, notice: Notice): void;
}

export interface NotifierParts {
  readonly clock: Clock;
  readonly newId: NewId;
  readonly journal: NotifyJournal;
  readonly channels: Channels;
  readonly windows: MaintenanceWindows;
  readonly rights: NotifyRights;
  readonly fleet: FleetLookup;
  readonly watch: NotifyWatch;
  /** The zone of who has not chosen one. */
  readonly timeZone: string;
  readonly perHour: number;
  /** Who is called so now; undefined: nobody. */
  person(name: string): Requester | undefined;
  nameOf(deviceId: string): string;
  /** Hands one message over; nothing told: it is a test. Resolves in any case, within a deadline. */
  deliver(channel: NotifyChannel, messageId: string, told: readonly ToldNotice[]): Promise<Outcome>;
}
