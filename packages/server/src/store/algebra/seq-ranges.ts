/** Both included. */
export type SeqRange = readonly [from: number, to: number];

/** A set of numbers that mostly follow one another, as the ranges that they make. Numbers begin with 1. */
export class SeqRanges {
  /** Ascending; between two of them at least one number is missing. */
  readonly #ranges: [from: number, to: number][] = [];

  constructor(ranges: readonly SeqRange[] = []) {
    for (const [from, to] of ranges) this.add(from, to);
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
    return this.#ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
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
    const range = this.#ranges[this.#at(seq)];
    return range !== undefined && range[0] <= seq;
  }

  /** Whether the number would begin a range: it neither is in one nor next to one, nor is it 1. */
  isApart(seq: number): boolean {
    const at = this.#at(seq);
    const [from] = this.#ranges[at] ?? [Number.POSITIVE_INFINITY];
    return from > seq + 1 && (this.#ranges[at - 1]?.[1] ?? 0) < seq - 1;
  }

  add(from: number, to = from): void {
    const last = this.#ranges.at(-1);
    // As nearly always: the next one, or a later one.
    if (last === undefined || from > last[1] + 1) this.#ranges.push([from, to]);
    else if (from >= last[0]) last[1] = Math.max(last[1], to);
    else this.#insert(from, to);
  }

  /** What of `from` to `to` is not in it. */
  missing(from: number, to: number): SeqRange[] {
    const found: SeqRange[] = [];
    let next = from;
    for (let at = this.#at(from); next <= to; at++) {
      const range = this.#ranges[at];
      if (range === undefined || range[0] > to) {
        found.push([next, to]);
        break;
      }
      if (range[0] > next) found.push([next, range[0] - 1]);
      next = range[1] + 1;
    }
    return found;
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
