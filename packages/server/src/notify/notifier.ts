import {
  fleetTest,
  isRefusal,
  type NotificationStatus,
  parseConditions,
  type Refusal,
  refuse,
} from "@wattboard/protocol";
import type { Requester } from "../base/requester.ts";
import { inTimeSlices } from "../base/time-slices.ts";
import { ChannelQueue } from "./channel-queue.ts";
import { isFailing, isUsable, wants } from "./channels.ts";
import { noticeTitle, type ToldNotice } from "./compose.ts";
import { type Hold, holdOf, holdWith } from "./hold.ts";
import { HourLimit } from "./hour-limit.ts";
import { isSameNotice, type Notice, type NoticeSink } from "./notice.ts";
import type { NotifierParts } from "./notifier-parts.ts";
import type {
  ChannelFault,
  EscalationSteps,
  NotificationPhase,
  NotificationRecord,
  NotifyChannel,
  PersistedNotify,
  ToldSubject,
} from "./records.ts";
import { personKey } from "./records.ts";
import { viewable } from "./rights.ts";

/** Of a subject of which nobody has been told yet. */
const untold = { over: null, acknowledgedAtMs: null, escalated: [], told: [], missed: [], isOverTold: false };
const tickMs = 15_000;
const dayMs = 86_400_000;
/** What began and is not over; above it the oldest is forgotten, and nobody is told that it is over. */
const subjectsMax = 10_000;
/** Devices that one notification names, where they are not all of its notice. */
const onlyMax = 1_000;

/**
 * Makes of each notice a notification for every channel that wants it, and sees to it that each is delivered or given up by name. What has begun
 * is kept until it is over, so that those who were told are told that as well. Work that grows with people or devices is done in slices.
 */
export class Notifier implements NoticeSink {
  readonly #parts: NotifierParts;
  readonly #subjects = new Map<string, ToldSubject>();
  readonly #queues = new Map<string, ChannelQueue>();
  readonly #limit: HourLimit;
  /** Notifications about each subject that have not ended. */
  readonly #openCounts = new Map<string, number>();
  #escalation: EscalationSteps = [];
  /** One after the other: nothing is over before its beginning was told. */
  #work: Promise<unknown> = Promise.resolve();
  #workCount = 0;
  #isStarted = false;
  #isStopped = false;
  #stopTicking = (): void => {};

  constructor(parts: NotifierParts) {
    this.#parts = parts;
    this.#limit = new HourLimit(parts.perHour);
  }

  /** Takes up where the server before this one ended. Nothing is sent before `start`. */
  restore({ subjects, open, sent, settings }: PersistedNotify): void {
    for (const subject of subjects) this.#subjects.set(subject.about, subject);
    const messages = new Map(sent.map(({ person, messageId, atMs }) => [messageId, { person, atMs }]));
    for (const { person, atMs } of messages.values()) this.#limit.note(personKey(person), atMs);
    this.#escalation = (settings.escalation as EscalationSteps | undefined) ?? [];
    for (const { about } of open)
      if (about !== null) this.#openCounts.set(about, (this.#openCounts.get(about) ?? 0) + 1);
    for (const [channelId, records] of Map.groupBy(open, ({ channelId }) => channelId)) {
      this.#queues.set(channelId, this.#makeQueue(channelId, records));
    }
  }

