import { Failure } from "../../base/failure.ts";

export interface QueueLimits {
  /** Questions that are worked on at once: of all callers, of one. */
  readonly running: number;
  readonly runningEach: number;
  /** With those that wait; one more is refused as `store_busy`. */
  readonly open: number;
  readonly openEach: number;
}

/** Who waits is let through by what stands here. */
interface QueueLine {
  running: number;
  readonly waiting: (() => void)[];
}

/** Lets questions through a few at a time. Callers take turns: who asks a lot waits behind himself. */
export class QuestionQueue {
  readonly #limits: QueueLimits;
  /** Of callers with open questions, whoever's turn comes next first. */
  readonly #lines = new Map<string, QueueLine>();
  #running = 0;
  #open = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Does the work when its turn has come. Who leaves the line is told the signal's reason, and nothing is done for him. */
  async run<T>(caller: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const line = this.#lines.get(caller) ?? { running: 0, waiting: [] };
    if (this.#open >= this.#limits.open || line.running + line.waiting.length >= this.#limits.openEach) {
      throw new Failure("store_busy", "Too many questions wait already. Ask again in a moment.");
    }
    this.#lines.set(caller, line);
    this.#open++;
    try {
      await this.#turn(line, signal);
      try {
        return await work();
      } finally {
        line.running--;
        this.#running--;
      }
    } finally {
      this.#open--;
      // To the end, where it had its turn: others have waited for theirs.
      this.#lines.delete(caller);
      if (line.running + line.waiting.length > 0) this.#lines.set(caller, line);
      this.#advance();
    }
  }

  #turn({ waiting }: QueueLine, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        waiting.splice(waiting.indexOf(enter), 1);
        reject(signal.reason);
      };
      const enter = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      signal.addEventListener("abort", leave, { once: true });
      waiting.push(enter);
      this.#advance();
    });
  }

  #advance(): void {
    // Whoever was let in goes to the end, where this comes by again.
    for (const [caller, line] of this.#lines) {
      if (this.#running >= this.#limits.running) return;
      if (line.running >= this.#limits.runningEach) continue;
      const enter = line.waiting.shift();
      if (enter === undefined) continue;
      line.running++;
      this.#running++;
      this.#lines.delete(caller);
      this.#lines.set(caller, line);
      enter();
    }
  }
}
