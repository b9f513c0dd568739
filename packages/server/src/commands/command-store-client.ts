import { join } from "node:path";
import { type Clock, systemClock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import { WorkerClient } from "../base/worker-client.ts";
import { workerUrl } from "../base/worker-url.ts";
import { YieldQueue } from "../base/yield-queue.ts";
import { commandsFileName } from "./command-database.ts";
import type { CommandRecord } from "./command-record.ts";
import type { CommandScope, CommandStore, PersistedCommands, Row } from "./command-store.ts";
import type { FleetTarget } from "./fleet-command-record.ts";

/** What the thread of `commands.db` does. */
export interface CommandMethods {
  load(): PersistedCommands;
  commit(rows: readonly Row[]): void;
  find(scope: CommandScope, commandId: string): CommandRecord | null;
  list(scope: CommandScope, limit: number): CommandRecord[];
  fleetTargets(fleetCommandId: string): FleetTarget[];
  copyTo(path: string): void;
}

/** Questions that may wait at once; one more is refused. Commits are not refused: there is one at a time. */
const questionsMax = 1_000;

/** Keeps commands in `commands.db`, on a thread of its own. The folder's lock is held by the caller. */
export class CommandStoreClient implements CommandStore {
  readonly #thread: WorkerClient<CommandMethods>;

  private constructor(path: string, clock: Clock) {
    // Answers come in heaps, and with each a command goes on: one in a turn, in order. Bounded by the questions that may wait.
    const answers = new YieldQueue(Number.POSITIVE_INFINITY);
    this.#thread = new WorkerClient({
      url: workerUrl(import.meta.url, "./command-database-worker"),
      setup: () => ({ data: path }),
      clock,
      name: "the thread of the commands",
      endedCode: "commands_failed",
      pass: (task) => void answers.pass(task),
    });
  }

  /** Opens `commands.db` in `dataDir`, making it where there is none. Throws a `Failure`: `commands_failed`. */
  static async open(dataDir: string, clock: Clock = systemClock): Promise<CommandStoreClient> {
    const client = new CommandStoreClient(join(dataDir, commandsFileName), clock);
    await client.#thread.start();
    return client;
  }

  async load(): Promise<PersistedCommands> {
    return await this.#asked().call("load");
  }

  commit(rows: readonly Row[]): Promise<void> {
    return this.#thread.call("commit", rows);
  }

  async find(scope: CommandScope, commandId: string): Promise<CommandRecord | null> {
    return await this.#asked().call("find", scope, commandId);
  }

  async list(scope: CommandScope, limit: number): Promise<CommandRecord[]> {
    return await this.#asked().call("list", scope, limit);
  }

  async fleetTargets(fleetCommandId: string): Promise<FleetTarget[]> {
    return await this.#asked().call("fleetTargets", fleetCommandId);
  }

  /** Writes a consistent copy to a new file. Rejects with a `Failure`, `commands_failed`. */
  async copyTo(path: string): Promise<void> {
    await this.#asked().call("copyTo", path);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  /** The thread, if it can be asked one question more. */
  #asked(): WorkerClient<CommandMethods> {
    if (this.#thread.pendingCount < questionsMax) return this.#thread;
    throw new Failure("commands_failed", "Too many questions about commands wait already.");
  }
}
