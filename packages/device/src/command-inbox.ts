import {
  type Capabilities,
  type Command,
  type CommandResult,
  type Deadline,
  limits,
  type SetMode,
  unsupportedBecause,
  type Welcome,
} from "@wattboard/protocol";
import type { Clock } from "./clock.ts";
import type { CommandMemory, RememberedCommand } from "./command-memory.ts";

/** Thrown by `onCommand` where the device will not or cannot do it: told as `rejected`, any other error as `failed`. */
export class CommandRejected extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "CommandRejected";
  }
}

export type CommandHandler = (command: Command) => void | Promise<void>;

interface InboxHooks {
  /** Sends a result; false where there is no link that takes it. */
  send(result: CommandResult): boolean;
  /** A command is carried out, for the first time. */
  began(): void;
  failed(error: unknown): void;
  leaseEnded(command: SetMode): void;
}

/** Commands that are remembered; the oldest is forgotten. The server resends for a day at most, and has 16 open at once. */
const rememberedMax = 256;
/** A fall back to AUTO that failed is tried again after this. */
const leaseRetryMs = 5_000;

/**
 * What a device does with commands: each `command_id` is carried out once, however often it comes; what comes after its deadline, or does not
 * fit what was announced, is not; and a manual mode with a lease ends in AUTO unless a later SET_MODE comes in time.
 */
export class CommandInbox {
  readonly #clock: Clock;
  readonly #announcement: Capabilities;
  readonly #handler: CommandHandler | undefined;
  readonly #memory: CommandMemory | undefined;
  readonly #hooks: InboxHooks;
  /** Oldest first. */
  readonly #remembered = new Map<string, RememberedCommand>();
  /** Results that no link took. */
  readonly #untold = new Set<string>();
  #deadline: Deadline | null = null;
  /** What to add to the monotonic clock to get the server's time, ms; null where it has not said. */
  #serverAheadMs: number | null = null;
  #lease: { readonly command: SetMode; readonly timer: unknown } | null = null;
  #modesUnderWay = 0;
  #isLeaseOverdue = false;
  #isStopped = false;

  constructor(
    clock: Clock,
    announcement: Capabilities,
    handler: CommandHandler | undefined,
    memory: CommandMemory | undefined,
    hooks: InboxHooks,
  ) {
    this.#clock = clock;
    this.#announcement = announcement;
    this.#handler = handler;
    this.#memory = memory;
    this.#hooks = hooks;
    for (const each of memory?.load().slice(-rememberedMax) ?? []) this.#remembered.set(each.command_id, each);
  }

