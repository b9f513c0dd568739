import {
  type Capabilities,
  type CommandResult,
  type CommandStatus,
  commandActions,
  hasEnded,
  type Order,
  type Refusal,
  refuse,
  unsupportedBecause,
} from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { Values } from "../devices/sample.ts";
import { type Channel, framesOf } from "./channel.ts";
import type { CommandJournal } from "./command-journal.ts";
import { afterStep, type CommandRecord, type Step, subjectOf } from "./command-record.ts";
import { evidenceOf } from "./evidence.ts";

/** What a queue needs of the dispatcher that holds it. */
export interface QueueOwner {
  readonly clock: Clock;
  readonly journal: CommandJournal;
  /** True once no timer is to be set any more. */
  readonly isStopped: boolean;
  /** Whether the requester of a command may still command the device. */
  mayStill(record: CommandRecord): boolean;
  /** A step is stored: everybody may hear of it. */
  publishStep(record: CommandRecord, step: Step): void;
  /** A result for a command that the device was not given, or that has ended. */
  ignoreResult(deviceId: string, result: CommandResult): void;
  /** Whether telemetry of the device may now show that one of its commands took effect. */
  watch(deviceId: string, isWatched: boolean): void;
  /** Nothing is known of the device any more. */
  emptied(deviceId: string): void;
}

/** A command that has not ended. */
export interface OpenCommand {
  record: CommandRecord;
  /** Resolves with null when the command is stored, or with why it could not be. */
  stored: Promise<Refusal | null>;
  /** The link that it was given to last, or is about to be given to as soon as that is stored. */
  channel: Channel | null;
  /** Whether a link may have taken its frame. */
  wasSent: boolean;
  /** When its link was first heard after it was handed over, by the wall clock: before that the device may never have got it. */
  heardAtMs: number | null;
  cancelDeadline: CancelTimer;
}

export const noLongerPermitted = "Its requester may no longer command this device.";
/** A device that speaks the subprotocol but says no hello for this long gets its commands all the same. */
const helloMsMax = 5_000;
/** `setTimeout` takes no more. */
const timerMsMax = 2 ** 31 - 1;
const nothing: CancelTimer = () => {};

/** The open commands of one device, in the order in which they were given, and its link. Each step is stored before it is acted on or told. */
export class DeviceCommandQueue {
  readonly deviceId: string;
  readonly #owner: QueueOwner;
  /** Oldest first; bounded by the dispatcher. */
  readonly #open = new Map<string, OpenCommand>();
  #channel: Channel | null = null;
  /** Whether commands may go out: the link is there, and has said what the device supports if it means to. */
  #isReady = false;
  #capabilities: Capabilities | null = null;
  #cancelHello: CancelTimer = nothing;

  constructor(deviceId: string, owner: QueueOwner) {
    this.deviceId = deviceId;
    this.#owner = owner;
  }

  /** What the device says that it supports; null if it has not said. */
  get capabilities(): Capabilities | null {
    return this.#capabilities;
  }

  get openCount(): number {
    return this.#open.size;
  }

