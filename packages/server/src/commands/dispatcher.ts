import {
  type Capabilities,
  type CommandResult,
  type CommandStatus,
  isRefusal,
  limits,
  type NewCommandBody,
  type Order,
  type Refusal,
  refuse,
  unsupportedBecause,
} from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import type { NewId } from "../base/random-id.ts";
import { type Requester, requesterText } from "../base/requester.ts";
import type { Values } from "../devices/sample.ts";
import type { Channel } from "./channel.ts";
import type { CommandJournal } from "./command-journal.ts";
import { type CommandRecord, commandRequester, isSameOrder, type Step } from "./command-record.ts";
import type { CommandScope, CommandStore, PersistedCommands } from "./command-store.ts";
import { DeviceCommandQueue, noLongerPermitted, type QueueOwner } from "./device-command-queue.ts";

/** What each device has shown since some moment, and when it was last heard. */
interface NewestSamples {
  find(
    deviceId: string,
  ): { since(ms: number): { readonly values: Values; readonly receivedAtMs: number } | null } | undefined;
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
  /** From where; absent if it is given later on somebody's behalf, as in a fleet command. */
  readonly address?: string | undefined;
  readonly fleetCommandId?: string | undefined;
}

/** What whoever set something going may do by now; asked each time before it goes on. */
export interface CommandRights {
  /** Null: any device at all. */
  mayCommand(requester: Requester, deviceId: string | null): boolean;
}

/** Which commands are those of the device as it is registered now. */
export interface CommandScopes {
  noteScopeOf(deviceId: string): CommandScope;
}

export interface CommandObserver {
  /** Puts on record that somebody gives this command, before anything else happens. Throws if it cannot: then the command is refused. */
  given(command: CommandRecord, address: string): void;
  /** A device's result for a command that it was not given, or that has ended. */
  resultIgnored(deviceId: string, result: CommandResult): void;
}

/** Told each step of each command once it is stored. */
export interface StepListener {
  noteStep(record: CommandRecord, step: Step): void;
}

/**
 * Gives commands to devices and follows each to its end (the table in protocol's command-status.ts). Each step is decided at once, stored, and
 * only then acted on and told: nobody hears of what a power cut could undo. At least once to the device until it answers or shows it, never
 * after its time to live, never once its requester may not any more, and in the order in which the commands were given.
 */
export class Dispatcher {
  readonly #clock: Clock;
  readonly #store: CommandStore;
  readonly #journal: CommandJournal;
  readonly #newest: NewestSamples;
  readonly #scopes: CommandScopes;
  readonly #rights: CommandRights;
  readonly #observer: CommandObserver;
  readonly #listeners: StepListener[] = [];
  readonly #newId: NewId;
  /** Of devices with open commands, a link, or capabilities. Bounded by the fleet. */
  readonly #queues = new Map<string, DeviceCommandQueue>();
  /** Devices with a command that telemetry may show. Asked for every sample. */
  readonly #watched = new Set<string>();
  readonly #owner: QueueOwner;
  readonly stepCounts = new Map<CommandStatus, number>();
  #isStopped = false;

  constructor(
    clock: Clock,
    newId: NewId,
    store: CommandStore,
    journal: CommandJournal,
    newest: NewestSamples,
    scopes: CommandScopes,
    rights: CommandRights,
    observer: CommandObserver,
  ) {
    this.#clock = clock;
    this.#newId = newId;
    this.#store = store;
    this.#journal = journal;
    this.#newest = newest;
    this.#scopes = scopes;
    this.#rights = rights;
    this.#observer = observer;
    this.#owner = this.#asOwner();
  }

  /** Has it told each step from now on, in the order in which listeners came. */
  watch(listener: StepListener): void {
    this.#listeners.push(listener);
  }

  /** Takes up what an earlier run left open; `isRegistered` tells whether the device is still the one that it was given to. */
  restore(
    { open, capabilities }: PersistedCommands,
    isRegistered: (deviceId: string, sinceMs: number) => boolean,
  ): void {
    for (const { deviceId, capabilities: reported } of capabilities) {
      if (isRegistered(deviceId, Number.POSITIVE_INFINITY)) this.#queueOf(deviceId).restoreCapabilities(reported);
      else this.#journal.save({ table: "capabilities", deviceId, capabilities: null });
    }
    for (const record of open) {
      this.#queueOf(record.deviceId).restore(record, isRegistered(record.deviceId, record.createdAtMs));
    }
  }

