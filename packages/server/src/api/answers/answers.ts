import { Worker } from "node:worker_threads";
import type { Refusal } from "@wattboard/protocol";
import { Failure } from "../../base/failure.ts";
import { workerUrl } from "../../base/worker-url.ts";
import type { AnswerBudget } from "../../http/answer-budget.ts";
import type { MadeAnswer } from "../../http/answer-flow.ts";
import { pageBytes } from "../../http/page-bytes.ts";
import type { Store } from "../../store/store.ts";
import type { AnswerReply, AnswerRequest, AnswerSetup } from "./answer-worker.ts";
import { QuestionQueue } from "./question-queue.ts";
import type { Question } from "./questions.ts";

const queueLimits = { running: 32, runningEach: 4, open: 256, openEach: 32 };
/** Nearly all that it makes is short-lived; left to itself it lets three times as much lie about. */
const resourceLimits = { maxYoungGenerationSizeMb: 16 };

interface Pending {
  resolve(answer: MadeAnswer | Refusal): void;
  reject(reason: unknown): void;
}

/** Answers about the past, made in a thread of their own: it asks the store past the event loop, which gets finished bytes. */
export class Answers {
  readonly #store: Pick<Store, "openReadPort">;
  readonly #budget: AnswerBudget;
  readonly #queue = new QuestionQueue(queueLimits);
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #lastNumber = 0;

  constructor(store: Pick<Store, "openReadPort">, budget: AnswerBudget) {
    this.#store = store;
    this.#budget = budget;
  }

  /**
   * Rejects with the signal's reason once it is aborted, and then nobody works on it any more; with the `Failure` `store_busy` where too many
   * questions wait, or with the store's.
   */
  make(caller: string, question: Question, signal: AbortSignal): Promise<MadeAnswer | Refusal> {
    return this.#queue.run(caller, signal, async () => {
      // What was asked for before may lie unread by now.
      const refusal = this.#budget.refuse(caller);
      if (refusal !== null) return refusal;
      const release = this.#budget.hold(caller, pageBytes);
      try {
        return await this.#ask(question, signal);
      } finally {
        release();
      }
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  async #ask(question: Question, signal: AbortSignal): Promise<MadeAnswer | Refusal> {
    signal.throwIfAborted();
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const number = ++this.#lastNumber;
    const abandon = (): void => {
      worker.postMessage({ abandoned: number } satisfies AnswerRequest);
      this.#take(number)?.reject(signal.reason);
    };
    signal.addEventListener("abort", abandon, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(number, { resolve, reject });
        worker.postMessage({ number, question } satisfies AnswerRequest);
      });
    } finally {
      signal.removeEventListener("abort", abandon);
    }
  }

  #start(): Worker {
    const store = this.#store.openReadPort();
    const worker = new Worker(workerUrl(import.meta.url, "./answer-worker"), {
      workerData: { store } satisfies AnswerSetup,
      transferList: [store],
      resourceLimits,
    });
    let cause: unknown;
    worker.unref();
    worker.on("message", (reply: AnswerReply) => this.#settle(reply));
    worker.on("error", (error) => {
      cause = error;
    });
    worker.once("exit", () => {
      this.#worker = null;
      for (const { reject } of this.#pending.values()) {
        reject(new Failure("store_stopped", "The thread that makes answers, or the store, has ended.", cause));
      }
      this.#pending.clear();
    });
    return worker;
  }

  #settle(reply: AnswerReply): void {
    const pending = this.#take(reply.number);
    if ("made" in reply) pending?.resolve(reply.made);
    else if ("refusal" in reply) pending?.resolve(reply.refusal);
    else
      pending?.reject(reply.failure === null ? reply.reason : new Failure(reply.failure.code, reply.failure.message));
  }

  #take(number: number): Pending | undefined {
    const pending = this.#pending.get(number);
    this.#pending.delete(number);
    return pending;
  }
}
