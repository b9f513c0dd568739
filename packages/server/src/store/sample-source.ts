import type { MessagePort } from "node:worker_threads";
import { Failure, type FailureCode } from "../base/failure.ts";
import type { PointSample, SamplesQuery, StoreDamage } from "./store.ts";

/** A page that is asked for over a port that a store has lent. */
export type LentQuery = Omit<SamplesQuery, "signal">;

export interface SamplesPage {
  readonly samples: readonly PointSample[];
  /** What lies between them and cannot be read. */
  readonly leftOut: readonly StoreDamage[];
}

/** What comes back; each page is answered before the next is asked for. */
export type LentAnswer = SamplesPage | { readonly code: FailureCode; readonly message: string };

const ended: LentAnswer = { code: "store_stopped", message: "The store has ended." };

/** Reads samples over a port that a store has lent (`Store.lend`), in whichever thread the port is. */
export class SampleSource {
  readonly #port: MessagePort;
  #settle: ((answer: LentAnswer) => void) | null = null;
  #isEnded = false;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on("message", (answer: LentAnswer) => this.#settle?.(answer));
    port.once("close", () => {
      this.#isEnded = true;
      this.#settle?.(ended);
    });
  }

  /** As `Store.samples`, one page after the other. Rejects with the store's `Failure`. */
  samples(query: LentQuery): Promise<SamplesPage> {
    return new Promise((resolve, reject) => {
      this.#settle = (answer) => {
        if ("samples" in answer) resolve(answer);
        else reject(new Failure(answer.code, answer.message));
      };
      if (this.#isEnded) this.#settle(ended);
      else this.#port.postMessage(query);
    });
  }
}