  /** A new link is up: what an earlier one did not take is told now. */
  linked(): void {
    this.#deadline = null;
    for (const id of [...this.#untold]) {
      this.#untold.delete(id);
      const known = this.#remembered.get(id);
      if (known !== undefined) this.#tell(known);
    }
  }

  welcome({ server_time }: Welcome): void {
    const serverMs = Date.parse(server_time);
    if (!Number.isNaN(serverMs)) this.#serverAheadMs = serverMs - this.#clock.monotonicMs();
  }

  deadline(deadline: Deadline): void {
    this.#deadline = deadline;
  }

  /** Says no to something that has an id but is no command. */
  refuse(commandId: string, reason: string): void {
    this.#tell({ command_id: commandId, status: "rejected", reason: cutText(reason) });
  }

  /** Gives whether the command was new. */
  receive(command: Command): boolean {
    const known = this.#remembered.get(command.command_id);
    if (known !== undefined) {
      this.#tell(known);
      return false;
    }
    const reason = this.#describeRefusal(command);
    if (reason !== null) this.#settle(command.command_id, "rejected", reason);
    else this.#carryOut(command, this.#handler as CommandHandler);
    return true;
  }

  stop(): void {
    this.#isStopped = true;
    this.#endLease();
  }

  #describeRefusal(command: Command): string | null {
    const deadlineMs =
      this.#deadline?.command_id === command.command_id ? Date.parse(this.#deadline.expires_at) : Number.NaN;
    if (this.#serverAheadMs !== null && this.#clock.monotonicMs() + this.#serverAheadMs >= deadlineMs) {
      return "It came after its time to live.";
    }
    if (this.#handler === undefined) return "This device takes no commands.";
    return unsupportedBecause(command, this.#announcement);
  }

  #carryOut(command: Command, handler: CommandHandler): void {
    const { command_id } = command;
    const receivedMs = this.#clock.monotonicMs();
    try {
      // Before anything happens: a crash in between must not lead to a second time.
      this.#remember({ command_id, status: "accepted" });
    } catch (error) {
      this.#remembered.delete(command_id);
      this.#hooks.failed(error);
      this.#tell({
        command_id,
        status: "failed",
        reason: "The device cannot remember commands just now, and took none.",
      });
      return;
    }
    this.#hooks.began();
    this.#tell({ command_id, status: "accepted" });
    if (command.action === "SET_MODE") this.#modesUnderWay++;
    const done = (error: unknown, isDone: boolean): void => {
      if (command.action === "SET_MODE") this.#modeSettled(command, isDone, receivedMs);
      if (isDone) {
        this.#settle(command_id, "applied");
        return;
      }
      const reason = error instanceof Error ? error.message : String(error);
      this.#settle(command_id, error instanceof CommandRejected ? "rejected" : "failed", reason);
      this.#hooks.failed(error);
    };
    try {
      const doing = handler(command);
      if (doing instanceof Promise) {
        doing.then(
          () => done(undefined, true),
          (error: unknown) => done(error, false),
        );
      } else done(undefined, true);
    } catch (error) {
      done(error, false);
    }
  }

  #settle(command_id: string, status: CommandResult["status"], reason?: string): void {
    const settled: RememberedCommand = { command_id, status, ...(reason !== undefined && { reason: cutText(reason) }) };
    try {
      this.#remember(settled);
    } catch (error) {
      // It stays remembered as begun, which is enough for it not to be done again.
      this.#hooks.failed(error);
    }
    this.#tell(settled);
  }

  #remember(command: RememberedCommand): void {
    this.#remembered.delete(command.command_id);
    this.#remembered.set(command.command_id, command);
    for (const id of this.#remembered.keys()) {
      if (this.#remembered.size <= rememberedMax) break;
      this.#remembered.delete(id);
      this.#untold.delete(id);
    }
    this.#memory?.save([...this.#remembered.values()]);
  }

  #tell({ command_id, status, reason }: RememberedCommand): void {
    const result: CommandResult = {
      type: "command_result",
      command_id,
      status,
      ...(reason !== undefined && { reason }),
    };
    if (!this.#hooks.send(result) && this.#remembered.has(command_id)) this.#untold.add(command_id);
  }

  // Leases

  #modeSettled(command: SetMode, isDone: boolean, receivedMs: number): void {
    this.#modesUnderWay--;
    if (isDone) {
      this.#endLease();
      const { lease_ms: leaseMs } = command.payload;
      if (leaseMs !== undefined) this.#beginLease(command, leaseMs - (this.#clock.monotonicMs() - receivedMs));
    }
    if (this.#isLeaseOverdue && this.#modesUnderWay === 0) this.#onLeaseEnd();
  }

  #beginLease(command: SetMode, leftMs: number): void {
    if (this.#isStopped) return;
    this.#lease = { command, timer: this.#clock.setTimeout(this.#onLeaseEnd, Math.max(0, leftMs)) };
  }

  #endLease(): void {
    this.#clock.clearTimeout(this.#lease?.timer);
    this.#lease = null;
    this.#isLeaseOverdue = false;
  }

  readonly #onLeaseEnd = (): void => {
    const lease = this.#lease;
    if (lease === null || this.#isStopped) return;
    // A SET_MODE that is being carried out may take the lease's place; where it fails, the lease ends then.
    this.#isLeaseOverdue = this.#modesUnderWay > 0;
    if (this.#isLeaseOverdue) return;
    this.#endLease();
    this.#hooks.leaseEnded(lease.command);
    const fallBack: SetMode = {
      command_id: `${lease.command.command_id}:lease`.slice(-limits.nameLengthMax),
      action: "SET_MODE",
      payload: { target_mode: "AUTO" },
    };
    const failed = (error: unknown): void => {
      this.#hooks.failed(error);
      // A later SET_MODE that came meanwhile has settled it.
      if (this.#lease === null && this.#modesUnderWay === 0) this.#beginLease(lease.command, leaseRetryMs);
    };
    try {
      const doing = this.#handler?.(fallBack);
      if (doing instanceof Promise) doing.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}

function cutText(reason: string): string {
  return reason.length > limits.textLengthMax ? `${reason.slice(0, limits.textLengthMax - 1)}…` : reason;
}