  start(): void {
    this.#isStarted = true;
    this.#stopTicking = this.#parts.clock.every(tickMs, () => this.#tick());
    this.#tick();
    // What was told just before the server ended may have reached nobody's queue yet.
    for (const { about } of this.#subjects.values()) this.#distribute(about);
    for (const queue of this.#queues.values()) queue.next();
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopTicking();
    for (const queue of this.#queues.values()) queue.stop();
  }

  tell(notice: Notice): void {
    const known = this.#subjects.get(notice.about);
    // Of what nobody was told the beginning, nobody is told the end.
    if (notice.phase === "over") {
      if (known === undefined || known.over !== null) return;
      this.#save({ ...known, over: notice });
    } else {
      const isNew = known === undefined || notice.ring > known.begins.ring;
      if (!isNew && (known.over !== null || isSameNotice(known.begins, notice))) return;
      const nowMs = this.#parts.clock.wallMs();
      const so = isNew ? { ...untold, beganAtMs: nowMs } : known;
      this.#save({ ...so, about: notice.about, begins: notice, toldAtMs: nowMs });
      if (known === undefined) this.#forgetOldest();
    }
    this.#distribute(notice.about);
  }

  acknowledged(about: string): void {
    const subject = this.#subjects.get(about);
    if (subject === undefined || subject.acknowledgedAtMs !== null) return;
    this.#save({ ...subject, acknowledgedAtMs: this.#parts.clock.wallMs() });
  }

  open(): Notice[] {
    return [...this.#subjects.values()].filter(({ over }) => over === null).map(({ begins }) => begins);
  }

  get escalation(): EscalationSteps {
    return this.#escalation;
  }

  setEscalation(steps: EscalationSteps): void {
    this.#escalation = steps;
    this.#parts.journal.save({ table: "setting", id: "escalation", record: steps });
  }

  /** Sends a test at once, also by a channel that is off. */
  test(channel: NotifyChannel): NotificationRecord | Refusal {
    const { clock } = this.#parts;
    if (!channel.isVerified) return refuse("invalid_request", "The address has not been confirmed yet.");
    const freeAtMs = this.#limit.freeAtMs(personKey(channel.person), clock.wallMs());
    if (freeAtMs > clock.wallMs()) return refuse("too_many_notifications", "Try again later.");
    // Whoever tests it wants to know whether it works now.
    if (channel.fault !== null)
      this.#parts.channels.setFault(channel.channelId, { ...channel.fault, retryAtMs: 0, isGone: false });
    return this.#queue(channel, {
      about: null,
      ring: 0,
      phase: "test",
      severity: "info",
      title: "Test",
      path: null,
      only: null,
    });
  }

  /** Whether one more message may be sent to them within this hour; counts it if so. */
  takeOne(person: Requester): boolean {
    const nowMs = this.#parts.clock.wallMs();
    if (this.#limit.freeAtMs(personKey(person), nowMs) > nowMs) return false;
    this.#limit.note(personKey(person), nowMs);
    return true;
  }

  waitingCount(channelId: string): number {
    return this.#queues.get(channelId)?.open.length ?? 0;
  }

  /** What the record tells, as its person may see it now; null where that is nothing. */
  #concerns(record: NotificationRecord): { readonly notice: Notice; readonly deviceIds: readonly string[] } | null {
    const subject = record.about === null ? undefined : this.#subjects.get(record.about);
    const given = this.#parts.rights.devicesOf(record.person);
    const notice = record.phase === "over" ? subject?.over : subject?.begins;
    if (notice == null || given === undefined || !this.#isTheirs(notice, record.person)) return null;
    if (notice.deviceIds.length === 0) return given === null ? { notice, deviceIds: [] } : null;
    const deviceIds = viewable(record.only ?? notice.deviceIds, given);
    return deviceIds.length === 0 ? null : { notice, deviceIds };
  }

  /** A channel was changed, made or removed, or a window has ended. */
  lookAgain(channelId: string): void {
    const channel = this.#parts.channels.find(channelId);
    const queue = this.#queues.get(channelId);
    if (channel === undefined) queue?.withdrawAll("The channel was removed.");
    else if (!channel.scope.isOn) queue?.withdrawAll("The channel was turned off.");
    queue?.next();
    if (queue?.open.length === 0 && channel === undefined) this.#queues.delete(channelId);
  }

  /** A window has ended: what still holds is told now. */
  tellWhatHolds(): void {
    for (const { about, over } of this.#subjects.values()) if (over === null) this.#distribute(about);
  }

  /** Resolves once all that was told so far has been given to the channels. */
  async distributed(): Promise<void> {
    while (this.#workCount > 0) await this.#work;
  }

  #tick(): void {
    const { channels, windows, rights } = this.#parts;
    for (const person of channels.people()) {
      if (rights.devicesOf(person) !== undefined) continue;
      const theirs = channels.of(person);
      channels.forget(person);
      for (const { channelId } of theirs) this.#queues.get(channelId)?.withdrawAll("The account was removed.");
    }
    if (windows.dropEnded()) this.tellWhatHolds();
    for (const subject of this.#subjects.values()) this.#escalate(subject);
  }

  #escalate({ about, beganAtMs, acknowledgedAtMs, over, begins, escalated }: ToldSubject): void {
    if (acknowledgedAtMs !== null || over !== null) return;
    for (const step of this.#escalation) {
      const key = `${step.after_minutes} ${step.person}`;
      const isDue = beganAtMs + step.after_minutes * 60_000 <= this.#parts.clock.wallMs();
      if (!isDue || !step.severities.includes(begins.severity) || escalated.includes(key)) continue;
      this.#do(() => this.#tellStep(about, key, step.person));
    }
  }

  #distribute(about: string): void {
    if (this.#isStarted) this.#do(() => this.#tellAll(about));
  }

  /** The rest of the notices waits for this one, and for nothing else. */
  #do(work: () => Generator<void, void>): void {
    this.#workCount++;
    this.#work = this.#work
      .then(() => (this.#isStopped ? undefined : inTimeSlices(work(), undefined, this.#parts.clock)))
      .finally(() => this.#workCount--);
  }

  *#tellAll(about: string): Generator<void, void> {
    const begins = this.#subjects.get(about)?.begins;
    if (begins === undefined) return;
    const left = yield* this.#notInMaintenance(begins);
    for (const channel of [...this.#parts.channels.all()]) {
      yield;
      const subject = this.#subjects.get(about);
      if (subject === undefined || subject.isOverTold) return;
      if (subject.told.includes(channel.channelId) || !wants(channel, subject)) continue;
      const deviceIds = yield* this.#wanted(channel, begins, left);
      if (deviceIds !== null) this.#queueFor(channel, subject, "begins", deviceIds);
    }
    this.#tellOver(about);
  }

  *#tellStep(about: string, key: string, name: string): Generator<void, void> {
    const subject = this.#subjects.get(about);
    if (subject === undefined || subject.escalated.includes(key) || subject.acknowledgedAtMs !== null) return;
    const left = yield* this.#notInMaintenance(subject.begins);
    // While all of it is in maintenance the step waits.
    if (left.length === 0 && subject.begins.deviceIds.length > 0) return;
    this.#save({ ...subject, escalated: [...subject.escalated, key] });
    const person = this.#parts.person(name);
    const mayHear = person !== undefined && this.#isTheirs(subject.begins, person);
    const given = mayHear ? this.#parts.rights.devicesOf(person) : undefined;
    const usable = person === undefined ? [] : this.#parts.channels.of(person).filter(isUsable);
    const deviceIds = given === undefined ? [] : viewable(left, given);
    const isTheirs = subject.begins.deviceIds.length === 0 ? given === null : deviceIds.length > 0;
    if (!isTheirs || usable.length === 0) return this.#parts.watch.reachesNobody(name, subject.begins);
    this.#parts.watch.escalated(name, subject.begins);
    for (const channel of usable) {
      const newest = this.#subjects.get(about);
      if (newest !== undefined) this.#queueFor(channel, newest, "escalated", deviceIds);
    }
  }

  /** To those who were told that it began, by the same channels. */
  #tellOver(about: string): void {
    const subject = this.#subjects.get(about);
    if (subject === undefined || subject.over === null || subject.isOverTold) return;
    this.#save({ ...subject, isOverTold: true });
    for (const channelId of subject.told) {
      if (subject.missed.includes(channelId)) continue;
      const channel = this.#parts.channels.find(channelId);
      if (channel === undefined || !isUsable(channel)) continue;
      const begins = this.#queues.get(channelId)?.open.find((record) => record.about === about);
      const given = this.#parts.rights.devicesOf(channel.person);
      if (given === undefined) continue;
      this.#queueFor(channel, subject, "over", viewable(subject.over.deviceIds, given), begins);
    }
    this.#forgetIfDone(about);
  }

  #isTheirs({ forAdministrators }: Notice, person: Requester): boolean {
    return !forAdministrators || this.#parts.rights.mayAdminister(person);
  }

  *#notInMaintenance({ deviceIds }: Notice): Generator<void, readonly string[]> {
    const covered = yield* this.#parts.windows.coveredOf(deviceIds);
    return covered.size === 0 ? deviceIds : deviceIds.filter((deviceId) => !covered.has(deviceId));
  }

  /** The devices that the channel is told of; null: nothing of it is for them. What a condition cannot judge now is told. */
  *#wanted(
    { person, scope }: NotifyChannel,
    notice: Notice,
    left: readonly string[],
  ): Generator<void, readonly string[] | null> {
    const given = this.#parts.rights.devicesOf(person);
    if (given === undefined || !this.#isTheirs(notice, person)) return null;
    if (notice.deviceIds.length === 0) return given === null && scope.withServer ? [] : null;
    const theirs = viewable(left, given);
    const conditions = parseConditions(scope.where);
    if (isRefusal(conditions) || conditions.length === 0) return theirs.length === 0 ? null : theirs;
    const test = fleetTest(conditions);
    const found: string[] = [];
    for (const deviceId of theirs) {
      yield;
      const row = this.#parts.fleet.find(deviceId);
      if (row !== undefined && test(row, this.#parts.clock.wallMs()) !== "fails") found.push(deviceId);
    }
    return found.length === 0 ? null : found;
  }

  #queueFor(
    channel: NotifyChannel,
    subject: ToldSubject,
    phase: "begins" | "escalated" | "over",
    deviceIds: readonly string[],
    behind?: NotificationRecord,
  ): void {
    const { about, ring, path, severity, ...notice } = (phase === "over" ? subject.over : null) ?? subject.begins;
    if (phase !== "over" && !subject.told.includes(channel.channelId)) {
      this.#save({ ...subject, told: [...subject.told, channel.channelId] });
    }
    this.#openCounts.set(about, (this.#openCounts.get(about) ?? 0) + 1);
    const hold = phase === "escalated" ? null : (holdWith(behind) ?? this.#holdOf(channel, severity));
    const title = noticeTitle({ about, ring, path, severity, ...notice }, deviceIds, this.#parts.nameOf);
    const only = deviceIds.length === notice.deviceIds.length ? null : deviceIds.slice(0, onlyMax);
    this.#queue(channel, { about, ring, phase, severity, title, path, only }, hold);
  }

  #holdOf(channel: NotifyChannel, severity: Notice["severity"]): Hold | null {
    const { clock, channels, timeZone } = this.#parts;
    const open = this.#queues.get(channel.channelId)?.open ?? [];
    return holdOf(channel.scope, channels.preferencesOf(channel.person), {
      severity,
      open,
      timeZone,
      nowMs: clock.wallMs(),
    });
  }

  #queue(
    channel: NotifyChannel,
    what: Pick<NotificationRecord, "about" | "ring" | "severity" | "title" | "path" | "only"> & {
      phase: NotificationPhase;
    },
    hold: Hold | null = null,
  ): NotificationRecord {
    const nowMs = this.#parts.clock.wallMs();
    const dueAtMs = hold?.dueAtMs ?? nowMs;
    const record: NotificationRecord = {
      notificationId: `ntf_${this.#parts.newId(8)}`,
      person: channel.person,
      channelId: channel.channelId,
      channelName: channel.name,
      kind: channel.address.kind,
      ...what,
      status: "queued" satisfies NotificationStatus,
      heldBecause: hold?.heldBecause ?? null,
      cause: null,
      tries: 0,
      messageId: null,
      createdAtMs: nowMs,
      dueAtMs,
      giveUpAtMs: Math.max(dueAtMs, nowMs) + dayMs,
      sentAtMs: null,
      endedAtMs: null,
    };
    const { channelId } = channel;
    const queue = this.#queues.get(channelId) ?? this.#makeQueue(channelId, []);
    this.#queues.set(channelId, queue);
    queue.add(record);
    return record;
  }

  #makeQueue(channelId: string, open: readonly NotificationRecord[]): ChannelQueue {
    const { clock, newId, journal, channels } = this.#parts;
    return new ChannelQueue(
      {
        clock,
        newId,
        journal,
        limit: this.#limit,
        channel: () => channels.find(channelId),
        withdrawnBecause: (record) => this.#withdrawnBecause(record),
        deliver: (channel, messageId, records) => this.#parts.deliver(channel, messageId, this.#told(records)),
        setFault: (fault) => this.#setFault(channelId, fault),
        ended: (record) => this.#ended(record),
      },
      open,
    );
  }

  #withdrawnBecause(record: NotificationRecord): string | null {
    if (record.about === null) return null;
    if ((this.#subjects.get(record.about)?.begins.ring ?? 0) > record.ring) return "It has begun again since.";
    if (record.phase === "over" && this.#subjects.get(record.about)?.missed.includes(record.channelId)) {
      return "They were not told that it began.";
    }
    return this.#concerns(record) === null ? "They may not see any of it any more." : null;
  }

  #told(records: readonly NotificationRecord[]): ToldNotice[] {
    return records.flatMap((record) => {
      const found = this.#concerns(record);
      return found === null ? [] : [{ record, ...found }];
    });
  }

  #setFault(channelId: string, fault: ChannelFault | null): void {
    const { channels, watch } = this.#parts;
    const channel = channels.find(channelId);
    if (channel === undefined) return;
    const wasFailing = isFailing(channel.fault);
    channels.setFault(channelId, fault);
    if (fault !== null && isFailing(fault) && !wasFailing) watch.failing(channel, fault.cause);
    if (fault === null && wasFailing) watch.recovered(channel);
  }

  #ended(record: NotificationRecord): void {
    if (record.status === "given_up") this.#parts.watch.gaveUp(record);
    const subject = record.about === null ? undefined : this.#subjects.get(record.about);
    if (subject === undefined) return;
    this.#openCounts.set(subject.about, (this.#openCounts.get(subject.about) ?? 1) - 1);
    if (record.phase !== "over") {
      const others = subject.missed.filter((channelId) => channelId !== record.channelId);
      const missed = record.status === "delivered" ? others : [...others, record.channelId];
      if (missed.length !== subject.missed.length) this.#save({ ...subject, missed });
    }
    this.#forgetIfDone(subject.about);
  }

  /** What is over is forgotten once nobody is to be told any more. */
  #forgetIfDone(about: string): void {
    const subject = this.#subjects.get(about);
    if (subject === undefined || !subject.isOverTold || (this.#openCounts.get(about) ?? 0) > 0) return;
    this.#subjects.delete(about);
    this.#openCounts.delete(about);
    this.#parts.journal.save({ table: "subject", id: about, record: null });
  }

  #save(subject: ToldSubject): void {
    this.#subjects.set(subject.about, subject);
    this.#parts.journal.save({ table: "subject", id: subject.about, record: subject });
  }

  #forgetOldest(): void {
    if (this.#subjects.size <= subjectsMax) return;
    const [oldest] = this.#subjects.keys();
    if (oldest === undefined) return;
    this.#subjects.delete(oldest);
    this.#parts.journal.save({ table: "subject", id: oldest, record: null });
  }
}
