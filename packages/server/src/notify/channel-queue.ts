import { limits, type NotificationStatus } from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { NewId } from "../base/random-id.ts";
import type { HourLimit } from "./hour-limit.ts";
import type { Outcome } from "./message.ts";
import type { NotifyJournal } from "./notify-journal.ts";
import { type ChannelFault, type NotificationRecord, type NotifyChannel, personKey } from "./records.ts";

export interface QueueParts {
  readonly clock: Clock;
  readonly newId: NewId;
  readonly journal: NotifyJournal;
  readonly limit: HourLimit;
  /** The channel as it is now; undefined: it was removed. */
  channel(): NotifyChannel | undefined;
  /** Why this one may not be sent any more, in words; null where it may. */
  withdrawnBecause(record: NotificationRecord): string | null;
  /** Hands one message over. Resolves in any case, within a deadline. */
  deliver(channel: NotifyChannel, messageId: string, records: readonly NotificationRecord[]): Promise<Outcome>;
  /** The channel fails, or no longer does. */
  setFault(fault: ChannelFault | null): void;
  ended(record: NotificationRecord): void;
}

const firstRetryMs = 30_000;
const retryMsMax = 30 * 60_000;
/** The wall clock may be set: what it decides is looked at again this often. */
const lookMsMax = 60_000;

/**
 * What waits for one channel, and its delivery: one message at a time, in the order in which things came up, each step stored before the next. What
 * fails is tried again with backoff, and what is behind it waits meanwhile: to the same receiver it would fail as well, and nobody must hear that
 * something is over before they hear that it began.
 */
export class ChannelQueue {
  readonly #parts: QueueParts;
  #open: NotificationRecord[] = [];
  #isBusy = false;
  #isStopped = false;
  #cancelTimer: CancelTimer | null = null;

  constructor(parts: QueueParts, open: readonly NotificationRecord[] = []) {
    this.#parts = parts;
    this.#open = [...open];
  }

  get open(): readonly NotificationRecord[] {
    return this.#open;
  }

  add(record: NotificationRecord): void {
    this.#open.push(record);
    this.#parts.journal.save({ table: "notification", id: record.notificationId, record });
    if (this.#open.length > limits.notificationsWaitingPerChannel) {
      const oldest = this.#open.find(({ status }) => status !== "sent");
      if (oldest !== undefined) {
        this.#end(oldest, "given_up", `More than ${limits.notificationsWaitingPerChannel} were waiting.`);
      }
    }
    this.next();
  }

