import type { DurabilityMark, DurabilityWaiter } from "../../devices/durability.ts";

/** With `smart_os.ok_after: stored`: answers that wait until the sample is durable. Bounded by the queue to the store, in which the samples wait. */
export class StoredAnswers implements DurabilityWaiter {
  mark: DurabilityMark | null = null;
  readonly #answer: (header: string | null) => void;
  /** In the order of their numbers. */
  readonly #waiting: { readonly seq: number; readonly header: string | null }[] = [];

  constructor(answer: (header: string | null) => void) {
    this.#answer = answer;
  }

  /** The sample of that number was taken just now; false where the queue to the store is full, and it will not be stored. */
  await(seq: number, header: string | null): boolean {
    if (this.mark?.toSeq !== seq) return false;
    this.#waiting.push({ seq, header });
    return true;
  }

  becameDurable({ toSeq }: DurabilityMark): void {
    let answered = 0;
    for (const { seq, header } of this.#waiting) {
      if (seq > toSeq) break;
      this.#answer(header);
      answered++;
    }
    this.#waiting.splice(0, answered);
  }
}
