import { randomUUID } from "node:crypto";
import type { SeqRanges } from "@wattboard/protocol";
import {
  bytesInFrame,
  gapTimes,
  type JournalContext,
  type JournalGap,
  type JournalOpener,
  type JournalPart,
  type SampleJournal,
} from "./journal.ts";

/** Half an hour at one sample of 500 bytes a second. */
const bytesMaxDefault = 1_000_000;

/** A journal in memory: it is a new one at each start of the program. With more than `bytesMax` of samples (default 1 MB) the oldest goes. */
export function memoryJournal({ bytesMax = bytesMaxDefault }: { readonly bytesMax?: number } = {}): JournalOpener {
  return (context) => new MemoryJournal(context, bytesMax);
}

class MemoryJournal implements SampleJournal {
  readonly id: string = randomUUID();
  readonly isLasting = false;
  durableSeq = 0;
  epoch: number | null = null;
  lastSeq = 0;
  readonly #context: JournalContext;
  readonly #bytesMax: number;
  /** By number, ascending. */
  readonly #held = new Map<number, { readonly text: string; readonly timeMs: number }>();
  #bytes = 0;
  /** What there was no room for lies up to here. */
  #droppedSeq = 0;

  constructor(context: JournalContext, bytesMax: number) {
    this.#context = context;
    this.#bytesMax = bytesMax;
  }

  get firstSeq(): number {
    const [first = this.lastSeq + 1] = this.#held.keys();
    return first;
  }

  append(text: string): number {
    const seq = ++this.lastSeq;
    this.#held.set(seq, { text, timeMs: this.#context.clock.now() });
    this.#bytes += bytesInFrame(text);
    for (const oldest of this.#held.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#delete(oldest);
      this.#droppedSeq = oldest;
      this.#context.dropped(oldest, oldest);
    }
    return seq;
  }

  skip(throughSeq: number): void {
    this.lastSeq = Math.max(this.lastSeq, throughSeq);
  }

  acknowledge(durable: SeqRanges, epoch: number): void {
    this.epoch = epoch;
    this.durableSeq = durable.firstMissing(1) - 1;
    for (const seq of this.#held.keys()) if (durable.has(seq)) this.#delete(seq);
  }

  read(fromSeq: number, toSeq: number, samplesMax: number, bytesMax: number): JournalPart[] {
    const entries: JournalPart[] = [];
    let bytes = 0;
    for (let seq = fromSeq; seq <= toSeq && entries.length < samplesMax; ) {
      const held = this.#held.get(seq);
      if (held === undefined) {
        const gap = this.#gapFrom(seq, toSeq);
        entries.push(gap);
        seq = gap.to_seq + 1;
        continue;
      }
      bytes += bytesInFrame(held.text);
      if (bytes > bytesMax && entries.length > 0) break;
      entries.push({ seq, text: held.text });
      seq++;
    }
    return entries;
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}

  #gapFrom(seq: number, toSeq: number): JournalGap {
    let next = Math.max(seq, Math.min(this.firstSeq, toSeq + 1));
    while (next <= toSeq && !this.#held.has(next)) next++;
    return {
      from_seq: seq,
      to_seq: next - 1,
      ...gapTimes(this.#held.get(seq - 1)?.timeMs, this.#held.get(next)?.timeMs),
      reason: seq <= this.#droppedSeq ? "overflow" : "lost",
    };
  }

  #delete(seq: number): void {
    this.#bytes -= bytesInFrame(this.#held.get(seq)?.text ?? "");
    this.#held.delete(seq);
  }
}