  records(): CommandRecord[] {
    return [...this.#open.values()].map(({ record }) => record);
  }

  find(commandId: string): OpenCommand | undefined {
    return this.#open.get(commandId);
  }

  /** How many open commands there are beside those that this one would take the place of. */
  countBeside(record: CommandRecord): number {
    let count = 0;
    for (const each of this.#open.values()) if (each.record.status !== "queued" || !supersedes(record, each)) count++;
    return count;
  }

  /** Takes up what an earlier run left open. Whether a frame that was about to go out did so is not known: it counts as sent. */
  restore(record: CommandRecord, isRegistered: boolean): void {
    const command = this.#add(record, record.status !== "queued");
    if (isRegistered) this.#watch(command);
    else this.#step(command, "failed", "The device was removed.");
  }

  restoreCapabilities(capabilities: Capabilities): void {
    this.#capabilities = capabilities;
  }

  /** Begins a command whose record says `queued`, and sends it if the device is there. */
  begin(queuedRecord: CommandRecord, queued: Step): OpenCommand {
    const channel = this.#isReady && this.#channel?.isOpen === true ? this.#channel : null;
    const sent: Step = { status: "sent", atMs: queued.atMs, cause: "Handed to the device's link." };
    // Stored in one go with its first step: one wait for the disk less between the request and the device.
    const record = channel === null ? queuedRecord : afterStep(queuedRecord, sent);
    const command = this.#add(record, false);
    command.channel = channel;
    command.stored = new Promise((resolve) => {
      const onStored = () => {
        this.#owner.publishStep(queuedRecord, queued);
        for (const earlier of this.#earlierThan(command)) {
          if (earlier.record.status === "queued" && supersedes(record, earlier)) this.#supersede(earlier, record);
        }
        if (channel !== null) {
          this.#owner.publishStep(record, sent);
          this.#handOver(command, channel);
        } else this.#sendPending();
        resolve(null);
      };
      const onRefused = () => {
        this.#close(command);
        // The disk may have it all the same: it must not come to life after a restart.
        const failed: Step = { status: "failed", atMs: this.#owner.clock.wallMs(), cause: "It could not be stored." };
        this.#owner.journal.save({
          table: "command",
          record: hasEnded(command.record.status) ? command.record : afterStep(command.record, failed),
        });
        resolve(refuse("commands_unavailable"));
      };
      this.#owner.journal.save({ table: "command", record }, onStored, onRefused);
    });
    return command;
  }

  /** The device has come on this link; whatever link it had before counts no more. */
  connected(channel: Channel): void {
    this.#cancelHello();
    this.#channel = channel;
    this.#isReady = !channel.saysHello;
    if (channel.saysHello) {
      const { defaultCapabilities = this.#capabilities } = channel;
      if (this.#capabilities === null) this.setCapabilities(defaultCapabilities);
      this.#cancelHello = this.#owner.clock.after(helloMsMax, () => {
        this.setCapabilities(defaultCapabilities);
        this.#ready(channel);
      });
    } else {
      // It speaks as plainly as the seeds: what an earlier program of it reported holds no more.
      this.setCapabilities(null);
      this.#ready(channel);
    }
  }

  disconnected(channel: Channel): void {
    if (this.#channel !== channel) return;
    this.#cancelHello();
    this.#channel = null;
    this.#isReady = false;
    for (const command of this.#open.values()) this.#schedule(command);
    this.#forgetIfEmpty();
  }

  /** The device says what it supports. */
  hello(channel: Channel, { commands, parameters }: Capabilities): void {
    if (this.#channel !== channel) return;
    this.setCapabilities({ commands, ...(parameters !== undefined && { parameters }) });
    this.#ready(channel);
  }

  setCapabilities(capabilities: Capabilities | null): void {
    // Most devices say the same at each connect.
    if (JSON.stringify(this.#capabilities) === JSON.stringify(capabilities)) return;
    this.#capabilities = capabilities;
    this.#owner.journal.save({ table: "capabilities", deviceId: this.deviceId, capabilities });
    this.#forgetIfEmpty();
  }

  /** The device says what became of a command. */
  result(channel: Channel, result: CommandResult): void {
    if (this.#channel !== channel) return;
    const command = this.#open.get(result.command_id);
    if (!command?.wasSent) {
      this.#owner.ignoreResult(this.deviceId, result);
      return;
    }
    const { status, reason } = result;
    const isSent = command.record.status === "sent";
    switch (status) {
      case "accepted":
        if (isSent) this.#step(command, "accepted", reason ?? "The device has it.");
        return;
      case "applied":
        if (command.record.isClaimed) return;
        command.record = { ...command.record, isClaimed: true };
        if (isSent) {
          const cause = reason ?? "The device says that it is done; its telemetry has the last word.";
          this.#step(command, "accepted", cause);
        } else this.#owner.journal.save({ table: "command", record: command.record });
        return;
      case "rejected":
      case "failed":
        this.#step(command, status, reason ?? "The device gave no reason.");
    }
  }

  /** A newer sample of the device may show that a command took effect. */
  noteSample(newestSince: (ms: number) => { readonly values: Values; readonly receivedAtMs: number } | null): void {
    for (const command of this.#open.values()) {
      if (!command.wasSent) continue;
      const { record } = command;
      // Each section may come in a message of its own: what counts is all that came after the command was sent.
      const newest = newestSince(record.sentAtMs ?? 0);
      if (newest === null) return;
      const evidence = evidenceOf(record, newest.values, newest.receivedAtMs, this.#capabilities);
      if (evidence !== null) this.#step(command, "applied", `The telemetry shows it: ${evidence}.`);
    }
  }

  /** Ends a command that has not been sent; false if it is too late for that. */
  endQueued(commandId: string, status: "superseded" | "cancelled", cause: string): boolean {
    const command = this.#open.get(commandId);
    if (command?.record.status !== "queued") return false;
    this.#step(command, status, cause);
    return true;
  }

  /** The device is registered no more: what was meant for it must not reach another one of the same id. */
  forget(): void {
    for (const command of this.#open.values()) this.#step(command, "failed", "The device was removed.");
    this.setCapabilities(null);
    this.#forgetIfEmpty();
  }

  /** Lets time end none of its commands. */
  stop(): void {
    this.#cancelHello();
    for (const command of this.#open.values()) command.cancelDeadline();
  }

  #ready(channel: Channel): void {
    this.#cancelHello();
    this.#isReady = true;
    for (const command of this.#open.values()) this.#schedule(command);
    if (channel.isOpen) this.#sendPending();
  }

  /** Gives the link what it has to have: what is queued, and what an earlier link may not have delivered. In order. */
  #sendPending(): void {
    const channel = this.#channel;
    if (channel === null || !this.#isReady) return;
    // First those that never will go out: none may wait behind them.
    for (const { record } of [...this.#open.values()]) {
      if (!this.#owner.mayStill(record)) this.endQueued(record.commandId, "cancelled", noLongerPermitted);
    }
    for (const command of [...this.#open.values()]) {
      const { record } = command;
      const isWaiting =
        record.status === "queued" || (record.status === "sent" && commandActions[record.action].isRepeatable);
      if (!isWaiting || command.channel === channel || this.#isOver(record) || this.#hasLater(command)) continue;
      // It was sent before, and may have been taken: it is not sent again, and ends as the telemetry shows, or unconfirmed.
      if (!this.#owner.mayStill(record)) continue;
      const unsupported = unsupportedBecause(record as Order, this.#capabilities);
      if (record.status === "queued" && unsupported !== null) {
        this.#step(command, "rejected", unsupported);
        continue;
      }
      command.channel = channel;
      const cause = record.status === "queued" ? "Handed to the device's link." : "Handed to the device's new link.";
      this.#step(command, "sent", cause, () => this.#handOver(command, channel));
    }
  }

  /** What was stored as sent goes out, unless things have changed while the disk was waited for. */
  #handOver(command: OpenCommand, channel: Channel): void {
    const { record } = command;
    if (!this.#isOpen(command) || record.status !== "sent" || command.channel !== channel) return;
    if (this.#isOver(record)) {
      if (!command.wasSent) this.#step(command, "expired", "Its time to live was over before it could be sent.");
      return;
    }
    if (!this.#owner.mayStill(record)) {
      if (!command.wasSent) this.#step(command, "cancelled", noLongerPermitted);
      return;
    }
    // The next link will get it.
    if (this.#channel !== channel || !channel.isOpen) return;
    command.wasSent = true;
    command.heardAtMs = null;
    channel.send(framesOf(record, channel));
    channel.whenHeard(() => this.#noteHeard(channel));
    for (const earlier of this.#earlierThan(command)) {
      if (supersedes(record, earlier)) this.#supersede(earlier, record);
    }
    this.#watch(command);
  }

  /** From here on the device has its time to show what it was told. */
  #noteHeard(channel: Channel): void {
    for (const command of this.#open.values()) {
      if (command.channel !== channel || !command.wasSent || command.heardAtMs !== null) continue;
      command.heardAtMs = this.#owner.clock.wallMs();
      this.#schedule(command);
    }
  }

  #supersede(command: OpenCommand, by: CommandRecord): void {
    this.#step(command, "superseded", `${by.commandId} took its place.`);
  }

  #isOver(record: CommandRecord): boolean {
    return this.#owner.clock.wallMs() >= record.expiresAtMs;
  }

  #isOpen(command: OpenCommand): boolean {
    return this.#open.get(command.record.commandId) === command;
  }

  #earlierThan(command: OpenCommand): OpenCommand[] {
    const all = [...this.#open.values()];
    return all.slice(0, Math.max(0, all.indexOf(command)));
  }

  #hasLater(command: OpenCommand): boolean {
    const all = [...this.#open.values()];
    return all.slice(all.indexOf(command) + 1).some(({ record }) => supersedes(record, command));
  }

  /** One step further: decided now, told and acted on when it is stored. */
  #step(command: OpenCommand, status: CommandStatus, cause: string, then: () => void = () => {}): void {
    const step: Step = { status, atMs: this.#owner.clock.wallMs(), cause };
    const record = afterStep(command.record, step);
    command.record = record;
    if (hasEnded(status)) this.#close(command);
    else this.#schedule(command);
    this.#owner.journal.save({ table: "command", record }, () => {
      this.#owner.publishStep(record, step);
      then();
    });
  }

  #add(record: CommandRecord, wasSent: boolean): OpenCommand {
    const command = {
      record,
      stored: Promise.resolve(null),
      channel: null,
      wasSent,
      heardAtMs: null,
      cancelDeadline: nothing,
    };
    this.#open.set(record.commandId, command);
    this.#schedule(command);
    return command;
  }

  #close(command: OpenCommand): void {
    command.cancelDeadline();
    if (!this.#isOpen(command)) return;
    this.#open.delete(command.record.commandId);
    if (![...this.#open.values()].some(({ wasSent }) => wasSent)) this.#owner.watch(this.deviceId, false);
    this.#forgetIfEmpty();
  }

  #watch(command: OpenCommand): void {
    if (command.wasSent) this.#owner.watch(this.deviceId, true);
    this.#schedule(command);
  }

  #schedule(command: OpenCommand): void {
    command.cancelDeadline();
    if (this.#owner.isStopped) return;
    const leftMs = this.#deadlineMs(command) - this.#owner.clock.wallMs();
    const waitMs = Math.min(timerMsMax, Math.max(0, leftMs));
    command.cancelDeadline = this.#owner.clock.after(waitMs, () => this.#onDeadline(command));
  }

  /** When the command ends unless something happens before, by the wall clock. */
  #deadlineMs({ record, wasSent, channel, heardAtMs }: OpenCommand): number {
    const { expiresAtMs, action, history, sentAtMs } = record;
    if (!wasSent) return expiresAtMs;
    const lastAtMs = Math.max(sentAtMs ?? 0, history.at(-1)?.atMs ?? 0, heardAtMs ?? 0);
    const shownByMs = lastAtMs + commandActions[action].shownWithinMs;
    const isOnLink = channel !== null && channel === this.#channel && heardAtMs !== null;
    // Without the link that it went out on, or where that is silent, it has the rest of its time to live: the device may come back, and get it again.
    return isOnLink ? shownByMs : Math.max(expiresAtMs, shownByMs);
  }

  #onDeadline(command: OpenCommand): void {
    if (!this.#isOpen(command)) return;
    const { record } = command;
    // The wall clock may have been set back, or the timer may be a little early.
    if (this.#owner.clock.wallMs() < this.#deadlineMs(command)) {
      this.#schedule(command);
    } else if (!command.wasSent) {
      // If its first step to `sent` is still on its way to the disk, #handOver ends it.
      if (record.status === "queued" || command.channel !== this.#channel) {
        this.#step(command, "expired", "Its time to live was over before the device was there.");
      }
    } else {
      const said = record.isClaimed
        ? "The device says that it is done"
        : record.status === "accepted"
          ? "The device said that it has it"
          : "The device did not answer";
      this.#step(command, "unconfirmed", `${said}, and its telemetry did not show it in time.`);
    }
  }

  #forgetIfEmpty(): void {
    if (this.#channel === null && this.#capabilities === null && this.#open.size === 0) {
      this.#owner.emptied(this.deviceId);
    }
  }
}

/** Whether `later` decides what `command` has decided; the caller knows which came first. */
function supersedes(later: CommandRecord, command: OpenCommand): boolean {
  const subject = subjectOf(later);
  return subject !== null && subject === subjectOf(command.record) && later.commandId !== command.record.commandId;
}
