import { randomBytes } from "node:crypto";
import {
  type Capabilities,
  type Command,
  type CommandResult,
  type CommandStatus,
  commandActions,
  type Deadline,
  unsupportedBecause,
  hasEnded,
  limits,
  type NewCommandBody,
  type Order,
  type Refusal,
  refuse,
} from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { type Requester, requesterText } from "../base/requester.ts";
import { textFrame } from "../link/frame.ts";
import type { CommandJournal } from "./command-journal.ts";
import { advance, type CommandRecord, isSameOrder, type Step, subjectOf } from "./command-record.ts";
import type { CommandStore, PersistedCommands } from "./command-store.ts";
import { evidenceOf, type Values } from "./evidence.ts";

/** A device's link, as commands see it. */
export interface Channel {
  /** False once a newer link has taken over, or this one ends. */
  readonly isOpen: boolean;
  /** Whether the device speaks `wattboard.v1`: then it says hello first. */
  readonly saysHello: boolean;
  /** What a device is taken to know that says no hello in time; absent: what it announced last. */
  readonly defaultCapabilities?: Capabilities;
  /** `frame` has its WebSocket header already. */
  send(frame: Uint8Array): void;
  /** A command's frames, with their headers, where the device speaks another dialect. */
  encode?(command: Command, expiresAt: string): Buffer;
}

/** A device's newest sample. */
export interface Sample {
  readonly values: Values;
  readonly receivedAtMs: number;
}

/** What somebody wants a device to do. */
export interface NewCommand {
  readonly deviceId: string;
  readonly action: NewCommandBody["action"];
  readonly payload: NewCommandBody["payload"];
  /** Absent: one is made. */
  readonly commandId?: string | undefined;
  readonly ttlMs?: number | undefined;
  readonly requester: Requester;
  /** From where; absent where it is given later on somebody's behalf, as in a fleet command. */
  readonly address?: string | undefined;
  readonly fleetCommandId?: string | undefined;
}

export interface DispatcherHooks {
  /** Whether whoever gave a command still may command the device. Asked each time before it is sent. */
  mayStill(record: CommandRecord): boolean;
  /** Puts on record that somebody gives this command, before anything else happens. Throws where it cannot: then the command is refused. */
  record(command: CommandRecord, address: string): void;
  /** A step is stored: tell everybody. */
  stepped(record: CommandRecord, step: Step): void;
  /** A device's result for a command that it was not given, or that has ended. */
  resultIgnored(deviceId: string, result: CommandResult): void;
}

interface OpenCommand {
  record: CommandRecord;
  /** Resolves with null when the command is stored, or with why it could not be. */
  stored: Promise<Refusal | null>;
  /** The link that it was given to last, or is about to be given to as soon as that is stored. */
  channel: Channel | null;
  /** Whether a link may have taken its frame. */
  wasSent: boolean;
  cancelDue: CancelTimer;
}

/** What is known of a device here. Kept while it has open commands, a link, or an announcement. */
interface Desk {
  readonly deviceId: string;
  channel: Channel | null;
  /** Whether commands may go out: the link is there, and has said what it knows if it means to. */
  isReady: boolean;
  announcement: Capabilities | null;
  /** Oldest first; at most 16. */
  readonly open: Map<string, OpenCommand>;
  cancelHello: CancelTimer;
}

const notAnyMore = "Whoever gave it may not command this device any more.";
/** A device that speaks the subprotocol but says no hello for this long is given its commands all the same. */
const helloMsMax = 5_000;
/** `setTimeout` takes no more. */
const timerMsMax = 2 ** 31 - 1;
const nothing: CancelTimer = () => {};

/**
 * Gives commands to devices and follows each to its end (the table in protocol's command-status.ts). Each step is decided here at once,
 * stored, and only then acted on and announced: nobody hears of what a power cut could undo. At least once to the device until it answers
 * or shows it, never after its time to live, never once whoever gave it may not any more, and in the order in which the commands were given.
 */
