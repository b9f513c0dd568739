import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** What somebody who asks is given. */
export interface AskingSetup {
  /** Asked one after the other, each asker beginning elsewhere. */
  readonly urls: readonly string[];
  readonly askers: number;
}

/** Answers by status, from the start to the stop. */
export type Answered = Readonly<Record<number, number>>;

/** Viewers who ask one question after the other, each as soon as the last answer has been read; in a thread that steps back behind the one that measures. */
export class Asking {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  static start(setup: AskingSetup): Asking {
    return new Asking(new Worker(new URL("asking-worker.ts", import.meta.url), { workerData: setup }));
  }

  async stop(): Promise<Answered> {
    this.#worker.postMessage("stop");
    const [answered] = (await once(this.#worker, "message")) as [Answered];
    await this.#worker.terminate();
    return answered;
  }
}
