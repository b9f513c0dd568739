import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { CommandLoadOptions, Given } from "./command-load.ts";

/** What the thread is told to do, one at a time. */
export type Order =
  | { readonly kind: "giveSteadily"; readonly count: number; readonly perSecond: number }
  | { readonly kind: "giveAll" | "close" };

/**
 * `CommandLoad` in a thread of its own, which steps back behind this one: what is measured here meanwhile is not held up by giving, obeying and
 * following a thousand commands. Its `atMs` are by its own clock.
 */
export class CommandLoadThread {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  static async open(options: CommandLoadOptions): Promise<CommandLoadThread> {
    const worker = new Worker(new URL("./command-load-worker.ts", import.meta.url), { workerData: options });
    // Unhandled, an error of the worker ends the bench.
    await once(worker, "message");
    return new CommandLoadThread(worker);
  }

  giveSteadily(count: number, perSecond: number): Promise<readonly Given[]> {
    return this.#ask({ kind: "giveSteadily", count, perSecond });
  }

  giveAll(): Promise<readonly Given[]> {
    return this.#ask({ kind: "giveAll" });
  }

  async close(): Promise<void> {
    const exited = once(this.#worker, "exit");
    this.#worker.postMessage({ kind: "close" } satisfies Order);
    await exited;
  }

  async #ask(order: Order): Promise<readonly Given[]> {
    this.#worker.postMessage(order);
    const [given] = await once(this.#worker, "message");
    return given;
  }
}