export class Dispatcher {
  readonly #clock: Clock;
  readonly #store: CommandStore;
  readonly #journal: CommandJournal;
  readonly #latest: (deviceId: string) => Sample | null;
  readonly #hooks: DispatcherHooks;
  readonly #desks = new Map<string, Desk>();
  /** Devices with a command that telemetry may show. Asked for every sample. */
  readonly #watched = new Set<string>();
  readonly stepCounts = new Map<CommandStatus, number>();
  #openCount = 0;
  #isStopped = false;

  constructor(
    clock: Clock,
    store: CommandStore,
    journal: CommandJournal,
    latest: (deviceId: string) => Sample | null,
    hooks: DispatcherHooks,
  ) {
    this.#latest = latest;
    this.#clock = clock;
    this.#store = store;
    this.#journal = journal;
    this.#hooks = hooks;
  }

  /** Takes up what an earlier run left open; `isRegistered` tells whether the device is still the one that it was given to. */
  restore({ open, announcements }: PersistedCommands, isRegistered: (deviceId: string, sinceMs: number) => boolean): void {
    for (const { deviceId, announcement } of announcements) {
      if (isRegistered(deviceId, Number.POSITIVE_INFINITY)) this.#desk(deviceId).announcement = announcement;
      else this.#journal.save({ table: "announcement", deviceId, announcement: null });
    }
    for (const record of open) {
      const desk = this.#desk(record.deviceId);
      // Whether a frame that was about to go out did so is not known: it counts as out.
      const entry = this.#open(desk, record, record.status !== "queued");
      if (isRegistered(record.deviceId, record.createdAtMs)) this.#watch(desk, entry);
      else this.#step(desk, entry, "failed", "The device was removed.");
    }
  }

  /** Gives the command. The answer comes when it is stored: its record as it is then. */
  async submit(command: NewCommand): Promise<CommandRecord | Refusal> {
    const { deviceId, commandId } = command;
    if (commandId !== undefined) {
      const known = await this.#find(deviceId, commandId);
      if (known !== null) return "code" in known || isSameOrder(known, command) ? known : refuse("command_exists");
    }
    const desk = this.#desk(deviceId);
    const misfit = unsupportedBecause(command as Order, desk.announcement);
    if (misfit !== null) return refuse("unsupported_command", misfit);
    const nowMs = this.#clock.wallMs();
    const queued: Step = { status: "queued", atMs: nowMs, cause: `Given by ${requesterText(command.requester)}.` };
    const record: CommandRecord = {
      deviceId,
      commandId: commandId ?? `cmd_${randomBytes(8).toString("hex")}`,
      action: command.action,
      payload: command.payload,
      requestedBy: requesterText(command.requester),
      requester: command.requester,
      fleetCommandId: command.fleetCommandId ?? null,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + (command.ttlMs ?? limits.commandTtlMs),
      status: "queued",
      history: [queued],
      sentAtMs: null,
      isClaimed: false,
    };
    const replaced = [...desk.open.values()].filter((each) => each.record.status === "queued" && isLater(record, each));
    if (desk.open.size - replaced.length >= limits.openCommandsMax) {
      return refuse("too_many_commands", "Wait until some have ended, or look at what they wait for.");
    }
    if (this.#journal.isFailing || this.#isStopped) return refuse("commands_unavailable");
    if (!this.#hooks.mayStill(record)) return refuse("not_permitted", notAnyMore);
    try {
      this.#hooks.record(record, command.address ?? "");
    } catch {
      return refuse("audit_unavailable");
    }
    const entry = this.#begin(desk, record, queued);
    return (await entry.stored) ?? entry.record;
  }

  /** A device has come on this link; whatever link it had before counts no more. */
  connected(deviceId: string, channel: Channel): void {
    const desk = this.#desk(deviceId);
    desk.cancelHello();
    desk.channel = channel;
    desk.isReady = !channel.saysHello;
    if (channel.saysHello) {
      const { defaultCapabilities: unlessAnnounced = desk.announcement } = channel;
      if (desk.announcement === null) this.#announce(desk, unlessAnnounced);
      desk.cancelHello = this.#clock.after(helloMsMax, () => {
        this.#announce(desk, unlessAnnounced);
        this.#ready(desk, channel);
      });
    } else {
      // It speaks as plainly as the seeds: what an earlier program of it announced holds no more.
      this.#announce(desk, null);
      this.#ready(desk, channel);
    }
  }

