/** Both included. */
export type SeqRange = readonly [from: number, to: number];

/** A set of sample numbers, which mostly follow one another, as the ranges that they make. Numbers begin with 1. */
export class SeqRanges {
  /** Ascending; between two of them at least one number is missing. */
  readonly #ranges: [from: number, to: number][] = [];

  constructor(ranges: readonly SeqRange[] = []) {
    for (const [from, to] of ranges) this.add(from, to);
  }

  /** What a welcome or an ack calls durable: all up to `seq`, and the ranges. */
  static of(seq: number, ranges: readonly SeqRange[] = []): SeqRanges {
    const set = new SeqRanges(ranges);
    set.add(1, seq);
    return set;
  }

  /** All numbers up to this one are in it; 0 if 1 is missing. */
  get through(): number {
    const first = this.#ranges[0];
    return first !== undefined && first[0] === 1 ? first[1] : 0;
  }

  /** The highest number in it; 0 if it is empty. */
  get last(): number {
    return this.#ranges.at(-1)?.[1] ?? 0;
  }

  /** How many numbers are in it. */
  get count(): number {
    return this.countWithin(1, this.last);
  }

  /** How many stretches it is made of. */
  get size(): number {
    return this.#ranges.length;
  }

  /** The ranges behind `through`. */
  get behind(): SeqRange[] {
    return this.#ranges.slice(this.through === 0 ? 0 : 1).map(([from, to]) => [from, to]);
  }

  has(seq: number): boolean {
    return this.firstFrom(seq) === seq;
  }

  /** Whether the number would begin a range: it neither is in one nor next to one, nor is it 1. */
  isApart(seq: number): boolean {
    const at = this.#at(seq);
    const [from] = this.#ranges[at] ?? [Number.POSITIVE_INFINITY];
    return from > seq + 1 && (this.#ranges[at - 1]?.[1] ?? 0) < seq - 1;
  }

  /** Both included; nothing if `to` is the lower one. */
  add(from: number, to = from): void {
    if (to < from) return;
    const last = this.#ranges.at(-1);
    // As nearly always: the next one, or a later one.
    if (last === undefined || from > last[1] + 1) this.#ranges.push([from, to]);
    else if (from >= last[0]) last[1] = Math.max(last[1], to);
    else this.#insert(from, to);
  }

  addAll(other: SeqRanges): void {
    for (const [from, to] of other.#ranges) this.add(from, to);
  }

  /** What of `from` to `to` is not in it. */
  missing(from: number, to: number): SeqRange[] {
    const found: SeqRange[] = [];
    for (let next = this.firstMissing(from); next <= to; ) {
      const end = this.firstFrom(next);
      found.push([next, Math.min(to, end - 1)]);
      next = this.firstMissing(end);
    }
    return found;
  }

  /** How many of the numbers from and to, both included, are in it. */
  countWithin(from: number, to: number): number {
    let count = 0;
    for (const [first, last] of this.#ranges) count += Math.max(0, Math.min(to, last) - Math.max(from, first) + 1);
    return count;
  }

  /** The highest of the numbers from and to, both included, that is in it; null if none is. */
  lastWithin(from: number, to: number): number | null {
    const range = this.#ranges.findLast(([first]) => first <= to);
    return range === undefined || range[1] < from ? null : Math.min(to, range[1]);
  }

  /** The first number from `seq` on that is not in it. */
  firstMissing(seq: number): number {
    const range = this.#ranges[this.#at(seq)];
    return range !== undefined && range[0] <= seq ? range[1] + 1 : seq;
  }

  /** The first number from `seq` on that is in it; infinite if none is. */
  firstFrom(seq: number): number {
    const range = this.#ranges[this.#at(seq)];
    return range === undefined ? Number.POSITIVE_INFINITY : Math.max(seq, range[0]);
  }

  toJSON(): SeqRange[] {
    return this.#ranges.map(([from, to]) => [from, to]);
  }

  /** Where the first range stands that ends with the number or behind it. */
  #at(seq: number): number {
    let [low, high] = [0, this.#ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle]?.[1] ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(from: number, to: number): void {
    const begin = this.#at(from - 1);
    let end = begin;
    let [first, last] = [from, to];
    for (; end < this.#ranges.length; end++) {
      const [otherFrom, otherTo] = this.#ranges[end] ?? [0, 0];
      if (otherFrom > to + 1) break;
      first = Math.min(first, otherFrom);
      last = Math.max(last, otherTo);
    }
    this.#ranges.splice(begin, end - begin, [first, last]);
  }
}
