import { type Refusal, refuse } from "@wattboard/protocol";

export interface AnswerLimits {
  /** Bytes of answers that may be under way, all together, and to one caller. */
  readonly bytesMax: number;
  readonly bytesMaxEach: number;
}

/** Counts the bytes of answers that are being made or were not taken yet, of all callers and of each. */
export class AnswerBudget {
  readonly #limits: AnswerLimits;
  readonly #held = new Map<string, number>();
  #heldByAll = 0;
  /** Callers that were cut off since they took nothing. */
  cutCount = 0;

  constructor(limits: AnswerLimits) {
    this.#limits = limits;
  }

  /** Why the caller may ask for nothing now; null where nothing is in the way. */
  refuse(caller: string): Refusal | null {
    if ((this.#held.get(caller) ?? 0) >= this.#limits.bytesMaxEach) return refuse("too_many_answers");
    return this.isFull ? refuse("answers_busy") : null;
  }

  /** Whether all together hold so much that nobody may ask for more. */
  get isFull(): boolean {
    return this.#heldByAll >= this.#limits.bytesMax;
  }

  /** Counts them until the function that comes back is called; calling it again does nothing. What is asked for already is never refused here. */
  hold(caller: string, bytes: number): () => void {
    let held = bytes;
    this.#add(caller, bytes);
    return () => {
      this.#add(caller, -held);
      held = 0;
    };
  }

  /** Bytes that are held for all. */
  get held(): number {
    return this.#heldByAll;
  }

  #add(caller: string, bytes: number): void {
    const held = (this.#held.get(caller) ?? 0) + bytes;
    if (held === 0) this.#held.delete(caller);
    else this.#held.set(caller, held);
    this.#heldByAll += bytes;
  }
}