  disconnected(deviceId: string, channel: Channel): void {
    const desk = this.#desks.get(deviceId);
    if (desk === undefined || desk.channel !== channel) return;
    desk.cancelHello();
    desk.channel = null;
    desk.isReady = false;
    for (const entry of desk.open.values()) this.#schedule(desk, entry);
    this.#tidy(desk);
  }

  /** The device says what it can be told. */
  hello(deviceId: string, channel: Channel, { commands, parameters }: Capabilities): void {
    const desk = this.#desks.get(deviceId);
    if (desk === undefined || desk.channel !== channel) return;
    this.#announce(desk, { commands, ...(parameters !== undefined && { parameters }) });
    this.#ready(desk, channel);
  }

  /** The device says what became of a command. */
  result(deviceId: string, channel: Channel, result: CommandResult): void {
    const desk = this.#desks.get(deviceId);
    if (desk === undefined || desk.channel !== channel) return;
    const entry = desk.open.get(result.command_id);
    if (entry === undefined || !entry.wasSent) {
      this.#hooks.resultIgnored(deviceId, result);
      return;
    }
    const { status, reason } = result;
    const isSent = entry.record.status === "sent";
    switch (status) {
      case "accepted":
        if (isSent) this.#step(desk, entry, "accepted", reason ?? "The device has it.");
        return;
      case "applied":
        if (entry.record.isClaimed) return;
        entry.record = { ...entry.record, isClaimed: true };
        if (isSent) {
          this.#step(
            desk,
            entry,
            "accepted",
            reason ?? "The device says that it is done; its telemetry has the last word.",
          );
        } else this.#journal.save({ table: "command", record: entry.record });
        return;
      case "rejected":
      case "failed":
        this.#step(desk, entry, status, reason ?? "The device gave no reason.");
    }
  }

  /** The device has a newer sample: it may show that a command took effect. On the hot path, once for every sample. */
  noteSample(deviceId: string): void {
    if (!this.#watched.has(deviceId)) return;
    const sample = this.#latest(deviceId);
    if (sample === null) return;
    const { values, receivedAtMs } = sample;
    const desk = this.#desk(deviceId);
    for (const entry of desk.open.values()) {
      if (!entry.wasSent) continue;
      const evidence = evidenceOf(entry.record, values, receivedAtMs, desk.announcement);
      if (evidence !== null) this.#step(desk, entry, "applied", `The telemetry shows it: ${evidence}.`);
    }
  }

  /** Takes back a command that has not been sent; false where it is too late for that. */
  withdraw(deviceId: string, commandId: string, cause: string): boolean {
    const desk = this.#desks.get(deviceId);
    const entry = desk?.open.get(commandId);
    if (desk === undefined || entry?.record.status !== "queued") return false;
    this.#step(desk, entry, "superseded", cause);
    return true;
  }

  /** Those that no device has been given yet, oldest first for each device. */
  *queued(): Generator<CommandRecord> {
    for (const { open } of this.#desks.values()) {
      for (const { record } of open.values()) if (record.status === "queued") yield record;
    }
  }

  /** Ends a command that is queued because whoever gave it may not any more. */
  cancel(deviceId: string, commandId: string): void {
    const desk = this.#desks.get(deviceId);
    const entry = desk?.open.get(commandId);
    if (desk !== undefined && entry?.record.status === "queued") this.#step(desk, entry, "cancelled", notAnyMore);
  }

  /** The device is registered no more: what was meant for it must not reach another one of the same id. */
  forget(deviceId: string): void {
    const desk = this.#desks.get(deviceId);
    if (desk === undefined) return;
    for (const entry of desk.open.values()) this.#step(desk, entry, "failed", "The device was removed.");
    this.#announce(desk, null);
    this.#tidy(desk);
  }

  /** What the device said that it can be told; null where it has not. */
  capabilitiesOf(deviceId: string): Capabilities | null {
    return this.#desks.get(deviceId)?.announcement ?? null;
  }

  /** Why the device cannot be told so; null where it can. */
  unsupportedBecause(deviceId: string, order: Order): string | null {
    return unsupportedBecause(order, this.capabilitiesOf(deviceId));
  }

  get openCount(): number {
    return this.#openCount;
  }

  /** Takes no more commands, and lets time end none. What is open goes on after the next start. */
  stop(): void {
    this.#isStopped = true;
    for (const desk of this.#desks.values()) {
      desk.cancelHello();
      for (const entry of desk.open.values()) entry.cancelDue();
    }
  }

  /** A command that is open here and stored, or that the store has; null where there is none; a refusal where it could not be stored. */
  async #find(deviceId: string, commandId: string): Promise<CommandRecord | Refusal | null> {
    const openEntry = () => this.#desks.get(deviceId)?.open.get(commandId);
    const stored = openEntry() === undefined ? await this.#store.find(deviceId, commandId) : null;
    if (stored !== null) return stored;
    const entry = openEntry();
    return entry === undefined ? null : ((await entry.stored) ?? entry.record);
  }

  #begin(desk: Desk, queuedRecord: CommandRecord, queued: Step): OpenCommand {
    const channel = desk.isReady && desk.channel?.isOpen === true ? desk.channel : null;
    const sent: Step = { status: "sent", atMs: queued.atMs, cause: "Handed to the device's link." };
    // Stored in one go with its first step: one wait for the disk less between the request and the device.
    const record = channel === null ? queuedRecord : advance(queuedRecord, sent);
    const entry = this.#open(desk, record, false);
    entry.channel = channel;
    entry.stored = new Promise((resolve) => {
      const onStored = () => {
        this.#publishStep(queuedRecord, queued);
        for (const earlier of earlierThan(desk, entry)) {
          if (earlier.record.status === "queued" && isLater(record, earlier)) this.#supersede(desk, earlier, record);
        }
        if (channel !== null) {
          this.#publishStep(record, sent);
          this.#handOver(desk, entry, channel);
        } else this.#sendPending(desk);
        resolve(null);
      };
      const onRefused = () => {
        this.#close(desk, entry);
        // The disk may have it all the same: it must not come to life after a restart.
        const cause = "It could not be stored.";
        this.#journal.save({
          table: "command",
          record: hasEnded(entry.record.status)
            ? entry.record
            : advance(entry.record, { status: "failed", atMs: this.#clock.wallMs(), cause }),
        });
        resolve(refuse("commands_unavailable"));
      };
      this.#journal.save({ table: "command", record }, onStored, onRefused);
    });
    return entry;
  }

  #ready(desk: Desk, channel: Channel): void {
    desk.cancelHello();
    desk.isReady = true;
    for (const entry of desk.open.values()) this.#schedule(desk, entry);
    if (channel.isOpen) this.#sendPending(desk);
  }

  /** Gives the link what it has to have: what is queued, and what an earlier link may not have delivered. In order. */
  #sendPending(desk: Desk): void {
    const { channel, isReady } = desk;
    if (channel === null || !isReady) return;
    // First those that never will go out: none may wait behind them.
    for (const { record } of [...desk.open.values()]) {
      if (!this.#hooks.mayStill(record)) this.cancel(desk.deviceId, record.commandId);
    }
    for (const entry of [...desk.open.values()]) {
      const { record } = entry;
      const isWaiting =
        record.status === "queued" || (record.status === "sent" && commandActions[record.action].isRepeatable);
      if (!isWaiting || entry.channel === channel || this.#isOver(record) || this.#hasLater(desk, entry)) continue;
      // It was sent before, and may have been taken: it is not sent again, and ends as its telemetry shows, or unconfirmed.
      if (!this.#hooks.mayStill(record)) continue;
      const misfit = unsupportedBecause(record as Order, desk.announcement);
      if (record.status === "queued" && misfit !== null) {
        this.#step(desk, entry, "rejected", misfit);
        continue;
      }
      entry.channel = channel;
      const cause = record.status === "queued" ? "Handed to the device's link." : "Handed to the device's new link.";
      this.#step(desk, entry, "sent", cause, () => this.#handOver(desk, entry, channel));
    }
  }

  /** What was stored as sent goes out, unless things have changed while the disk was waited for. */
  #handOver(desk: Desk, entry: OpenCommand, channel: Channel): void {
    const { record } = entry;
    if (desk.open.get(record.commandId) !== entry || record.status !== "sent" || entry.channel !== channel) return;
    if (this.#isOver(record)) {
      if (!entry.wasSent) this.#step(desk, entry, "expired", "Its time to live was over before it could be sent.");
      return;
    }
    if (!this.#hooks.mayStill(record)) {
      if (!entry.wasSent) this.#step(desk, entry, "cancelled", notAnyMore);
      return;
    }
    // The next link will get it.
    if (desk.channel !== channel || !channel.isOpen) return;
    entry.wasSent = true;
    channel.send(framesOf(record, channel));
    for (const earlier of earlierThan(desk, entry)) {
      if (isLater(record, earlier)) this.#supersede(desk, earlier, record);
    }
    this.#watch(desk, entry);
  }

  #supersede(desk: Desk, entry: OpenCommand, by: CommandRecord): void {
    this.#step(desk, entry, "superseded", `${by.commandId} took its place.`);
  }

  #isOver(record: CommandRecord): boolean {
    return this.#clock.wallMs() >= record.expiresAtMs;
  }

  #hasLater(desk: Desk, entry: OpenCommand): boolean {
    let isBehind = false;
    for (const each of desk.open.values()) {
      if (isBehind && isLater(each.record, entry)) return true;
      if (each === entry) isBehind = true;
    }
    return false;
  }

  /** One step further: decided now, told and acted on when it is stored. */
  #step(desk: Desk, entry: OpenCommand, status: CommandStatus, cause: string, then: () => void = () => {}): void {
    const step: Step = { status, atMs: this.#clock.wallMs(), cause };
    const record = advance(entry.record, step);
    entry.record = record;
    if (hasEnded(status)) this.#close(desk, entry);
    else this.#schedule(desk, entry);
    this.#journal.save({ table: "command", record }, () => {
      this.#publishStep(record, step);
      then();
    });
  }

  #publishStep(record: CommandRecord, step: Step): void {
    this.stepCounts.set(step.status, (this.stepCounts.get(step.status) ?? 0) + 1);
    this.#hooks.stepped(record, step);
  }

  #open(desk: Desk, record: CommandRecord, isOut: boolean): OpenCommand {
    const entry: OpenCommand = { record, stored: Promise.resolve(null), channel: null, wasSent: isOut, cancelDue: nothing };
    desk.open.set(record.commandId, entry);
    this.#openCount++;
    this.#schedule(desk, entry);
    return entry;
  }

  #close(desk: Desk, entry: OpenCommand): void {
    entry.cancelDue();
    if (desk.open.get(entry.record.commandId) !== entry) return;
    desk.open.delete(entry.record.commandId);
    this.#openCount--;
    if (![...desk.open.values()].some(({ wasSent: isOut }) => isOut)) this.#watched.delete(desk.deviceId);
    this.#tidy(desk);
  }

  #watch(desk: Desk, entry: OpenCommand): void {
    if (entry.wasSent) this.#watched.add(desk.deviceId);
    this.#schedule(desk, entry);
  }

  #schedule(desk: Desk, entry: OpenCommand): void {
    entry.cancelDue();
    if (this.#isStopped) return;
    const leftMs = this.#dueMs(desk, entry) - this.#clock.wallMs();
    entry.cancelDue = this.#clock.after(Math.min(timerMsMax, Math.max(0, leftMs)), () => this.#onDeadline(desk, entry));
  }

  /** When the command ends unless something happens before, by the wall clock. */
  #dueMs(desk: Desk, { record, wasSent: isOut, channel }: OpenCommand): number {
    const { expiresAtMs, action, history, sentAtMs } = record;
    if (!isOut) return expiresAtMs;
    const lastAtMs = Math.max(sentAtMs ?? 0, history.at(-1)?.atMs ?? 0);
    const shownByMs = lastAtMs + commandActions[action].shownWithinMs;
    const isOnLink = channel !== null && channel === desk.channel;
    // Without the link that it went out on, it has the rest of its time to live: the device may come back, and get it again.
    return isOnLink ? shownByMs : Math.max(expiresAtMs, shownByMs);
  }

  #onDeadline(desk: Desk, entry: OpenCommand): void {
    if (desk.open.get(entry.record.commandId) !== entry) return;
    // The wall clock may have been set back, or the timer may be a little early.
    if (this.#clock.wallMs() < this.#dueMs(desk, entry)) {
      this.#schedule(desk, entry);
    } else if (!entry.wasSent) {
      // Where its first step to `sent` is still on its way to the disk, #handOver ends it.
      if (entry.record.status === "queued" || entry.channel !== desk.channel) {
        this.#step(desk, entry, "expired", "Its time to live was over before the device was there.");
      }
    } else {
      const { record } = entry;
      const said = record.isClaimed
        ? "The device says that it is done"
        : record.status === "accepted"
          ? "The device said that it has it"
          : "The device did not answer";
      this.#step(desk, entry, "unconfirmed", `${said}, and its telemetry did not show it in time.`);
    }
  }

  #announce(desk: Desk, announcement: Capabilities | null): void {
    const { deviceId } = desk;
    // Most devices say the same at each connect.
    if (JSON.stringify(desk.announcement) === JSON.stringify(announcement)) return;
    desk.announcement = announcement;
    this.#journal.save({ table: "announcement", deviceId, announcement });
  }

  #desk(deviceId: string): Desk {
    let desk = this.#desks.get(deviceId);
    if (desk === undefined) {
      desk = { deviceId, channel: null, isReady: false, announcement: null, open: new Map(), cancelHello: nothing };
      this.#desks.set(deviceId, desk);
    }
    return desk;
  }

  #tidy(desk: Desk): void {
    if (desk.channel === null && desk.announcement === null && desk.open.size === 0) this.#desks.delete(desk.deviceId);
  }
}

/** The command's frame, exactly as the contract has it; who speaks the subprotocol is told before until when it may be started. */
function framesOf(
  { commandId: command_id, action, payload, expiresAtMs }: CommandRecord,
  { saysHello, encode }: Channel,
): Buffer {
  const expires_at = new Date(expiresAtMs).toISOString();
  if (encode !== undefined) return encode({ command_id, action, payload } as Command, expires_at);
  const command = textFrame(Buffer.from(JSON.stringify({ command_id, action, payload })));
  if (!saysHello) return command;
  const deadline: Deadline = { type: "deadline", command_id, expires_at };
  return Buffer.concat([textFrame(Buffer.from(JSON.stringify(deadline))), command]);
}

/** The open commands that were given before this one. */
function earlierThan(desk: Desk, entry: OpenCommand): OpenCommand[] {
  const all = [...desk.open.values()];
  return all.slice(0, Math.max(0, all.indexOf(entry)));
}

/** Whether `later` decides what `entry` has decided; the caller knows which came first. */
function isLater(later: CommandRecord, entry: OpenCommand): boolean {
  const subject = subjectOf(later);
  return subject !== null && subject === subjectOf(entry.record) && later.commandId !== entry.record.commandId;
}
