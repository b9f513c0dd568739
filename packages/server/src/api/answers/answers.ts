import type { MessagePort } from "node:worker_threads";
import type { Refusal } from "@wattboard/protocol";
import type { Clock } from "../../base/clock.ts";
import { WorkerClient } from "../../base/worker-client.ts";
import { workerUrl } from "../../base/worker-url.ts";
import type { AnswerBudget } from "../../http/answer-budget.ts";
import type { MadeAnswer } from "../../http/answer-flow.ts";
import { pageBytes } from "../../http/page-bytes.ts";
import type { Store } from "../../store/store.ts";
import { QuestionQueue } from "./question-queue.ts";
import type { Question } from "./questions.ts";

const queueLimits = { running: 32, runningEach: 4, open: 256, openEach: 32 };
/** Nearly all that it makes is short-lived; left to itself it lets three times as much lie about. */
const resourceLimits = { maxYoungGenerationSizeMb: 16 };

/** What the thread is started with: a port that the store has lent. */
export interface AnswerSetup {
  readonly store: MessagePort;
}

/** What the thread does. */
export interface AnswerMethods {
  make(question: Question): MadeAnswer | Refusal;
}

/** Answers about the past, made in a thread of their own: it asks the store past the event loop, which gets finished bytes. */
export class Answers {
  readonly #budget: AnswerBudget;
  readonly #queue = new QuestionQueue(queueLimits);
  readonly #thread: WorkerClient<AnswerMethods>;

  constructor(store: Pick<Store, "openReadPort">, budget: AnswerBudget, clock: Clock) {
    this.#budget = budget;
    this.#thread = new WorkerClient({
      url: workerUrl(import.meta.url, "./answer-worker"),
      setup: () => {
        const port = store.openReadPort();
        return { data: { store: port } satisfies AnswerSetup, transfer: [port] };
      },
      clock,
      name: "the thread that makes answers, or the store,",
      endedCode: "store_stopped",
      resourceLimits,
    });
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
        return await this.#thread.callWith({ signal }, "make", question);
      } finally {
        release();
      }
    });
  }

  close(): Promise<void> {
    return this.#thread.terminate();
  }
}
