import type { SeqRanges } from "@wattboard/protocol";

/** Samples that went out together, or within a second. */
interface Sent {
  readonly from: number;
  to: number;
  readonly isBackfill: boolean;
  readonly atMs: number;
}

/** Live samples are remembered by the second in which they went out. */
const togetherMs = 1_000;

/** What was sent on the present link and is not known to be durable, in the order in which it was sent. */
export class Flight {
  #sent: Sent[] = [];

  add(from: number, to: number, isBackfill: boolean, atMs: number): void {
    const last = this.#sent.at(-1);
    const isNext = last?.to === from - 1 && !isBackfill && !last.isBackfill && atMs - last.atMs < togetherMs;
    if (isNext) last.to = to;
    else this.#sent.push({ from, to, isBackfill, atMs });
  }

  clear(): void {
    this.#sent = [];
  }

  /** When the oldest was sent; null if nothing is on its way. */
  get oldestMs(): number | null {
    return this.#sent[0]?.atMs ?? null;
  }

  /** How many samples of backfill are on their way. */
  get backfill(): number {
    return this.#sent.reduce((sum, { from, to, isBackfill }) => sum + (isBackfill ? to - from + 1 : 0), 0);
  }

  /**
   * Takes away what is durable, and what was sent before something that is: the link keeps the order and the server stores in it, so that did not
   * arrive. What was sent later is on its way.
   */
  settle(durable: SeqRanges): void {
    for (let index = this.#sent.length - 1; index >= 0; index--) {
      const sent = this.#sent[index] as Sent;
      const last = durable.lastWithin(sent.from, sent.to);
      if (last === null) continue;
      const rest = last < sent.to ? [{ ...sent, from: last + 1 }] : [];
      this.#sent = [...rest, ...this.#sent.slice(index + 1)];
      return;
    }
  }

  /** Takes away what was sent before `beforeMs`. */
  forgetBefore(beforeMs: number): void {
    this.#sent = this.#sent.filter(({ atMs }) => atMs > beforeMs);
  }

  /** The first number from `seq` on that is not on its way. */
  firstMissing(seq: number): number {
    let free = seq;
    for (let known = -1; known !== free; ) {
      known = free;
      for (const { from, to } of this.#sent) if (from <= free && free <= to) free = to + 1;
    }
    return free;
  }

  /** The first number from `seq` on that is on its way; infinite if none is. */
  firstFrom(seq: number): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { from, to } of this.#sent) if (to >= seq) first = Math.min(first, Math.max(from, seq));
    return first;
  }
}