  /** Gives the command. The answer comes when it is stored: its record as it is then. */
  async submit(command: NewCommand): Promise<CommandRecord | Refusal> {
    const { deviceId, commandId } = command;
    if (commandId !== undefined) {
      const known = await this.#find(deviceId, commandId);
      if (known !== null) return isRefusal(known) || isSameOrder(known, command) ? known : refuse("command_exists");
    }
    const queue = this.#queueOf(deviceId);
    const unsupported = unsupportedBecause(command as Order, queue.capabilities);
    if (unsupported !== null) return refuse("unsupported_command", unsupported);
    const queued: Step = {
      status: "queued",
      atMs: this.#clock.wallMs(),
      cause: `Given by ${requesterText(command.requester)}.`,
    };
    const record = this.#recordOf(command, queued);
    if (queue.countBeside(record) >= limits.openCommandsMax) {
      return refuse("too_many_commands", "Wait until some have ended, or look at what they wait for.");
    }
    if (this.#journal.isFailing || this.#isStopped) return refuse("commands_unavailable");
    if (!this.#mayStill(record)) return refuse("not_permitted", noLongerPermitted);
    try {
      this.#observer.given(record, command.address ?? "");
    } catch {
      return refuse("audit_unavailable");
    }
    const begun = queue.begin(record, queued);
    return (await begun.stored) ?? begun.record;
  }

  /** A device has come on this link; whatever link it had before counts no more. */
  connected(deviceId: string, channel: Channel): void {
    this.#queueOf(deviceId).connected(channel);
  }

  disconnected(deviceId: string, channel: Channel): void {
    this.#queues.get(deviceId)?.disconnected(channel);
  }

  /** The device says what it supports. */
  hello(deviceId: string, channel: Channel, capabilities: Capabilities): void {
    this.#queues.get(deviceId)?.hello(channel, capabilities);
  }

  /** The device says what became of a command. */
  result(deviceId: string, channel: Channel, result: CommandResult): void {
    this.#queues.get(deviceId)?.result(channel, result);
  }

  /** The device may have a newer sample, which may show that a command took effect. On the hot path, once for every sample (`SampleSink`). */
  accept({ deviceId }: { readonly deviceId: string }): void {
    if (!this.#watched.has(deviceId)) return;
    const newest = this.#newest.find(deviceId);
    if (newest !== undefined) this.#queues.get(deviceId)?.noteSample((sinceMs) => newest.since(sinceMs));
  }

  /** Takes back a command that has not been sent; false if it is too late for that. */
  withdraw(deviceId: string, commandId: string, cause: string): boolean {
    return this.#queues.get(deviceId)?.endQueued(commandId, "superseded", cause) ?? false;
  }

  /** Those that no device has been given yet, oldest first for each device. */
  *queued(): Generator<CommandRecord> {
    for (const queue of this.#queues.values()) {
      for (const record of queue.records()) if (record.status === "queued") yield record;
    }
  }

  /** Ends a command that is queued because its requester may not any more. */
  cancel(deviceId: string, commandId: string): void {
    this.#queues.get(deviceId)?.endQueued(commandId, "cancelled", noLongerPermitted);
  }

  /** The device is registered no more: what was meant for it must not reach another one of the same id. */
  forget(deviceId: string): void {
    this.#queues.get(deviceId)?.forget();
  }

  /** What the device says that it supports; null if it has not said. */
  capabilitiesOf(deviceId: string): Capabilities | null {
    return this.#queues.get(deviceId)?.capabilities ?? null;
  }

  /** A command of the device as it is stored; null if there is none. */
  findStored(deviceId: string, commandId: string): Promise<CommandRecord | null> {
    return this.#store.find(this.#scopes.noteScopeOf(deviceId), commandId);
  }

  /** The device's commands as they are stored, newest first. */
  listStored(deviceId: string, limit: number): Promise<CommandRecord[]> {
    return this.#store.list(this.#scopes.noteScopeOf(deviceId), limit);
  }

  /** Why the device does not support this; null if it does. */
  unsupportedBecause(deviceId: string, order: Order): string | null {
    return unsupportedBecause(order, this.capabilitiesOf(deviceId));
  }

  get openCount(): number {
    let count = 0;
    for (const queue of this.#queues.values()) count += queue.openCount;
    return count;
  }

  /** Takes no more commands, and lets time end none. What is open goes on after the next start. */
  stop(): void {
    this.#isStopped = true;
    for (const queue of this.#queues.values()) queue.stop();
  }

  #recordOf(command: NewCommand, queued: Step): CommandRecord {
    return {
      deviceId: command.deviceId,
      registrationKey: this.#scopes.noteScopeOf(command.deviceId).key,
      commandId: command.commandId ?? `cmd_${this.#newId(8)}`,
      action: command.action,
      payload: command.payload,
      requestedBy: requesterText(command.requester),
      requester: command.requester,
      fleetCommandId: command.fleetCommandId ?? null,
      createdAtMs: queued.atMs,
      expiresAtMs: queued.atMs + (command.ttlMs ?? limits.commandTtlMs),
      status: "queued",
      history: [queued],
      sentAtMs: null,
      isClaimed: false,
    };
  }

  /** A command that is open here and stored, or that the store has; null if there is none; a refusal if it could not be stored. */
  async #find(deviceId: string, commandId: string): Promise<CommandRecord | Refusal | null> {
    const findOpen = () => this.#queues.get(deviceId)?.find(commandId);
    const stored = findOpen() === undefined ? await this.findStored(deviceId, commandId) : null;
    if (stored !== null) return stored;
    const command = findOpen();
    return command === undefined ? null : ((await command.stored) ?? command.record);
  }

  #queueOf(deviceId: string): DeviceCommandQueue {
    let queue = this.#queues.get(deviceId);
    if (queue === undefined) {
      queue = new DeviceCommandQueue(deviceId, this.#owner);
      this.#queues.set(deviceId, queue);
    }
    return queue;
  }

  #mayStill(record: CommandRecord): boolean {
    return this.#rights.mayCommand(commandRequester(record), record.deviceId);
  }

  #asOwner(): QueueOwner {
    const isStopped = (): boolean => this.#isStopped;
    return {
      clock: this.#clock,
      journal: this.#journal,
      get isStopped() {
        return isStopped();
      },
      mayStill: (record) => this.#mayStill(record),
      publishStep: (record, step) => {
        this.stepCounts.set(step.status, (this.stepCounts.get(step.status) ?? 0) + 1);
        for (const listener of this.#listeners) listener.noteStep(record, step);
      },
      ignoreResult: (deviceId, result) => this.#observer.resultIgnored(deviceId, result),
      watch: (deviceId, isWatched) => {
        if (isWatched) this.#watched.add(deviceId);
        else this.#watched.delete(deviceId);
      },
      emptied: (deviceId) => this.#queues.delete(deviceId),
    };
  }
}
