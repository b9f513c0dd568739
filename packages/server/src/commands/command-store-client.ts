import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { Failure } from "../base/failure.ts";
import { workerUrl } from "../base/worker-url.ts";
import { YieldQueue } from "../base/yield-queue.ts";
import { commandsFileName } from "./command-database.ts";
import type { CommandRecord } from "./command-record.ts";
import type { CommandScope, CommandStore, PersistedCommands, Row } from "./command-store.ts";
import type { FleetTarget } from "./fleet-command-record.ts";

/** What is asked of the thread; each is answered once, under its number. */
export type Request =
  | { readonly kind: "load" | "close" }
  | { readonly kind: "commit"; readonly rows: readonly Row[] }
  | { readonly kind: "find"; readonly scope: CommandScope; readonly commandId: string }
  | { readonly kind: "list"; readonly scope: CommandScope; readonly limit: number }
  | { readonly kind: "copy"; readonly path: string }
  | { readonly kind: "fleetTargets"; readonly fleetCommandId: string };

export type Numbered = Request & { readonly number: number };

export type Answer =
  | { readonly number: number; readonly ok: true; readonly result: unknown }
  | { readonly number: number; readonly ok: false; readonly error: unknown };

interface Pending {
  resolve(result: unknown): void;
  reject(failure: Failure): void;
}

const restartMs = 1_000;
/** Questions that may wait at once; one more is refused. Commits are not counted: there is one at a time. */
const questionsMax = 1_000;

/** Keeps commands in `commands.db`, on a thread of its own. The folder's lock is held by the caller. */
export class CommandStoreClient implements CommandStore {
  readonly #path: string;
  readonly #pending = new Map<number, Pending>();
  /** Answers come in heaps, and with each a command goes on: one in a turn, in order. Bounded by the questions that may wait. */
  readonly #yieldQueue = new YieldQueue(Number.POSITIVE_INFINITY);
  #worker: Worker | null = null;
  #lastNumber = 0;
  #closing = false;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Opens `commands.db` in `dataDir`, making it where there is none. Throws a `Failure`, `commands_failed`. */
  static async open(dataDir: string): Promise<CommandStoreClient> {
    const thread = new CommandStoreClient(join(dataDir, commandsFileName));
    await thread.#start();
    return thread;
  }

  load(): Promise<PersistedCommands> {
    return this.#ask({ kind: "load" });
  }

  async commit(rows: readonly Row[]): Promise<void> {
    await this.#ask({ kind: "commit", rows });
  }

  find(scope: CommandScope, commandId: string): Promise<CommandRecord | null> {
    return this.#ask({ kind: "find", scope, commandId });
  }

  list(scope: CommandScope, limit: number): Promise<CommandRecord[]> {
    return this.#ask({ kind: "list", scope, limit });
  }

  fleetTargets(fleetCommandId: string): Promise<FleetTarget[]> {
    return this.#ask({ kind: "fleetTargets", fleetCommandId });
  }

  /** Writes a consistent copy to a new file. Rejects with a `Failure`, `commands_failed`. */
  async copyTo(path: string): Promise<void> {
    await this.#ask({ kind: "copy", path });
  }

  async close(): Promise<void> {
    this.#closing = true;
    const worker = this.#worker;
    if (worker === null) return;
    worker.ref();
    const exited = once(worker, "exit");
    await this.#ask({ kind: "close" });
    await exited;
  }

  async #start(): Promise<void> {
    const worker = new Worker(workerUrl(import.meta.url, "./command-database-worker"), { workerData: this.#path });
    try {
      await Promise.race([
        once(worker, "message"),
        once(worker, "exit").then(() => Promise.reject(new Error("its thread ended while starting"))),
      ]);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Failure("commands_failed", `The commands in ${this.#path} cannot be opened: ${reason}`, error);
    }
    worker.on("message", (answer: Answer) => void this.#yieldQueue.pass(() => this.#settle(answer)));
    worker.unref();
    worker.on("error", () => {});
    // After what it has answered.
    worker.once("exit", () => void this.#yieldQueue.pass(() => this.#lost()));
    this.#worker = worker;
  }

  #ask<T>(request: Request): Promise<T> {
    const worker = this.#worker;
    if (worker === null) return Promise.reject(new Failure("commands_failed", "The thread of the commands has ended."));
    if (this.#pending.size >= questionsMax && request.kind !== "commit" && request.kind !== "close") {
      return Promise.reject(new Failure("commands_failed", "Too many questions about commands wait already."));
    }
    const number = ++this.#lastNumber;
    return new Promise((resolve, reject) => {
      // The thread keeps the process alive while an answer is awaited.
      if (this.#pending.size === 0) worker.ref();
      this.#pending.set(number, { resolve: resolve as (result: unknown) => void, reject });
      worker.postMessage({ ...request, number } satisfies Numbered);
    });
  }

  #settle(answer: Answer): void {
    const pending = this.#pending.get(answer.number);
    this.#pending.delete(answer.number);
    if (this.#pending.size === 0 && !this.#closing) this.#worker?.unref();
    if (answer.ok) {
      pending?.resolve(answer.result);
      return;
    }
    const reason = answer.error instanceof Error ? answer.error.message : String(answer.error);
    pending?.reject(new Failure("commands_failed", `The commands cannot be kept: ${reason}`, answer.error));
  }

  /** The thread has died: who waits is told, and a new one is started until one stays. What was announced is on the disk. */
  #lost(): void {
    this.#worker = null;
    for (const pending of this.#pending.values()) {
      pending.reject(new Failure("commands_failed", "The thread of the commands has ended."));
    }
    this.#pending.clear();
    if (this.#closing) return;
    setTimeout(() => {
      if (!this.#closing) this.#start().catch(() => this.#lost());
    }, restartMs).unref();
  }
}
