import {
  type Capabilities,
  type CommandResult,
  type CommandStatus,
  limits,
  type NewCommandBody,
  type Order,
  type Refusal,
  refuse,
  unsupportedBecause,
} from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { type Requester, requesterText } from "../base/requester.ts";
import type { CommandJournal } from "./command-journal.ts";
import { type CommandRecord, isSameOrder, type Step } from "./command-record.ts";
import type { CommandStore, PersistedCommands } from "./command-store.ts";
import { type Channel, DeviceCommandQueue, noLongerPermitted, type QueueOwner } from "./device-command-queue.ts";
import type { Values } from "./evidence.ts";

/** What a device has shown since some moment, point by point, and when it was last heard. */
export interface NewestSample {
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
  /** From where; absent if it is given later on somebody's behalf, as in a fleet command. */
  readonly address?: string | undefined;
  readonly fleetCommandId?: string | undefined;
}

export interface DispatcherHooks {
  /** Whether the requester of a command may still command the device. Asked each time before it is sent. */
  mayStill(record: CommandRecord): boolean;
  /** Puts on record that somebody gives this command, before anything else happens. Throws if it cannot: then the command is refused. */
  record(command: CommandRecord, address: string): void;
  /** A step is stored: tell everybody. */
  stepped(record: CommandRecord, step: Step): void;
  /** A device's result for a command that it was not given, or that has ended. */
  resultIgnored(deviceId: string, result: CommandResult): void;
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
  readonly #newestOf: (deviceId: string, sinceMs: number) => NewestSample | null;
  readonly #hooks: DispatcherHooks;
  readonly #newId: () => string;
  /** Of devices with open commands, a link, or capabilities. Bounded by the fleet. */
  readonly #queues = new Map<string, DeviceCommandQueue>();
  /** Devices with a command that telemetry may show. Asked for every sample. */
  readonly #watched = new Set<string>();
  readonly #owner: QueueOwner;
  readonly stepCounts = new Map<CommandStatus, number>();
  #isStopped = false;

  /** `newId` gives 16 characters that nobody guesses. */
  constructor(
    clock: Clock,
    newId: () => string,
    store: CommandStore,
    journal: CommandJournal,
    newestOf: (deviceId: string, sinceMs: number) => NewestSample | null,
    hooks: DispatcherHooks,
  ) {
    this.#clock = clock;
    this.#newId = newId;
    this.#store = store;
    this.#journal = journal;
    this.#newestOf = newestOf;
    this.#hooks = hooks;
    this.#owner = this.#asOwner();
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
      if (known !== null) return "code" in known || isSameOrder(known, command) ? known : refuse("command_exists");
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
    if (!this.#hooks.mayStill(record)) return refuse("not_permitted", noLongerPermitted);
    try {
      this.#hooks.record(record, command.address ?? "");
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
    this.#queues.get(deviceId)?.noteSample((sinceMs) => this.#newestOf(deviceId, sinceMs));
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
      commandId: command.commandId ?? `cmd_${this.#newId()}`,
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
    const stored = findOpen() === undefined ? await this.#store.find(deviceId, commandId) : null;
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

  #asOwner(): QueueOwner {
    const isStopped = (): boolean => this.#isStopped;
    return {
      clock: this.#clock,
      journal: this.#journal,
      get isStopped() {
        return isStopped();
      },
      mayStill: (record) => this.#hooks.mayStill(record),
      publishStep: (record, step) => {
        this.stepCounts.set(step.status, (this.stepCounts.get(step.status) ?? 0) + 1);
        this.#hooks.stepped(record, step);
      },
      ignoreResult: (deviceId, result) => this.#hooks.resultIgnored(deviceId, result),
      watch: (deviceId, isWatched) => {
        if (isWatched) this.#watched.add(deviceId);
        else this.#watched.delete(deviceId);
      },
      emptied: (deviceId) => this.#queues.delete(deviceId),
    };
  }
}
