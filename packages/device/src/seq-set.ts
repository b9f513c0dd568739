/** Ranges that are remembered; beyond it the highest are forgotten, so that what they held is sent once more. The server tells 32 at a time. */
const rangesMax = 1_024;

/** A set of sample numbers, as ranges from and to, both included. */
export class SeqSet {
  /** Ascending; no two touch. */
  #ranges: { readonly from: number; readonly to: number }[] = [];

  /** What a welcome or an ack calls durable: all up to `seq`, and the ranges. */
  static of(seq: number, ranges: readonly (readonly [number, number])[] = []): SeqSet {
    const set = new SeqSet();
    set.add(1, seq);
    for (const [from, to] of ranges) set.add(from, to);
    return set;
  }

  /** The highest number; 0 if there is none. */
  get last(): number {
    return this.#ranges.at(-1)?.to ?? 0;
  }

  add(from: number, to: number): void {
    if (to < from) return;
    const before = this.#ranges.filter((range) => range.to < from - 1);
    const after = this.#ranges.filter((range) => range.from > to + 1);
    const touching = this.#ranges.slice(before.length, this.#ranges.length - after.length);
    const joined = {
      from: Math.min(from, touching[0]?.from ?? from),
      to: Math.max(to, touching.at(-1)?.to ?? to),
    };
    this.#ranges = [...before, joined, ...after].slice(0, rangesMax);
  }

  addAll(other: SeqSet): void {
    for (const { from, to } of other.#ranges) this.add(from, to);
  }

  has(seq: number): boolean {
    return this.firstMissing(seq) !== seq;
  }

  /** How many of the numbers from and to, both included, are in the set. */
  countWithin(from: number, to: number): number {
    let count = 0;
    for (const range of this.#ranges) count += Math.max(0, Math.min(to, range.to) - Math.max(from, range.from) + 1);
    return count;
  }

  /** The highest of the numbers from and to, both included, that is in the set; null if none is. */
  lastWithin(from: number, to: number): number | null {
    const range = this.#ranges.findLast((each) => each.from <= to);
    return range === undefined || range.to < from ? null : Math.min(to, range.to);
  }

  /** The first number from `seq` on that is not in the set. */
  firstMissing(seq: number): number {
    const range = this.#ranges.find(({ to }) => to >= seq);
    return range !== undefined && range.from <= seq ? range.to + 1 : seq;
  }

  /** The first number from `seq` on that is in the set; infinite if none is. */
  firstFrom(seq: number): number {
    const range = this.#ranges.find(({ to }) => to >= seq);
    return range === undefined ? Number.POSITIVE_INFINITY : Math.max(seq, range.from);
  }
}