  /** Ends all that has not ended: nobody is there to be told. */
  withdrawAll(cause: string): void {
    for (const record of [...this.#open]) if (record.status !== "sent") this.#end(record, "withdrawn", cause);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  /** Goes on, if there is anything to be done now. */
  next(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#isBusy || this.#isStopped || this.#open.length === 0) return;
    const channel = this.#parts.channel();
    const nowMs = this.#parts.clock.wallMs();
    if (channel === undefined) this.withdrawAll("The channel was removed.");
    else this.#giveUpLate(channel, nowMs);
    if (channel === undefined || this.#open.length === 0) return;
    const waitMs = (channel.fault?.retryAtMs ?? 0) - nowMs;
    const group = waitMs > 0 ? [] : this.#group(channel, nowMs);
    if (group.length > 0) void this.#attempt(channel, group);
    else if (this.#open.length > 0) {
      this.#lookAgain(Math.max(waitMs, Math.min(...this.#open.map(({ dueAtMs }) => dueAtMs)) - nowMs));
    }
  }

  #lookAgain(inMs: number): void {
    this.#cancelTimer = this.#parts.clock.after(Math.min(Math.max(inMs, 1), lookMsMax), () => this.next());
  }

  #giveUpLate({ fault }: NotifyChannel, nowMs: number): void {
    for (const record of [...this.#open]) {
      if (fault?.isGone) this.#end(record, "given_up", fault.cause);
      else if (record.giveUpAtMs <= nowMs) {
        this.#end(
          record,
          "given_up",
          `Tried for a day. ${record.cause ?? fault?.cause ?? "It never came to be sent."}`,
        );
      }
    }
  }

  /** What makes the next message: one that was tried already; else what is due first, with all that is collected where it is. */
  #group({ person }: NotifyChannel, nowMs: number): NotificationRecord[] {
    const tried = this.#open.find(({ messageId }) => messageId !== null);
    if (tried !== undefined) return this.#open.filter(({ messageId }) => messageId === tried.messageId);
    for (const record of [...this.#open]) {
      const cause = record.dueAtMs > nowMs ? null : this.#parts.withdrawnBecause(record);
      if (cause !== null) this.#end(record, "withdrawn", cause);
    }
    const due = this.#open.filter(({ dueAtMs }) => dueAtMs <= nowMs);
    const [first] = due;
    if (first === undefined) return [];
    const freeAtMs = this.#parts.limit.freeAtMs(personKey(person), nowMs);
    if (freeAtMs > nowMs) {
      for (const record of due) this.#change({ ...record, heldBecause: "limit", dueAtMs: freeAtMs });
      return [];
    }
    this.#parts.limit.note(personKey(person), nowMs);
    const group = first.heldBecause === null ? [first] : due.filter(({ heldBecause }) => heldBecause !== null);
    const messageId = `msg_${this.#parts.newId(16)}`;
    return group.map((record) => this.#change({ ...record, messageId }));
  }

  async #attempt(channel: NotifyChannel, group: readonly NotificationRecord[]): Promise<void> {
    const { clock, journal } = this.#parts;
    this.#isBusy = true;
    const sent = group.map((record) =>
      this.#change({ ...record, status: "sent", tries: record.tries + 1, sentAtMs: clock.wallMs() }),
    );
    // Where the disk is full it is sent all the same: that may be just what it tells of.
    await journal.settle();
    const delivery = this.#isStopped ? null : await this.#deliver(channel, sent);
    this.#isBusy = false;
    // A stop leaves it as sent: the next start tries it again, under the same id.
    if (delivery === null) return this.next();
    if (delivery.kind === "delivered") {
      for (const record of sent) this.#end(record, "delivered", null);
      this.#parts.setFault(null);
    } else this.#failed(sent, delivery);
    this.next();
  }

  /** What may not be told any more is withdrawn before each try; null where nothing is left, or the server stops. */
  async #deliver(channel: NotifyChannel, sent: NotificationRecord[]): Promise<Outcome | null> {
    for (const record of [...sent]) {
      const cause = this.#parts.withdrawnBecause(record);
      if (cause === null) continue;
      this.#end(record, "withdrawn", cause);
      sent.splice(sent.indexOf(record), 1);
    }
    const [first] = sent;
    if (first === undefined) return null;
    const delivery = await this.#parts.deliver(channel, first.messageId as string, sent);
    return this.#isStopped && delivery.kind === "failed" ? null : delivery;
  }

  #failed(sent: readonly NotificationRecord[], { cause, final, retryAfterMs = 0 }: Outcome & { kind: "failed" }): void {
    const { clock, channel, setFault } = this.#parts;
    for (const record of sent) {
      if (final === "message") this.#end(record, "given_up", cause);
      else this.#change({ ...record, status: "failed", cause });
    }
    const before = channel()?.fault ?? null;
    const tries = (before?.tries ?? 0) + 1;
    const backoffMs = Math.min(Math.max(firstRetryMs * 2 ** Math.min(tries - 1, 10), retryAfterMs), retryMsMax);
    setFault({
      sinceMs: before?.sinceMs ?? clock.wallMs(),
      cause,
      tries,
      // Another message may be taken.
      retryAtMs: clock.wallMs() + (final === "message" ? 0 : backoffMs),
      hasLost: final === "message" || before?.hasLost === true,
      isGone: final === "channel",
    });
  }

  #change(record: NotificationRecord): NotificationRecord {
    this.#open = this.#open.map((each) => (each.notificationId === record.notificationId ? record : each));
    this.#parts.journal.save({ table: "notification", id: record.notificationId, record });
    return record;
  }

  #end(record: NotificationRecord, status: NotificationStatus, cause: string | null): void {
    const ended = { ...record, status, cause, endedAtMs: this.#parts.clock.wallMs() };
    this.#open = this.#open.filter(({ notificationId }) => notificationId !== record.notificationId);
    this.#parts.journal.save({ table: "notification", id: record.notificationId, record: ended });
    this.#parts.ended(ended);
  }
}
